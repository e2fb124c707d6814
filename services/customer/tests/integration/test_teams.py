"""Account teams, and the sight that a place in one gives."""

from __future__ import annotations

import pytest
from protobuf.wkt import FieldMask

from facet_contracts.facet.customer.v1 import account_team_service_pb as rpc
from facet_contracts.facet.customer.v1 import events_pb as events
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_kit.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionMissing
from facet_kit.testing.principals import a_principal, a_sales_rep

API = "AccountTeamService"


async def remove(world, member, *, etag=None):
    request = rpc.RemoveAccountTeamMemberRequest(
        customer_id=member.customer_id,
        account_team_member_id=member.id,
        etag=member.etag if etag is None else etag,
    )
    return await world.call(API, "remove_account_team_member", request)


async def listed(world, customer_id, by=None):
    request = rpc.ListAccountTeamMembersRequest(customer_id=customer_id)
    return (await world.call(API, "list_account_team_members", request, by)).account_team_members


async def test_a_place_at_the_top_of_a_group_shows_the_whole_group(world, service):
    top = await world.customer()
    below = await world.customer(top.id)
    other = await world.customer()
    person = await world.hire("key_account_manager")
    assert await world.listed("", world.as_staff(person)) == set()

    member = await world.team_member(top.id, person.id)

    assert (member.staff_display_name, member.role) == (person.display_name, "service engineer")
    assert await world.listed("", world.as_staff(person)) == {top.id, below.id}
    with pytest.raises(NotFound):
        await world.get_customer(other.id, world.as_staff(person))
    assert [each.id for each in await listed(world, below.id)] == [member.id]
    added = [each.member for each in await service.events(events.AccountTeamMemberAdded)]
    assert added[-1] == member

    await remove(world, member)
    assert await world.listed("", world.as_staff(person)) == set()
    assert await listed(world, top.id) == []
    removed = [each.member.id for each in await service.events(events.AccountTeamMemberRemoved)]
    assert removed == [member.id]
    assert (await world.team_member(top.id, person.id)).id != member.id


async def test_a_place_below_shows_its_branch_only(world):
    top = await world.customer()
    branch = await world.customer(top.id)
    leaf = await world.customer(branch.id)
    person = await world.hire("key_account_manager")
    await world.team_member(branch.id, person.id)
    assert await world.listed("", world.as_staff(person)) == {branch.id, leaf.id}


async def test_nobody_gives_more_sight_than_he_has(world):
    here, there = await world.region(), await world.region()
    top = await world.customer(region_id=here.id)
    mine = await world.customer(top.id, region_id=here.id)
    await world.customer(top.id, region_id=there.id)
    rep = a_sales_rep(region_ids=[here.id])
    person = await world.hire()

    with pytest.raises(Forbidden) as refused:
        await world.team_member(top.id, person.id, by=rep)
    assert refused.value.reason == "SIGHT_EXCEEDED"
    assert (await world.team_member(mine.id, person.id, by=rep)).staff_id == person.id


async def test_a_person_has_one_place_in_a_team(world):
    customer, person = await world.customer(), await world.hire()
    await world.team_member(customer.id, person.id)
    with pytest.raises(Conflict):
        await world.team_member(customer.id, person.id)
    with pytest.raises(Invalid):
        await world.team_member(customer.id, "nobody")


async def test_the_role_changes_and_nothing_else(world, service):
    customer, person, other = await world.customer(), await world.hire(), await world.hire()
    member = await world.team_member(customer.id, person.id)

    def request(**fields):
        place = pb.AccountTeamMember(id=member.id, customer_id=customer.id, **fields)
        return rpc.UpdateAccountTeamMemberRequest(
            account_team_member=place, update_mask=FieldMask(paths=list(fields)), etag=member.etag
        )

    changed = await world.call(API, "update_account_team_member", request(role="sponsor"))
    assert changed.role == "sponsor"
    assert [each.changed for each in await service.events(events.AccountTeamMemberUpdated)] == [["role"]]
    with pytest.raises(Invalid):
        await world.call(
            API,
            "update_account_team_member",
            rpc.UpdateAccountTeamMemberRequest(
                account_team_member=pb.AccountTeamMember(
                    id=member.id, customer_id=customer.id, staff_id=other.id
                ),
                update_mask=FieldMask(paths=["staff_id"]),
                etag=changed.etag,
            ),
        )
    with pytest.raises(PreconditionMissing):
        await remove(world, member, etag="")


async def test_a_team_is_read_through_its_customer(world):
    customer, other, person = await world.customer(), await world.customer(), await world.hire()
    member = await world.team_member(customer.id, person.id)
    wrong = rpc.GetAccountTeamMemberRequest(customer_id=other.id, account_team_member_id=member.id)
    with pytest.raises(NotFound):
        await world.call(API, "get_account_team_member", wrong)
    right = rpc.GetAccountTeamMemberRequest(customer_id=customer.id, account_team_member_id=member.id)
    assert await world.call(API, "get_account_team_member", right) == member
    with pytest.raises(NotFound):
        await world.call(API, "get_account_team_member", right, a_sales_rep())
    with pytest.raises(NotFound):
        await listed(world, customer.id, a_sales_rep())
    with pytest.raises(Forbidden):
        await listed(world, customer.id, a_principal("customer", group_id=customer.id))
