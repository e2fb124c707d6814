"""Prices, totals and the state machine of orders, without a database."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facet_contracts.facet.sales.v1.resources_pb import OrderState
from facet_kit.errors import Conflict
from facet_kit.money import minor_units
from facet_sales.orders.policy import LEGAL, line_total, order_total, require_state, shipped_value
from facet_sales.valuation import converted

quantities = st.decimals(min_value="0.0001", max_value="999999999", places=4)
prices = st.decimals(min_value="0", max_value="999999999999999", places=2)
discounts = st.decimals(min_value="0", max_value="100", places=4)
currencies = st.sampled_from(["CNY", "JPY", "KWD"])


@given(quantities, prices, discounts, currencies)
def test_a_line_total_is_exact_to_half_the_smallest_unit(
    quantity: Decimal, price: Decimal, discount: Decimal, currency: str
) -> None:
    total = line_total(quantity, price, discount, currency)
    places = minor_units(currency)
    # As fractions of whole numbers: no decimal context can round here.
    exact = Fraction(quantity) * Fraction(price) * Fraction(100 - discount) / 100
    assert abs(Fraction(total) - exact) <= Fraction(1, 2 * 10**places)
    assert (Fraction(total) * 10**places).denominator == 1


@given(st.lists(st.tuples(quantities, st.decimals(min_value=0, max_value=10**6, places=2), discounts)))
def test_the_total_is_the_sum_of_the_line_totals(lines: list[tuple[Decimal, Decimal, Decimal]]) -> None:
    totals = [line_total(*line, "CNY") for line in lines]
    cents = sum(int(total * 100) for total in totals)
    assert order_total(totals) * 100 == cents


@given(
    st.decimals(min_value=0, max_value=10**9, places=2), st.lists(st.integers(1, 50), min_size=1, max_size=8)
)
def test_parts_shipped_add_up_to_the_line(total: Decimal, parts: list[int]) -> None:
    quantity = Decimal(sum(parts))
    shipped, worth = Decimal(0), Decimal(0)
    for part in parts:
        before = shipped_value(total, shipped, quantity, "CNY")
        shipped += part
        worth += shipped_value(total, shipped, quantity, "CNY") - before
    assert worth == total


def test_half_a_cent_is_rounded_up() -> None:
    assert line_total(Decimal(1), Decimal("0.05"), Decimal(10), "CNY") == Decimal("0.05")
    assert line_total(Decimal(3), Decimal("1.15"), Decimal("0.5"), "CNY") == Decimal("3.43")
    assert converted(Decimal("0.05"), Decimal("0.1"), "CNY") == Decimal("0.01")


@pytest.mark.parametrize("verb", LEGAL)
def test_every_verb_is_refused_in_every_other_state(verb: str) -> None:
    for state in OrderState:
        if state in LEGAL[verb]:
            require_state(state, verb)
        else:
            with pytest.raises(Conflict) as refused:
                require_state(state, verb)
            assert refused.value.reason == "ILLEGAL_TRANSITION"
            assert refused.value.metadata == {"state": state.name, "verb": verb}
