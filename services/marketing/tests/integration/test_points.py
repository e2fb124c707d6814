"""The points ledger through the real pipeline: immutable, never overspent, balance equal to the sum (MKT-10)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from facet_contracts.facet.marketing.v1 import events_pb as events
from facet_contracts.facet.marketing.v1 import points_service_pb as rpc
from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_contracts.facet.marketing.v1.resources_pb import PointsEntryKind
from facet_kit.errors import Conflict, Forbidden, Invalid, NotFound
from facet_kit.refs import CustomerRef
from facet_kit.testing.principals import a_principal
from facet_marketing.points.model import PointsEntry

if TYPE_CHECKING:
    from conftest import Marketing


async def total(marketing: Marketing, customer: CustomerRef) -> int:
    """The sum of the ledger."""
    async with marketing.service.session() as session:
        query = select(func.coalesce(func.sum(PointsEntry.points), 0)).where(
            PointsEntry.customer_id == customer.customer_id
        )
        return int((await session.execute(query)).scalar_one())


async def reverse(marketing: Marketing, entry: pb.PointsEntry) -> pb.PointsEntry:
    request = rpc.ReversePointsEntryRequest(points_entry_id=entry.id, reason="refund")
    return await marketing.call("reverse_points_entry", request)


async def test_points_are_given_and_spent(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer(department_id="d", region_id="r")
    earned = await marketing.points(customer, 100, "order-1", reason="order")
    assert (earned.points, earned.balance_after, earned.region_id) == (100, 100, "r")
    burned = await marketing.points(customer, -30, "gift-1")
    assert (burned.kind, burned.points, burned.balance_after) == (PointsEntryKind.BURN, -30, 70)
    account = await marketing.balance(customer)
    assert (account.balance, account.earned, account.burned) == (70, 100, 30)
    assert await total(marketing, customer) == 70
    told = [e for e in await marketing.service.events(events.PointsBurned) if e.points_entry.id == burned.id]
    assert told[0].points_account.balance == 70


async def test_no_points_mean_a_balance_of_zero(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer(region_id="r")
    account = await marketing.balance(customer)
    assert (account.customer_id, account.balance, account.region_id) == (customer.customer_id, 0, "r")


async def test_nobody_spends_what_he_does_not_have(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer()
    await marketing.points(customer, 10, "a")
    with pytest.raises(Conflict) as refused:
        await marketing.points(customer, -11, "b")
    assert (refused.value.reason, refused.value.metadata["balance"]) == ("POINTS_INSUFFICIENT", "10")
    assert await total(marketing, customer) == 10


async def test_points_spent_at_the_same_moment_never_overdraw(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer()
    await marketing.points(customer, 100, "start")
    answers = await asyncio.gather(
        *(marketing.points(customer, -30, f"burn-{n}") for n in range(20)), return_exceptions=True
    )
    assert sum(isinstance(answer, pb.PointsEntry) for answer in answers) == 3
    assert {type(answer) for answer in answers} == {pb.PointsEntry, Conflict}
    account = await marketing.balance(customer)
    assert account.balance == await total(marketing, customer) == 10


async def test_the_same_reference_acts_once_also_at_the_same_moment(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer()
    entries = await asyncio.gather(*(marketing.points(customer, 50, "order-9") for _ in range(8)))
    assert len({entry.id for entry in entries}) == 1
    assert (await marketing.balance(customer)).balance == 50
    with pytest.raises(Conflict) as refused:
        await marketing.points(customer, 51, "order-9")
    assert refused.value.reason == "REFERENCE_USED"
    other = await marketing.service.given_customer()
    assert (await marketing.points(other, 51, "order-9")).points == 51


async def test_a_reversal_undoes_an_entry_once(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer()
    earned = await marketing.points(customer, 100, "order")
    burned = await marketing.points(customer, -40, "gift")
    undone = await reverse(marketing, burned)
    assert (undone.kind, undone.points, undone.reverses_entry_id) == (PointsEntryKind.REVERSAL, 40, burned.id)
    account = await marketing.balance(customer)
    assert (account.balance, account.earned, account.burned) == (100, 100, 0)
    for again in (burned, undone):
        with pytest.raises(Conflict):
            await reverse(marketing, again)
    await reverse(marketing, earned)
    account = await marketing.balance(customer)
    assert (account.balance, account.earned) == (0, 0)
    assert await total(marketing, customer) == 0
    told = [e.points_entry.reverses_entry_id for e in await marketing.service.events(events.PointsReversed)]
    assert burned.id in told


async def test_a_refund_of_points_already_spent_leaves_a_debt_to_be_earned_first(
    marketing: Marketing,
) -> None:
    customer = await marketing.service.given_customer()
    earned = await marketing.points(customer, 100, "order")
    await marketing.points(customer, -80, "gift")
    await reverse(marketing, earned)
    assert (await marketing.balance(customer)).balance == -80
    with pytest.raises(Conflict):
        await marketing.points(customer, -1, "more")
    await marketing.points(customer, 100, "next order")
    assert (await marketing.points(customer, -20, "small gift")).balance_after == 0


@pytest.mark.parametrize("statement", ["UPDATE points_entries SET points = 1", "DELETE FROM points_entries"])
async def test_the_database_refuses_to_rewrite_the_ledger(marketing: Marketing, statement: str) -> None:
    await marketing.points(await marketing.service.given_customer(), 5, "x")
    async with marketing.service.session() as session:
        with pytest.raises(DBAPIError, match="never changed"):
            await session.execute(text(statement))


async def test_points_are_asked_for_as_positive_numbers_of_a_kind(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer()
    for fields in ({"points": -5}, {"points": 0}, {"kind": PointsEntryKind.REVERSAL}):
        with pytest.raises(Invalid) as refused:
            await marketing.points(customer, 5, "x", **fields)
        assert refused.value.violations[0].field == f"points_entry.{next(iter(fields))}"
    with pytest.raises(Invalid, match="reference"):
        await marketing.points(customer, 5, "")


async def test_the_account_follows_the_customer_to_another_region(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer(region_id="old")
    await marketing.points(customer, 5, "a")
    async with marketing.service.session() as session:
        await session.execute(
            text("UPDATE customer_ref SET region_id = 'new' WHERE customer_id = :id"),
            {"id": customer.customer_id},
        )
        await session.commit()
    await marketing.points(customer, 5, "b")
    request = rpc.ListPointsAccountsRequest(filter=f'customer_id = "{customer.customer_id}"')
    seen = await marketing.call("list_points_accounts", request, a_principal("sales_rep", region_ids={"new"}))
    assert [(account.region_id, account.balance) for account in seen.points_accounts] == [("new", 10)]


async def test_a_customers_user_reads_his_points_and_gives_himself_none(marketing: Marketing) -> None:
    customer, stranger = await marketing.service.given_customer(), await marketing.service.given_customer()
    entry = await marketing.points(customer, 5, "a")
    foreign = await marketing.points(stranger, 5, "a")
    user = a_principal("customer", group_id=customer.group_id)
    seen = await marketing.call("get_points_entry", rpc.GetPointsEntryRequest(points_entry_id=entry.id), user)
    assert (seen.points, seen.actor_id) == (5, "")
    with pytest.raises(NotFound):
        await marketing.call("get_points_entry", rpc.GetPointsEntryRequest(points_entry_id=foreign.id), user)
    request = rpc.GetPointsAccountRequest(customer_id=stranger.customer_id)
    with pytest.raises(NotFound):
        await marketing.call("get_points_account", request, user)
    listed = await marketing.call("list_points_entries", rpc.ListPointsEntriesRequest(), user)
    assert [each.id for each in listed.points_entries] == [entry.id]
    gift = pb.PointsEntry(
        customer_id=customer.customer_id, kind=PointsEntryKind.EARN, points=9, reference="me"
    )
    with pytest.raises(Forbidden):
        await marketing.call("create_points_entry", rpc.CreatePointsEntryRequest(points_entry=gift), user)


async def test_an_empty_scope_sees_no_points(marketing: Marketing) -> None:
    await marketing.points(await marketing.service.given_customer(region_id="r"), 5, "a")
    nobody = a_principal("sales_rep")
    entries = await marketing.call("list_points_entries", rpc.ListPointsEntriesRequest(), nobody)
    accounts = await marketing.call("list_points_accounts", rpc.ListPointsAccountsRequest(), nobody)
    assert (list(entries.points_entries), list(accounts.points_accounts)) == ([], [])
