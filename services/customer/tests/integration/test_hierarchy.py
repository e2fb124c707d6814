"""Groups of customers: moves, rings, roll-up (CUS-14)."""

from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import select

from facet_contracts.facet.customer.v1 import customer_service_pb as rpc
from facet_contracts.facet.customer.v1 import events_pb as events
from facet_customer.customers.model import Customer
from facet_kit.errors import Conflict, FacetError, Invalid, NotFound, Stale
from facet_kit.refs import CustomerRef
from facet_kit.testing.principals import a_principal, a_sales_rep

API = "CustomerService"


async def move(world, customer, parent_id, *, by=None, etag=None):
    etag = (await world.get_customer(customer.id)).etag if etag is None else etag
    request = rpc.MoveCustomerRequest(customer_id=customer.id, parent_id=parent_id, etag=etag)
    return await world.call(API, "move_customer", request, by)


async def hierarchy(world, customer_id, by=None):
    request = rpc.GetCustomerHierarchyRequest(customer_id=customer_id)
    return await world.call(API, "get_customer_hierarchy", request, by)


@pytest.mark.capability("CUS-14")
async def test_a_group_of_nine_subsidiaries_in_four_regions_rolls_up(world):
    regions = [await world.region(display_name=f"Region {n}") for n in range(4)]
    departments = [await world.department() for _ in range(3)]
    top = await world.customer(display_name="Group", region_id=regions[0].id, department_id=departments[0].id)
    middle = await world.customer(top.id, region_id=regions[1].id, department_id=departments[1].id)
    members = [top, middle]
    for n in range(8):
        under = middle.id if n % 2 else top.id
        members.append(
            await world.customer(under, region_id=regions[n % 4].id, department_id=departments[n % 3].id)
        )

    answer = await hierarchy(world, top.id)

    assert answer.member_count == 10
    assert {each.customer_id for each in answer.members} == {member.id for member in members}
    for dimension, slices in (("region_id", answer.by_region), ("department_id", answer.by_department)):
        brute = {}
        for member in members:
            place = getattr(member, dimension)
            brute[place] = brute.get(place, 0) + 1
        assert {getattr(each, dimension): each.count for each in slices} == brute
    order = [each.customer_id for each in answer.members]
    assert all(
        not each.depth or order.index(each.parent_id) < place for place, each in enumerate(answer.members)
    )
    assert {each.depth for each in answer.members} == {0, 1, 2}
    assert await world.listed(f'descendants(group, "{middle.id}")') == {
        each.customer_id for each in (await hierarchy(world, middle.id)).members
    }
    with pytest.raises(Conflict) as refused:
        await move(world, top, middle.id)
    assert refused.value.reason == "TREE_RING"


async def test_a_regional_caller_sees_his_part_of_a_group(world):
    here, there = await world.region(), await world.region()
    top = await world.customer(region_id=there.id)
    mine = await world.customer(top.id, region_id=here.id)

    answer = await hierarchy(world, top.id, a_sales_rep(region_ids=[here.id]))

    assert [each.customer_id for each in answer.members] == [mine.id]
    assert answer.member_count == 1
    with pytest.raises(NotFound):
        await hierarchy(world, top.id, a_sales_rep())


async def test_a_move_gives_every_member_its_new_group_and_says_so(world, service):
    old, new = await world.customer(), await world.customer()
    branch = await world.customer(old.id)
    leaf = await world.customer(branch.id)

    moved = await move(world, branch, new.id)

    assert (moved.group_id, moved.parent_id, moved.ancestor_ids) == (new.id, new.id, [new.id, branch.id])
    below = await world.get_customer(leaf.id)
    assert (below.group_id, below.parent_id) == (new.id, branch.id)
    assert below.ancestor_ids == [new.id, branch.id, leaf.id]
    updated = {each.customer.id: each for each in await service.events(events.CustomerUpdated)}
    assert updated[leaf.id].customer == below
    assert updated[branch.id].customer == moved
    moves = [each for each in await service.events(events.CustomerMoved) if each.previous_group_id == old.id]
    assert [each.customer.id for each in moves] == [branch.id]
    assert await world.listed("", a_principal("customer", group_id=new.id)) == {new.id, branch.id, leaf.id}
    assert await world.listed("", a_principal("customer", group_id=old.id)) == {old.id}


async def test_a_member_can_leave_its_group(world):
    top = await world.customer()
    member = await world.customer(top.id)
    alone = await move(world, member, "")
    assert (alone.group_id, alone.parent_id, alone.ancestor_ids) == (member.id, "", [member.id])


async def test_members_outside_the_callers_sight_move_along(world):
    here, there = await world.region(), await world.region()
    top = await world.customer(region_id=here.id)
    branch = await world.customer(region_id=here.id)
    hidden = await world.customer(branch.id, region_id=there.id)
    manager = a_principal("sales_manager", region_ids=[here.id])

    await move(world, branch, top.id, by=manager)

    assert (await world.get_customer(hidden.id)).group_id == top.id


async def test_a_customer_cannot_hang_under_what_the_caller_does_not_see(world):
    here, there = await world.region(), await world.region()
    mine, hidden = await world.customer(region_id=here.id), await world.customer(region_id=there.id)
    with pytest.raises(Invalid):
        await move(world, mine, hidden.id, by=a_principal("sales_manager", region_ids=[here.id]))


async def test_a_move_needs_the_present_etag(world):
    one, two = await world.customer(), await world.customer()
    with pytest.raises(Stale):
        await move(world, one, two.id, etag="v99")


async def test_two_moves_at_once_never_close_a_ring(world, service):
    for _ in range(5):
        one, two = await world.customer(), await world.customer()
        answers = await asyncio.gather(
            move(world, one, two.id), move(world, two, one.id), return_exceptions=True
        )
        assert all(not isinstance(each, Exception) or isinstance(each, FacetError) for each in answers)
        one, two = await world.get_customer(one.id), await world.get_customer(two.id)
        assert [one.parent_id, two.parent_id].count("") == 1
        assert one.group_id == two.group_id


async def test_children_made_while_their_parent_moves_end_in_its_group(world, service):
    top, branch = await world.customer(), await world.customer()
    await asyncio.gather(move(world, branch, top.id), *(world.customer(branch.id) for _ in range(4)))
    async with service.session() as session:
        rows = (
            (await session.execute(select(Customer).where(Customer.parent_id == branch.id))).scalars().all()
        )
    assert [row.ancestor_ids for row in rows] == [[top.id, branch.id, row.id] for row in rows]
    assert {row.group_id for row in rows} == {top.id}


async def test_an_event_still_on_its_way_does_not_set_the_replica_back(world, service):
    old, new = await world.customer(), await world.customer()
    member = await world.customer(old.id)
    await move(world, member, new.id)

    await service.deliver(events.CustomerCreated(customer=member), version=1)

    async with service.session() as session:
        assert (await session.get_one(CustomerRef, member.id)).group_id == new.id
