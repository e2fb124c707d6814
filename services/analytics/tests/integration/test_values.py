"""Values, the ranking of key accounts, and the sections of the unified view."""

from __future__ import annotations

from typing import Any

import pytest

from facet_contracts.facet.analytics.v1.resources_pb import ChurnRisk, ValueTier
from facet_contracts.facet.customer.v1 import events_pb as customer_events
from facet_contracts.facet.customer.v1.resources_pb import Affiliation, Contact
from facet_kit.errors import NotFound
from facet_kit.testing.principals import a_principal, a_sales_rep


async def test_a_value_explains_itself_and_counts_the_whole_group(analyst: Any, tell: Any) -> None:
    root = (await analyst.service.given_customer(name="Harbour Group")).customer_id
    below = f"{root}-sub"
    await analyst.service.given_customer(customer_id=below, group_id=root, ancestor_ids=[root, below])
    await analyst.hear(
        tell.issued(root, "2026-05-05", 400_000),
        tell.issued(below, "2026-06-05", 600_000),
        tell.issued(below, "2025-06-05", 1_000_000),
        tell.paid(below, "2026-06-05", 100, due="2026-06-01"),
        tell.paid(below, "2026-06-05", 300),
        *(tell.touch(root, "2026-06-05") for _ in range(6)),
        tell.ticket(below, "2026-06-05"),
        tell.won(below, "2026-01-05", 1),
    )
    value = await analyst.value(root, "2026-06")
    parts = {each.characteristic: (each.points, each.contribution) for each in value.contributions}
    assert parts == {
        "revenue": (50.0, 17.5),
        "growth": (50.0, 7.5),
        "punctuality": (75.0, 11.25),
        "projects": (40.0, 6.0),
        "service": (98.0, 9.8),
        "engagement": (50.0, 5.0),
    }
    assert (value.score, value.display_name, value.tier) == (57.05, "Harbour Group", ValueTier.B)
    assert value.churn_risk == ChurnRisk.LOW
    only = await analyst.value(below, "2026-06")
    assert only.contributions[0].measured == "600000.00 invoiced in twelve months"
    before = await analyst.value(root, "2026-05")
    assert value.previous_score == before.score


@pytest.mark.capability("ANA-07")
async def test_sixty_two_key_accounts_are_ranked_with_their_movement_and_its_reason(
    analyst: Any, tell: Any
) -> None:
    groups = [(await analyst.service.given_customer(key_account=True)).customer_id for _ in range(62)]
    for place, group in enumerate(groups):
        await analyst.hear(
            tell.issued(group, "2023-01-10", 1_000_000 - 10_000 * place),
            tell.issued(group, "2022-01-10", 1_000_000 - 10_000 * place),
        )
    await analyst.hear(tell.issued(groups[30], "2023-02-10", 5_000_000))
    ranking = await analyst.ranking("2023-02")
    mine = [each for each in ranking.entries if each.customer_id in groups]
    assert (len(mine), ranking.previous_month) == (62, "2023-01")
    assert [each.rank for each in ranking.entries] == list(range(1, ranking.total_count + 1))
    climber = mine[0]
    assert (climber.customer_id, climber.rank, climber.previous_rank, climber.movement) == (
        groups[30],
        1,
        31,
        30,
    )
    assert climber.reason.startswith("revenue +")
    assert [each.customer_id for each in mine[1:31]] == groups[:30]
    assert {(each.movement, each.reason) for each in mine[1:31]} == {(-1, "others moved")}
    assert {each.movement for each in mine[31:]} == {0}
    earlier = await analyst.ranking("2023-01")
    places = {each.customer_id: each.rank for each in earlier.entries}
    assert all(each.previous_rank == places[each.customer_id] for each in ranking.entries)
    assert await analyst.value(groups[30], "2023-02") == await analyst.value(groups[30], "2023-02")


