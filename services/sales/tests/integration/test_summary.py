"""The account sections: kept figures against brute force over the records, by scope, department and region."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from facet_contracts.facet.sales.v1 import order_service_pb as orders
from facet_contracts.facet.sales.v1 import pipeline_service_pb as pipeline
from facet_contracts.facet.sales.v1 import receivables_service_pb as receivables
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_contracts.facet.sales.v1.summary_service_pb import AccountSummary
from facet_contracts.facet.type.v1.account_pb import AccountSummaryChanged, GetAccountSummaryRequest
from facet_kit.clock import SystemClock
from facet_kit.errors import NotFound
from facet_kit.testing.harness import ServiceHarness
from facet_kit.testing.principals import a_principal, an_executive

TODAY = SystemClock().today()
REGIONS = ("reg-x", "reg-y", "reg-z")


async def summary(desk: Any, customer_id: str, principal: Any = None) -> AccountSummary:
    request = GetAccountSummaryRequest(customer_id=customer_id)
    return await desk.call("Summary", "get_account_summary", request, principal or an_executive())


async def a_group(desk: Any) -> list[Any]:
    """A group with three subsidiaries in three regions, each served by its own department."""
    root = await desk.a_customer(region_id=REGIONS[0], department_id="dep-x")
    members = [root]
    for region in REGIONS:
        id = desk.unique("member")
        members.append(
            await desk.a_customer(
                customer_id=id,
                group_id=root.customer_id,
                ancestor_ids=[root.customer_id, id],
                region_id=region,
                department_id=f"dep-{region}",
            )
        )
    return members


async def some_business(desk: Any, customers: list[Any], seed: int) -> None:
    """Half a dozen deals, orders, contracts, invoices and payments, in every state there is."""
    chance = random.Random(seed)
    line = await desk.a_pipeline()
    product = await desk.a_product(price="12.35")
    for place in range(8):
        customer = customers[place % len(customers)]
        desk.rep = a_principal(
            "sales_rep", full_scope=True, department_id=chance.choice(["dep-1", "dep-2", ""])
        )
        deal = await desk.an_opportunity(customer, line, amount=desk.money(f"{chance.randint(1, 999)}.55"))
        if place % 3 == 0:
            win = pipeline.WinOpportunityRequest(opportunity_id=deal.id, etag=deal.etag, reason="price")
            await desk.call("Pipeline", "win_opportunity", win)
        contract = await desk.a_contract(
            customer, valid_to=(TODAY + timedelta(days=20 * (place + 1))).isoformat()
        )
        if place % 4:
            await desk.activate(contract)
        await desk.an_order(customer)
        order = await desk.an_approved_order(
            customer, pb.OrderLine(product_id=product.id, quantity=str(chance.randint(2, 9)))
        )
        invoice = await desk.an_invoice(
            order,
            "12.35",
            issue_date=(TODAY - timedelta(days=60)).isoformat(),
            due_date=(TODAY - timedelta(days=20 if place % 2 else 0)).isoformat(),
        )
        await desk.an_invoice(order)
        if place % 3 == 1:
            await desk.pay(invoice, "2.00", TODAY.isoformat())
        order = await desk.read(order)
        if place % 2:
            part = pb.ShipmentLine(order_line_id=order.lines[0].id, quantity="1")
            order = await desk.ship(order, pb.Shipment(ship_date=TODAY.isoformat(), lines=[part]))
        if place == 3:
            await desk.receive(await desk.ship(order), TODAY.isoformat())


@pytest_asyncio.fixture(scope="module")
async def business(service: ServiceHarness, desk_of: Any) -> list[Any]:
    """A group with some business, which the reading tests share: the root first, then its members."""
    desk = desk_of(service)
    members = await a_group(desk)
    await some_business(desk, members, seed=1)
    return members


async def everything(desk: Any, members: list[Any]) -> dict[str, list[Any]]:
    """All records of the account, read through the lists."""
    wanted = " OR ".join(f'customer_id = "{member.customer_id}"' for member in members)
    lists = {
        "opportunities": ("Pipeline", pipeline.ListOpportunitiesRequest(filter=wanted, page_size=200)),
        "orders": ("Order", orders.ListOrdersRequest(filter=wanted, page_size=200)),
        "invoices": ("Receivables", receivables.ListInvoicesRequest(filter=wanted, page_size=200)),
        "payments": ("Receivables", receivables.ListPaymentsRequest(filter=wanted, page_size=200)),
    }
    return {
        name: list(getattr(await desk.call(api, f"list_{name}", request, an_executive()), name))
        for name, (api, request) in lists.items()
    }


def by(records: list[Any], key: str, amount: Any) -> dict[str, tuple[int, Decimal]]:
    sums: dict[str, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for record in records:
        count, total = sums[getattr(record, key)]
        sums[getattr(record, key)] = (count + 1, total + Decimal(amount(record).amount))
    return dict(sums)


def shown(slices: Any, key: str) -> dict[str, tuple[int, Decimal]]:
    return {getattr(each, key): (each.count, Decimal(each.amount.amount)) for each in slices}


OPEN_ORDERS = (
    pb.OrderState.SUBMITTED,
    pb.OrderState.COMMERCIALLY_APPROVED,
    pb.OrderState.FINANCE_APPROVED,
    pb.OrderState.PARTLY_SHIPPED,
    pb.OrderState.SHIPPED,
    pb.OrderState.RECEIVED,
)
OPEN_INVOICES = (pb.InvoiceState.OPEN, pb.InvoiceState.PARTLY_PAID)


async def test_the_sections_equal_a_sum_over_all_records(desk: Any, business: list[Any]) -> None:
    members = business
    found = await summary(desk, members[0].customer_id)
    records = await everything(desk, members)
    deals = [deal for deal in records["opportunities"] if deal.state is pb.OpportunityState.OPEN]
    open_orders = [order for order in records["orders"] if order.state in OPEN_ORDERS]
    open_invoices = [invoice for invoice in records["invoices"] if invoice.state in OPEN_INVOICES]
    undelivered = [order for order in open_orders if order.state is not pb.OrderState.RECEIVED]
    for key in ("department_id", "region_id"):
        part = f"by_{key.removesuffix('_id')}"
        assert shown(getattr(found.pipeline, part), key) == by(deals, key, lambda deal: deal.amount)
        assert shown(getattr(found.orders, part), key) == by(open_orders, key, lambda order: order.total)
        assert shown(getattr(found.receivables, part), key) == by(open_invoices, key, lambda each: each.open)
        assert shown(getattr(found.commitments, part), key) == by(undelivered, key, lambda order: order.total)
    assert (found.pipeline.totals.open_count, found.pipeline.totals.won_count) == (5, 3)
    weighted = sum(Decimal(deal.weighted_amount.amount) for deal in deals)
    assert Decimal(found.pipeline.totals.weighted_amount.amount) == weighted
    overdue = [invoice for invoice in open_invoices if invoice.due_date < TODAY.isoformat()]
    assert found.receivables.totals.overdue_count == len(overdue) == 4
    assert Decimal(found.receivables.totals.overdue_amount.amount) == sum(
        Decimal(invoice.open.amount) for invoice in overdue
    )
    paid = sum(Decimal(payment.amount.amount) for payment in records["payments"])
    assert Decimal(found.receivables.totals.paid_this_year.amount) == paid
    assert found.receivables.totals.last_payment_date == TODAY.isoformat()
    this_year = [invoice for invoice in records["invoices"] if invoice.issue_date[:4] == str(TODAY.year)]
    revenue = sum(Decimal(invoice.amount.amount) for invoice in this_year)
    assert Decimal(found.orders.totals.revenue_this_year.amount) == revenue
    shipped = sum(
        Decimal(line.shipped_quantity) * Decimal("12.35")
        for order in records["orders"]
        for line in order.lines
    )
    assert Decimal(found.orders.totals.shipped_this_year.amount) == shipped
    assert found.contracts.totals.active_count == 6
    assert found.contracts.totals.nearest_expiry_date == (TODAY + timedelta(days=40)).isoformat()
    assert found.commitments.totals.contracts_ending_count == 3


async def test_the_short_lists_hold_the_ten_that_matter_most(desk: Any, business: list[Any]) -> None:
    members = business
    found = await summary(desk, members[0].customer_id)
    for items in (
        found.pipeline.opportunities,
        found.orders.orders,
        found.contracts.contracts,
        found.receivables.invoices,
        found.commitments.commitments,
    ):
        assert 0 < len(items) <= 10
    amounts = [Decimal(item.amount.amount) for item in found.pipeline.opportunities]
    assert amounts == sorted(amounts, reverse=True)
    due = [item.due_date for item in found.receivables.invoices]
    assert due == sorted(due)
    assert found.receivables.invoices[0].overdue_days == 20
    ends = [item.valid_to for item in found.contracts.contracts]
    assert ends == sorted(ends)


async def test_a_region_sees_its_part_and_a_subsidiary_only_itself(desk: Any, business: list[Any]) -> None:
    members = business
    whole = await summary(desk, members[0].customer_id)
    regional = a_principal("sales_rep", region_ids=["reg-y"])
    part = await summary(desk, members[0].customer_id, regional)
    assert [each.region_id for each in part.orders.by_region] == ["reg-y"]
    mine = {each.region_id: each.amount.amount for each in whole.orders.by_region}["reg-y"]
    assert part.orders.totals.open_amount.amount == mine
    assert {item.customer_id for item in part.orders.orders} == {members[2].customer_id}
    alone = await summary(desk, members[2].customer_id)
    assert alone.orders.totals.open_amount.amount == mine
    with pytest.raises(NotFound):
        await summary(desk, members[0].customer_id, a_principal("sales_rep"))


async def test_a_customer_sees_its_business_but_not_our_pipeline(desk: Any, business: list[Any]) -> None:
    members = business
    user = a_principal("customer", group_id=members[0].group_id)
    seen = await summary(desk, members[0].customer_id, user)
    assert seen.pipeline is None
    assert seen.orders is not None
    assert seen.receivables is not None
    assert seen.orders.totals.open_count == 8
    assert seen.receivables.invoices
    with pytest.raises(NotFound):
        await summary(desk, members[0].customer_id, a_principal("customer", group_id="another"))


async def test_every_change_says_which_accounts_to_refresh(desk: Any) -> None:
    members = await a_group(desk)
    order = await desk.an_order(members[1])
    changed = (await desk.service.events(AccountSummaryChanged))[-1]
    assert set(changed.account_ids) == {members[0].customer_id, members[1].customer_id}
    before = len(await desk.service.events(AccountSummaryChanged))
    await desk.submit(order)
    assert len(await desk.service.events(AccountSummaryChanged)) == before + 1


async def test_what_is_undone_leaves_the_figures_as_they_were(desk: Any) -> None:
    members = await a_group(desk)
    empty = await summary(desk, members[0].customer_id)
    order = await desk.an_approved_order(members[0])
    invoice = await desk.an_invoice(order)
    request = receivables.VoidInvoiceRequest(invoice_id=invoice.id, etag=invoice.etag, reason="wrong")
    await desk.call("Receivables", "void_invoice", request, desk.finance)
    order = await desk.read(order)
    cancel = orders.CancelOrderRequest(order_id=order.id, etag=order.etag, reason="wrong")
    await desk.call("Order", "cancel_order", cancel)
    after = await summary(desk, members[0].customer_id)
    for section in ("orders", "receivables", "commitments", "contracts", "pipeline"):
        assert getattr(after, section) == getattr(empty, section)
