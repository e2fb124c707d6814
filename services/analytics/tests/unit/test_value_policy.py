"""Scores, tiers, churn risk and places."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facet_analytics.months import shifted
from facet_analytics.values.policy import (
    REVENUE_BANDS,
    Measures,
    Risk,
    Sum,
    churn,
    contributions,
    growth_percent,
    measure,
    ranking,
    reason,
    score,
    tier,
)

# What a property takes says how busy the machine is, and nothing about the property.
patiently = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
MONTH = date(2026, 6, 1)
KINDS = (
    "REVENUE",
    "RECEIPTS",
    "LATE_RECEIPTS",
    "TICKETS",
    "SLA_BREACHES",
    "TOUCHES",
    "COMPLAINTS",
    "PROJECTS_WON",
    "PROJECTS_LOST",
)
QUIET = Measures(
    revenue=Decimal(0),
    previous_revenue=Decimal(0),
    half_year_revenue=Decimal(0),
    receipts=Decimal(0),
    late_receipts=Decimal(0),
    tickets=0,
    breaches=0,
    touches=0,
    recent_touches=0,
    complaints=0,
    won=0,
    lost=0,
)
amounts = st.decimals(0, 10**9, places=2)
sums = st.dictionaries(
    st.tuples(st.sampled_from(KINDS), st.integers(0, 24).map(lambda back: shifted(MONTH, -back))),
    st.builds(Sum, st.integers(0, 50), amounts),
    max_size=15,
)


def revenue(**by_months_ago: int) -> dict[tuple[str, date], Sum]:
    """Revenue by how many months ago, written `m3=100`."""
    return {
        ("REVENUE", shifted(MONTH, -int(name[1:]))): Sum(1, Decimal(each))
        for name, each in by_months_ago.items()
    }


def points(found: Measures) -> dict[str, Decimal]:
    return {part.characteristic: part.points for part in contributions(found)}


@patiently
@given(sums)
def test_a_score_lies_between_nothing_and_a_hundred_and_is_the_sum_of_its_parts(found: dict) -> None:
    parts = contributions(measure(found, MONTH))
    assert all(0 <= part.points <= 100 for part in parts)
    assert 0 <= score(parts) <= 100
    assert score(parts) == sum(part.contribution for part in parts)
    assert tier(score(parts)) in {"A", "B", "C", "D"}


def test_weights_add_up_to_a_hundred() -> None:
    assert sum(part.weight for part in contributions(QUIET)) == 100


@patiently
@given(sums, amounts)
def test_more_revenue_never_lowers_what_revenue_adds(found: dict, more: Decimal) -> None:
    before = measure(found, MONTH)
    after = replace(before, revenue=before.revenue + more)
    assert points(after)["revenue"] >= points(before)["revenue"]
    assert points(after)["growth"] >= points(before)["growth"] or before.previous_revenue == 0


@pytest.mark.parametrize(("amount", "worth"), REVENUE_BANDS)
def test_revenue_is_worth_what_its_band_says(amount: Decimal, worth: Decimal) -> None:
    assert points(replace(QUIET, revenue=amount))["revenue"] == worth


def test_windows_end_with_the_month_that_is_asked_for() -> None:
    found = measure(revenue(m0=1, m11=10, m12=100, m23=1000, m24=10000), MONTH)
    assert (found.revenue, found.previous_revenue, found.half_year_revenue) == (11, 1100, 1)


def test_growth_compares_with_the_twelve_months_before() -> None:
    assert growth_percent(measure(revenue(m0=150, m12=100), MONTH)) == 50
    assert growth_percent(measure(revenue(m0=150), MONTH)) is None


def test_punctuality_is_the_part_received_in_time() -> None:
    found = replace(QUIET, receipts=Decimal(200), late_receipts=Decimal(50))
    assert points(found)["punctuality"] == 75


def test_half_the_revenue_gone_is_a_high_risk_and_a_quarter_a_medium_one() -> None:
    touched = replace(QUIET, recent_touches=3, previous_revenue=Decimal(100))
    half = replace(touched, revenue=Decimal(50), half_year_revenue=Decimal(10))
    quarter = replace(touched, revenue=Decimal(75), half_year_revenue=Decimal(10))
    assert churn(half)[0] is Risk.HIGH
    assert churn(quarter) == (Risk.MEDIUM, ("revenue changed by -25 % in a year",))


def test_two_signs_together_are_a_high_risk_and_none_is_a_low_one() -> None:
    busy = replace(QUIET, revenue=Decimal(9), half_year_revenue=Decimal(9), recent_touches=1)
    assert churn(busy) == (Risk.LOW, ())
    assert churn(replace(busy, breaches=3, complaints=1))[0] is Risk.HIGH


@patiently
@given(st.dictionaries(st.sampled_from("abcdef"), sums, max_size=5), st.randoms())
def test_places_are_one_to_n_and_depend_on_no_order(accounts: dict, chance: random.Random) -> None:
    found = ranking(accounts, MONTH)
    assert sorted(entry.rank for entry in found) == list(range(1, len(accounts) + 1))
    assert sorted(entry.previous_rank for entry in found) == list(range(1, len(accounts) + 1))
    assert sum(entry.movement for entry in found) == 0
    shuffled = list(accounts.items())
    chance.shuffle(shuffled)
    assert ranking(dict(shuffled), MONTH) == found


def test_who_overtakes_is_told_why() -> None:
    steady = revenue(m1=1_000_000, m13=1_000_000)
    risen = revenue(m0=9_000_000, m2=500_000, m14=500_000)
    first, second = ranking({"steady": steady, "risen": risen}, MONTH)
    assert (first.account_id, first.previous_rank, first.movement) == ("risen", 2, 1)
    assert reason(first).startswith("revenue +")
    assert (second.movement, reason(second)) == (-1, "others moved")
