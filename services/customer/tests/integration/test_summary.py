"""The sections of the unified view that the customer service answers for (GTW-01)."""

from __future__ import annotations

from collections import Counter

import pytest

from facet_contracts.facet.customer.v1 import summary_service_pb as rpc
from facet_contracts.facet.type.v1.account_pb import AccountSummaryChanged, GetAccountSummaryRequest
from facet_contracts.facet.type.v1.money_pb import Money
from facet_kit.errors import NotFound
from facet_kit.testing.principals import a_principal, a_sales_rep


async def summary(world, customer_id, by=None) -> rpc.AccountSummary:
    request = GetAccountSummaryRequest(customer_id=customer_id)
    return await world.call("SummaryService", "get_account_summary", request, by)


async def a_group(world):
    """Two regions, two departments, one top with three members below, contacts and a team."""
    regions = [await world.region(display_name=f"Region {n}") for n in range(2)]
    departments = [await world.department(display_name=f"Department {n}") for n in range(2)]
    owner = await world.hire()
    limit = Money(currency="CNY", amount="100.00")
    top = await world.customer(
        owner_id=owner.id,
        region_id=regions[0].id,
        department_id=departments[0].id,
        credit_limit=limit,
        key_account=True,
    )
    members = [top]
    for n in range(3):
        place = {"region_id": regions[n % 2].id, "department_id": departments[1].id}
        members.append(await world.customer(members[n // 2].id, **place))
    contacts = [
        await world.contact(member.id, phones=["13812345678"]) for member in members for _ in range(4)
    ]
    return regions, members, contacts, owner


async def test_totals_by_department_and_region_equal_brute_force(world):
    _, members, contacts, owner = await a_group(world)
    for member in members[:2]:
        await world.team_member(member.id, owner.id)
    by_id = {member.id: member for member in members}

    answer = await summary(world, members[0].id)

    assert answer.as_of is not None
    assert answer.group.totals.member_count == 4
    assert answer.group.totals.key_account_count == 1
    assert {each.customer_id for each in answer.group.members} == set(by_id)
    for place, members_by, contacts_by in (
        ("region_id", answer.group.by_region, answer.contacts.by_region),
        ("department_id", answer.group.by_department, answer.contacts.by_department),
    ):
        expected = Counter(getattr(member, place) for member in members)
        assert {getattr(each, place): each.count for each in members_by} == expected
        expected = Counter(getattr(by_id[contact.customer_id], place) for contact in contacts)
        assert {getattr(each, place): each.count for each in contacts_by} == expected
        assert all(each.display_name for each in (*members_by, *contacts_by))
    assert answer.contacts.totals.contact_count == len(contacts)
    assert len(answer.contacts.contacts) == 10
    assert all(each.title == "Buyer" and each.phones for each in answer.contacts.contacts)
    assert answer.account_team.totals.member_count == 1
    assert {each.customer_id for each in answer.account_team.members} == {members[0].id, members[1].id}
    assert [each.count for each in answer.account_team.by_region] == [1]


async def test_the_profile_tells_who_the_customer_is(world):
    _, members, _, owner = await a_group(world)
    dimension = await world.dimension(display_name="Industry")
    energy = await world.node(dimension.id, display_name="Energy")
    wind = await world.node(dimension.id, energy.id, display_name="Wind")
    await world.classify(members[0].id, wind.id, primary=True)

    profile = (await summary(world, members[0].id)).profile

    assert profile.customer.id == members[0].id
    assert profile.customer.credit_limit is None
    assert (profile.region_display_name, profile.department_display_name) == ("Region 0", "Department 0")
    assert profile.owner_display_name == owner.display_name
    [row] = profile.classifications
    assert (row.dimension_display_name, row.path, row.primary) == ("Industry", ["Energy", "Wind"], True)
    assert [each.to_stage.name for each in profile.lifecycle_changes] == ["PROSPECT"]


async def test_a_regional_caller_gets_his_slice(world):
    regions, members, _, _ = await a_group(world)
    mine = [member for member in members if member.region_id == regions[1].id]

    answer = await summary(world, members[0].id, a_sales_rep(region_ids=[regions[1].id]))

    assert {each.customer_id for each in answer.group.members} == {member.id for member in mine}
    assert answer.group.totals.member_count == len(mine)
    assert answer.contacts.totals.contact_count == 4 * len(mine)
    assert answer.profile.customer is None
    with pytest.raises(NotFound):
        await summary(world, members[0].id, a_sales_rep())


async def test_a_customers_user_gets_its_own_group_without_inner_fields(world):
    _, members, _, owner = await a_group(world)
    await world.team_member(members[0].id, owner.id)
    user = a_principal("customer", group_id=members[0].id)

    answer = await summary(world, members[0].id, user)

    assert answer.profile.customer.display_name == members[0].display_name
    assert not answer.profile.customer.key_account
    assert answer.profile.lifecycle_changes == []
    assert answer.group.totals.member_count == 4
    assert answer.group.totals.key_account_count == 0
    assert answer.account_team.members[0].display_name == owner.display_name
    assert all(each.title and not each.phones for each in answer.contacts.contacts)
    other = await world.customer()
    with pytest.raises(NotFound):
        await summary(world, other.id, user)


async def test_a_change_below_touches_the_account_above(world, service):
    top = await world.customer()
    below = await world.customer(top.id)
    await world.contact(below.id)
    last = (await service.events(AccountSummaryChanged))[-1]
    assert set(last.account_ids) == {top.id, below.id}


async def test_a_contact_who_moves_touches_both_employers(world, service):
    from facet_contracts.facet.customer.v1.contact_service_pb import ChangeAffiliationRequest

    old, new = await world.customer(), await world.customer()
    contact = await world.contact(old.id)
    request = ChangeAffiliationRequest(contact_id=contact.id, customer_id=new.id, etag=contact.etag)
    await world.call("ContactService", "change_affiliation", request)
    last = (await service.events(AccountSummaryChanged))[-1]
    assert set(last.account_ids) == {old.id, new.id}
    assert (await summary(world, old.id)).contacts.totals.contact_count == 0
    assert (await summary(world, new.id)).contacts.totals.contact_count == 1
