"""Stage history, weighting and closing of opportunities, without a database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facet_contracts.facet.sales.v1.resources_pb import OpportunityState
from facet_kit.errors import Conflict
from facet_sales.pipeline.model import Opportunity, PipelineStage
from facet_sales.pipeline.policy import stage_visits, weighted

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def at(days: int) -> datetime:
    return T0 + timedelta(days=days)


def a_stage(id: str = "s1", probability: int = 20) -> PipelineStage:
    return PipelineStage(id=id, display_name=id, win_probability=probability, position=1)


def a_deal(probability: int | None = None) -> Opportunity:
    deal = Opportunity(
        id="d",
        customer_id="c",
        department_id="d",
        region_id="r",
        amount_amount=Decimal("1000.10"),
        currency="USD",
        exchange_rate=Decimal("7.2"),
        reporting_currency="CNY",
    )
    deal.open_in(a_stage(), probability, T0)
    return deal


@given(st.decimals(min_value=0, max_value=10**12, places=2), st.integers(0, 100))
def test_a_weighted_amount_is_exact_to_half_a_cent(amount: Decimal, probability: int) -> None:
    exact = Fraction(amount) * probability / 100
    assert abs(Fraction(weighted(amount, probability, "CNY")) - exact) <= Fraction(1, 200)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 5)), min_size=1, max_size=12))
def test_stage_visits_cover_the_whole_time_without_overlap(steps: list[tuple[str, int]]) -> None:
    changes: list[tuple[str, datetime]] = []
    now = T0
    for stage, days in steps:
        now += timedelta(days=days)
        changes.append((stage, now))
    visits = stage_visits(changes, None)
    end = now + timedelta(days=1)
    assert sum((visit.duration(end) for visit in visits), timedelta()) == end - changes[0][1]
    assert all(one.stage_id != two.stage_id for one, two in pairwise(visits))
    assert all(one.leave_time == two.enter_time for one, two in pairwise(visits))
    assert visits[-1].leave_time is None


def test_closing_ends_the_last_visit() -> None:
    visits = stage_visits([("a", at(0)), ("a", at(1)), ("b", at(2))], at(5))
    assert [(visit.stage_id, visit.duration(at(9)).days) for visit in visits] == [("a", 2), ("b", 3)]


def test_a_deal_takes_the_probability_of_its_stage_unless_one_is_set() -> None:
    assert a_deal().win_probability == 20
    deal = a_deal(probability=0)
    assert deal.win_probability == 0
    deal.advance(a_stage("s2", 50), at(3))
    assert deal.win_probability == 50
    assert deal.weighted_value == Decimal("3600.36")  # 1000.10 × 7.2 = 7200.72, half of it


def test_a_closed_deal_no_longer_moves() -> None:
    deal = a_deal()
    deal.lose("price", "Acme", at(4))
    assert (deal.state, deal.weighted_value) == (OpportunityState.LOST, Decimal(0))
    with pytest.raises(Conflict):
        deal.win("after all", "", at(5))
    with pytest.raises(Conflict):
        deal.advance(a_stage("s2"), at(5))


def test_a_deal_cannot_advance_to_where_it_stands() -> None:
    with pytest.raises(Conflict) as refused:
        a_deal().advance(a_stage("s1"), at(1))
    assert refused.value.reason == "SAME_STAGE"
