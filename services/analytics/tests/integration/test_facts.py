"""Facts: counted once, reported by department, region and month, the same after a rebuild."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import nats
import pytest
from sqlalchemy import func, select

from facet_analytics.facts.model import Fact
from facet_analytics.facts.service import drop_everything
from facet_analytics.timeline.model import TimelineRow
from facet_contracts.facet.analytics.v1 import report_service_pb as rpc
from facet_contracts.facet.sales.v1.events_pb import InvoiceIssued
from facet_contracts.facet.type.v1.account_pb import AccountSummaryChanged
from facet_kit.errors import Forbidden, Invalid, NotFound, Unavailable
from facet_kit.ids import Uuid7Ids
from facet_kit.messaging.consumer import Consumer
from facet_kit.messaging.envelope import event_type, to_headers
from facet_kit.messaging.streams import Bus
from facet_kit.principal import service_principal
from facet_kit.testing.principals import a_principal, a_sales_rep, an_administrator


def grouped(report: Any, *names: str) -> dict[tuple[str, ...], tuple[int, Decimal]]:
    return {
        tuple(getattr(row, name) for name in names): (row.count, Decimal(row.amount.amount))
        for row in report.rows
    }


async def test_an_event_counts_once_however_often_it_arrives(analyst: Any, tell: Any) -> None:
    customer = (await analyst.service.given_customer()).customer_id
    event = tell.issued(customer, "2026-03-05", 500)
    (id,) = await analyst.hear(event)
    for _ in range(3):
        await analyst.service.deliver(event, event_id=id, version=1)
    report = await analyst.report("REVENUE", customer_id=customer, from_month="2026-01", to_month="2026-12")
    assert (report.total.count, report.total.amount.amount, report.total.amount.currency) == (
        1,
        "500.00",
        "CNY",
    )
    touched = [each.account_ids for each in await analyst.service.events(AccountSummaryChanged)]
    assert [customer] in touched


async def test_revenue_is_reported_by_department_region_and_month_and_equals_a_count_by_hand(
    analyst: Any, tell: Any
) -> None:
    customer = (await analyst.service.given_customer()).customer_id
    await analyst.service.given_org("department", id=f"{customer}-d", name="Clean rooms")
    chance = random.Random(7)
    events: list[InvoiceIssued] = []
    for number in range(40):
        day = f"2026-{chance.randint(1, 6):02}-{chance.randint(1, 28):02}"
        place = {"department": f"{customer}-d", "region": chance.choice(["r1", "r2", "r3"])}
        events.append(tell.issued(customer, day, number + 1, **place))
    await analyst.hear(*events)
    by_hand: dict[tuple[str, str], tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for event in events:
        key = (event.invoice.issue_date[:7], event.invoice.region_id)
        count, amount = by_hand[key]
        by_hand[key] = (count + 1, amount + Decimal(event.invoice.amount.amount))
    period = {"customer_id": customer, "from_month": "2026-01", "to_month": "2026-06"}
    report = await analyst.report("REVENUE", "MONTH", "REGION", **period)
    assert grouped(report, "month", "region_id") == dict(by_hand)
    assert Decimal(report.total.amount.amount) == sum(amount for _, amount in by_hand.values())
    by_department = await analyst.report("REVENUE", "DEPARTMENT", **period)
    assert [row.department_display_name for row in by_department.rows] == ["Clean rooms"]
    shorter = await analyst.report("REVENUE", customer_id=customer, from_month="2026-02", to_month="2026-02")
    expected = sum(count for (month, _), (count, _) in by_hand.items() if month == "2026-02")
    assert (shorter.total.count, list(shorter.rows)) == (expected, [])


async def test_every_metric_has_its_events(analyst: Any, tell: Any) -> None:
    customer = (await analyst.service.given_customer()).customer_id
    invoice = tell.issued(customer, "2026-03-05", 100)
    await analyst.hear(
        invoice,
        tell.voided(invoice),
        tell.paid(customer, "2026-04-02", 40, due="2026-04-01"),
        tell.ticket(customer, "2026-04-02"),
        tell.touch(customer, "2026-04-02"),
        tell.won(customer, "2026-04-02", 900),
    )
    period = {"customer_id": customer, "from_month": "2026-01", "to_month": "2026-12"}
    found = {
        metric: (await analyst.report(metric, **period)).total
        for metric in ("REVENUE", "RECEIPTS", "LATE_RECEIPTS", "TICKETS", "TOUCHES", "PROJECTS_WON", "ORDERS")
    }
    assert {metric: each.count for metric, each in found.items()} == {
        "REVENUE": 0,
        "RECEIPTS": 1,
        "LATE_RECEIPTS": 1,
        "TICKETS": 1,
        "TOUCHES": 1,
        "PROJECTS_WON": 1,
        "ORDERS": 0,
    }
    assert (found["REVENUE"].amount.amount, found["LATE_RECEIPTS"].amount.amount) == ("0.00", "40.00")
    assert found["TICKETS"].amount is None


async def test_a_report_counts_what_the_caller_may_see(analyst: Any, tell: Any) -> None:
    root = (await analyst.service.given_customer()).customer_id
    for region in ("r1", "r2"):
        id = f"{root}-{region}"
        await analyst.service.given_customer(
            customer_id=id, group_id=root, ancestor_ids=[root, id], region_id=f"{root}-{region}"
        )
        await analyst.hear(tell.issued(id, "2026-05-05", 10, region=f"{root}-{region}"))
    period = {"from_month": "2026-05", "to_month": "2026-05"}
    whole = await analyst.report("REVENUE", customer_id=root, **period)
    rep = a_sales_rep(region_ids={f"{root}-r1"})
    part = await analyst.report("REVENUE", "REGION", customer_id=root, by=rep, **period)
    assert (whole.total.amount.amount, part.total.amount.amount) == ("20.00", "10.00")
    assert [row.region_id for row in part.rows] == [f"{root}-r1"]
    nobody = a_sales_rep()
    with pytest.raises(NotFound):
        await analyst.report("REVENUE", customer_id=root, by=nobody, **period)
    assert (await analyst.report("REVENUE", by=nobody, **period)).total.count == 0
    listed = await analyst.call("ReportService", "list_facts", rpc.ListFactsRequest(), by=nobody)
    assert list(listed.facts) == []
    async with analyst.service.app.database.unit_of_work(nobody, read_only=True) as ctx:
        for entity in (Fact, TimelineRow):
            assert (await ctx.session.scalars(select(entity))).all() == []


async def test_facts_tell_what_a_number_is_made_of(analyst: Any, tell: Any) -> None:
    customer = (await analyst.service.given_customer()).customer_id
    event = tell.issued(customer, "2026-05-05", 10)
    (id,) = await analyst.hear(event)
    await analyst.hear(tell.ticket(customer, "2026-05-06"))
    request = rpc.ListFactsRequest(filter=f'customer_id = "{customer}" AND kind = REVENUE', page_size=10)
    facts = (await analyst.call("ReportService", "list_facts", request)).facts
    assert [(each.event_id, each.resource_id, each.source) for each in facts] == [
        (id, event.invoice.id, "sales")
    ]
    assert facts[0].reporting_amount.amount == "10.00"


async def test_a_report_needs_months_in_their_order(analyst: Any) -> None:
    with pytest.raises(Invalid):
        await analyst.report("REVENUE", from_month="2026-05", to_month="2026-04")
    with pytest.raises(Invalid):
        await analyst.report("REVENUE", from_month="1990-01", to_month="2026-04")
    with pytest.raises(Invalid):
        await analyst.report("PROFIT")


async def everything(analyst: Any) -> tuple[Any, ...]:
    """All numbers there are, and all timelines."""
    async with analyst.service.session() as session:
        facts = select(
            Fact.kind,
            Fact.customer_id,
            Fact.department_id,
            Fact.region_id,
            Fact.month,
            func.sum(Fact.count),
            func.sum(Fact.reporting_amount),
        ).group_by(Fact.kind, Fact.customer_id, Fact.department_id, Fact.region_id, Fact.month)
        entries = select(TimelineRow.id, TimelineRow.time, TimelineRow.title, TimelineRow.customer_id)
        return (
            sorted(map(tuple, (await session.execute(facts)).all())),
            sorted(map(tuple, (await session.execute(entries)).all())),
        )


async def test_dropped_and_told_again_shuffled_and_doubled_the_numbers_are_the_same(
    analyst: Any, tell: Any
) -> None:
    group = (await analyst.service.given_customer(key_account=True)).customer_id
    chance = random.Random(11)
    events: list[Any] = []
    for _ in range(60):
        day = f"{chance.choice([2025, 2026])}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        make = chance.choice([tell.issued, tell.paid, tell.won, tell.ticket, tell.touch])
        events.append(
            make(group, day, chance.randint(1, 9999))
            if make not in (tell.ticket, tell.touch)
            else make(group, day)
        )
    events += [tell.voided(each) for each in events[:20] if isinstance(each, InvoiceIssued)]
    at = datetime(2026, 6, 1, tzinfo=UTC)
    told = [(event, analyst.service.ids.new()) for event in events]
    for event, id in told:
        await analyst.service.deliver(event, event_id=id, time=at)
    before = await everything(analyst)
    value = await analyst.value(group, "2026-06")
    ranking = await analyst.ranking("2026-06")
    async with analyst.service.app.database.unit_of_work(service_principal("analytics")) as ctx:
        facts, entries = await drop_everything(ctx)
    assert facts > 60
    assert entries > 60
    assert await everything(analyst) == ([], [])
    again = told * 2
    chance.shuffle(again)
    for event, id in again:
        await analyst.service.deliver(event, event_id=id, time=at)
    facts_now, entries_now = await everything(analyst)
    own = [row for row in before[0] if row[1] == group]
    assert [row for row in facts_now if row[1] == group] == own
    assert [row for row in entries_now if row[3] == group] == [row for row in before[1] if row[3] == group]
    assert await analyst.value(group, "2026-06") == value
    now = await analyst.ranking("2026-06")
    mine = [each for each in now.entries if each.customer_id == group]
    assert [(each.score, each.contributions) for each in mine] == [
        (each.score, each.contributions) for each in ranking.entries if each.customer_id == group
    ]


async def test_a_rebuild_reads_the_streams_from_their_beginning(
    analyst: Any, tell: Any, nats_url: str
) -> None:
    customer = (await analyst.service.given_customer()).customer_id
    app = analyst.service.app
    connection = await nats.connect(nats_url)
    jetstream = connection.jetstream()
    with pytest.raises(Unavailable):
        await analyst.call("ReportService", "rebuild_facts", rpc.RebuildFactsRequest(), by=an_administrator())
    bus, app.bus = app.bus, Bus(nats_url, "facet-analytics-test")
    await jetstream.add_stream(name="FACET_SALES", subjects=["facet.sales.>"])
    following = asyncio.create_task(Consumer(app.processing, app.bus).run())
    try:
        for number in range(5):
            await publish(jetstream, tell.issued(customer, "2026-02-02", number + 1))
        await until(analyst, customer, "15.00")
        dropped = await analyst.call(
            "ReportService", "rebuild_facts", rpc.RebuildFactsRequest(), by=an_administrator()
        )
        assert dropped.dropped_fact_count >= 5
        await until(analyst, customer, "15.00")
        await publish(jetstream, tell.issued(customer, "2026-02-03", 85))
        await until(analyst, customer, "100.00")
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await app.bus.close()
        app.bus = bus
        await jetstream.delete_stream("FACET_SALES")
        await connection.close()


async def publish(jetstream: Any, event: InvoiceIssued) -> None:
    kind = event_type(InvoiceIssued)
    headers = to_headers(
        id=Uuid7Ids().new(),
        source="sales",
        type=kind.type_name,
        aggregate_id=event.invoice.id,
        version=1,
        time=datetime.now(UTC),
        traceparent="",
    )
    await jetstream.publish(kind.subject("sales"), event.to_binary(), headers=headers)


async def until(analyst: Any, customer_id: str, amount: str) -> None:
    """Waits until the customer's revenue is the amount; a deadline says that it never will be."""
    async with asyncio.timeout(20):
        while True:
            period = {"from_month": "2026-01", "to_month": "2026-12"}
            report = await analyst.report("REVENUE", customer_id=customer_id, **period)
            if report.total.amount.amount == amount:
                return
            await asyncio.sleep(0.05)


async def test_only_who_sets_the_system_up_rebuilds_it(analyst: Any) -> None:
    with pytest.raises(Forbidden):
        await analyst.call(
            "ReportService",
            "rebuild_facts",
            rpc.RebuildFactsRequest(),
            by=a_principal("sales_manager", full_scope=True),
        )
