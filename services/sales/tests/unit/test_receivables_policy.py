"""Ageing, invoices, terms of contracts and summary shares, without a database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facet_contracts.facet.sales.v1.resources_pb import ContractPartyRole, InvoiceState
from facet_kit.errors import Conflict, Invalid
from facet_sales.contracts.policy import end_of_term, missing_for_activation, term_is_over
from facet_sales.receivables.model import Invoice
from facet_sales.receivables.policy import Bucket, bucket_of, overdue_days
from facet_sales.summary.model import Share, difference
from facet_sales.valuation import rate_into

DUE = date(2026, 3, 31)


def an_invoice(amount: str = "100") -> Invoice:
    invoice = Invoice(
        id="i",
        customer_id="c",
        department_id="d",
        region_id="r",
        currency="CNY",
        exchange_rate=Decimal(1),
        reporting_currency="CNY",
        amount_amount=Decimal(amount),
        issue_date=date(2026, 3, 1),
    )
    invoice.issue(DUE)
    return invoice


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-5, Bucket.NOT_DUE),
        (0, Bucket.NOT_DUE),
        (1, Bucket.DAYS_1_TO_30),
        (30, Bucket.DAYS_1_TO_30),
        (31, Bucket.DAYS_31_TO_60),
        (60, Bucket.DAYS_31_TO_60),
        (61, Bucket.DAYS_61_TO_90),
        (90, Bucket.DAYS_61_TO_90),
        (91, Bucket.OVER_90),
    ],
)
def test_buckets_break_after_30_60_and_90_days(days: int, bucket: Bucket) -> None:
    assert bucket_of(overdue_days(DUE, DUE + timedelta(days=days))) is bucket


@given(st.lists(st.integers(1, 60), min_size=1, max_size=10))
def test_an_invoice_is_paid_exactly_when_nothing_is_open(parts: list[int]) -> None:
    invoice = an_invoice()
    for part in parts:
        open_before = invoice.open_amount
        if not open_before:
            with pytest.raises(Conflict):
                invoice.pay(Decimal(part), "CNY", DUE)
        elif part > open_before:
            with pytest.raises(Invalid) as refused:
                invoice.pay(Decimal(part), "CNY", DUE)
            assert refused.value.reason == "OVERPAYMENT"
        else:
            invoice.pay(Decimal(part), "CNY", DUE)
        assert invoice.paid_amount + invoice.open_amount == invoice.amount_amount
        assert (invoice.state is InvoiceState.PAID) == (invoice.open_amount == 0)


def test_an_invoice_with_a_payment_cannot_be_voided() -> None:
    invoice = an_invoice()
    invoice.pay(Decimal(1), "CNY", DUE)
    with pytest.raises(Conflict):
        invoice.void("wrong customer", DUE)


def test_an_invoice_without_due_date_gets_thirty_days() -> None:
    invoice = an_invoice()
    invoice.issue(None)
    assert invoice.due_date == date(2026, 3, 31)


def test_a_contract_needs_dates_and_both_sides_to_come_into_force() -> None:
    fields = [field for field, _ in missing_for_activation(None, None, None, ())]
    assert fields == ["contract.sign_date", "contract.valid_from", "contract.parties", "contract.parties"]
    both = (ContractPartyRole.CUSTOMER, ContractPartyRole.OWN)
    assert missing_for_activation(DUE, DUE, None, both) == []
    reversed_term = missing_for_activation(DUE, DUE, DUE - timedelta(days=1), both)
    assert [field for field, _ in reversed_term] == ["contract.valid_to"]


def test_a_term_includes_its_last_day() -> None:
    assert not term_is_over(DUE, DUE)
    assert term_is_over(DUE, DUE + timedelta(days=1))
    assert not term_is_over(None, DUE)
    assert end_of_term(DUE) == datetime(2026, 4, 1, tzinfo=UTC)


shares = st.builds(
    Share,
    customer_id=st.just("c"),
    department_id=st.sampled_from(["d1", "d2"]),
    region_id=st.sampled_from(["r1", "r2"]),
    measures=st.dictionaries(st.sampled_from(["open_orders", "open_order_amount"]), st.integers(0, 9)),
)


@given(st.lists(shares, min_size=1, max_size=10))
def test_booked_differences_add_up_to_the_last_share(history: list[Share]) -> None:
    booked: dict[tuple[str, str, str], dict[str, int | Decimal]] = {}
    before = Share(*history[0].key)
    for after in history:
        for moved in difference(before, after):
            row = booked.setdefault(moved.key, {})
            for name, value in moved.measures.items():
                row[name] = row.get(name, 0) + value
        before = after
    left = {key: {name: value for name, value in row.items() if value} for key, row in booked.items()}
    wanted = {name: value for name, value in before.measures.items() if value}
    assert {key: row for key, row in left.items() if row} == ({before.key: wanted} if wanted else {})


def test_an_exchange_rate_is_asked_for_exactly_when_currencies_differ() -> None:
    assert rate_into("CNY", "CNY", None) == 1
    assert rate_into("CNY", "USD", Decimal("7.2")) == Decimal("7.2")
    for currency, rate in (("USD", None), ("USD", Decimal(0)), ("CNY", Decimal(2))):
        with pytest.raises(Invalid):
            rate_into("CNY", currency, rate)