async def test_a_caller_sees_the_places_of_the_accounts_in_his_scope(analyst: Any) -> None:
    here = (await analyst.service.given_customer(key_account=True, region_id="far")).customer_id
    await analyst.service.given_customer(key_account=True, region_id="near")
    rep = a_sales_rep(region_ids={"far"})
    whole, part = await analyst.ranking("2026-01"), await analyst.ranking("2026-01", by=rep)
    assert [each.customer_id for each in part.entries] == [here]
    assert part.total_count == whole.total_count
    assert part.entries[0].rank == next(each.rank for each in whole.entries if each.customer_id == here)


async def test_the_summary_shows_value_slices_and_the_latest_entries(analyst: Any, tell: Any) -> None:
    root = (await analyst.service.given_customer(key_account=True)).customer_id
    await analyst.hear(
        tell.issued(root, tell.this_month(), 300, department="d1", region="r1"),
        tell.issued(root, tell.this_month(), 700, department="d1", region="r2"),
        *(tell.ticket(root, tell.this_month()) for _ in range(25)),
    )
    summary = await analyst.summary(root)
    totals = summary.value.totals
    assert (totals.revenue.amount, totals.ticket_count) == ("1000.00", 25)
    assert [(each.department_id, each.amount.amount) for each in summary.value.by_department] == [
        ("d1", "1000.00")
    ]
    assert [(each.region_id, each.count) for each in summary.value.by_region] == [("r2", 1), ("r1", 1)]
    assert summary.value.account_value.rank >= 1
    entries = summary.timeline.entries
    assert len(entries) == 20
    assert {entry.title for entry in entries} <= {"Ticket T-1 opened: Fan is loud"}
    with pytest.raises(NotFound):
        await analyst.summary(root, by=a_sales_rep())


async def test_a_regional_caller_gets_the_regions_part_of_the_summary(analyst: Any, tell: Any) -> None:
    root = (await analyst.service.given_customer(region_id="west")).customer_id
    below = f"{root}-sub"
    await analyst.service.given_customer(
        customer_id=below, group_id=root, ancestor_ids=[root, below], region_id="east"
    )
    await analyst.hear(
        tell.issued(root, tell.this_month(), 1, region="west"),
        tell.issued(below, tell.this_month(), 2, region="east"),
    )
    summary = await analyst.summary(root, by=a_sales_rep(region_ids={"east"}))
    assert summary.value.totals.revenue.amount == "2.00"
    assert {entry.customer_id for entry in summary.timeline.entries} == {below}


async def test_customers_read_their_timeline_and_not_their_value(analyst: Any, tell: Any) -> None:
    root = (await analyst.service.given_customer()).customer_id
    await analyst.hear(tell.issued(root, tell.this_month(), 5), tell.touch(root, tell.this_month()))
    summary = await analyst.summary(root, by=a_principal("customer", group_id=root))
    assert summary.value is None
    assert [entry.event for entry in summary.timeline.entries] == ["invoice.issued"]
    assert [entry.department_id for entry in summary.timeline.entries] == [""]
    with pytest.raises(NotFound):
        await analyst.summary(root, by=a_principal("customer", group_id="another"))


async def test_a_move_is_told_to_both_employers(analyst: Any) -> None:
    left = (await analyst.service.given_customer()).customer_id
    joined = (await analyst.service.given_customer()).customer_id
    contact = Contact(id="c-1", display_name="Zhao Min")
    move = customer_events.ContactAffiliationChanged(
        contact=contact, ended=Affiliation(customer_id=left), started=Affiliation(customer_id=joined)
    )
    await analyst.hear(move)
    titles = [(await analyst.summary(id)).timeline.entries[0].title for id in (left, joined)]
    assert titles == ["Zhao Min left", "Zhao Min joined"]


async def test_an_account_without_facts_has_a_value_too(analyst: Any) -> None:
    customer = (await analyst.service.given_customer()).customer_id
    value = await analyst.value(customer, "2026-06")
    assert (value.rank, value.churn_risk, len(value.contributions)) == (0, ChurnRisk.LOW, 6)
