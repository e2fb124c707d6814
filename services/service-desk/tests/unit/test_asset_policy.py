"""Which assets a delivery makes, and how long their warranty lasts (SVC-05)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facet_service_desk.assets.policy import UNITS_AS_ASSETS, Unit, units_of, warranty_end


def test_each_delivered_unit_becomes_an_asset() -> None:
    assert list(units_of(Decimal("2.0000"))) == [Unit(1, 1), Unit(2, 1)]


def test_more_units_than_the_cap_become_one_lot() -> None:
    assert list(units_of(Decimal(UNITS_AS_ASSETS + 1))) == [Unit(0, UNITS_AS_ASSETS + 1)]


def test_a_broken_quantity_becomes_a_lot_rounded_up() -> None:
    assert list(units_of(Decimal("2.5"))) == [Unit(0, 3)]


def test_nothing_delivered_makes_no_asset() -> None:
    assert list(units_of(Decimal(0))) == []


@given(st.integers(0, 100_000))
def test_no_unit_is_lost(quantity: int) -> None:
    assert sum(unit.quantity for unit in units_of(Decimal(quantity))) == quantity


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (date(2026, 3, 2), date(2027, 3, 1)),
        (date(2026, 1, 1), date(2026, 12, 31)),
        (date(2024, 2, 29), date(2025, 2, 28)),
    ],
)
def test_a_warranty_of_a_year_ends_the_day_before_the_same_day(start: date, end: date) -> None:
    assert warranty_end(start) == end
