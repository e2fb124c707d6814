"""What each event counts."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from protobuf.wkt import Timestamp

from facet_analytics.facts import policy
from facet_analytics.facts.events import COUNTERS
from facet_analytics.months import parsed, shifted, written
from facet_analytics.timeline.lines import LINES
from facet_contracts.facet.analytics.v1.resources_pb import FactKind
from facet_contracts.facet.sales.v1.events_pb import InvoiceIssued, InvoiceVoided, PaymentReceived
from facet_contracts.facet.sales.v1.resources_pb import Invoice, Payment
from facet_contracts.facet.service_desk.v1.events_pb import TicketCreated
from facet_contracts.facet.service_desk.v1.resources_pb import Ticket
from facet_contracts.facet.type.v1.money_pb import Money
from facet_kit.errors import Invalid

AT = datetime(2026, 7, 1, 9, tzinfo=UTC)


def an_invoice(**fields: object) -> Invoice:
    values = {
        "id": "i1",
        "customer_id": "c1",
        "department_id": "d1",
        "region_id": "r1",
        "issue_date": "2026-05-31",
        "due_date": "2026-06-30",
        "amount": Money(currency="USD", amount="100.00"),
        "exchange_rate": "7.123456",
    }
    return Invoice(**(values | fields))


def test_revenue_counts_in_the_invoices_month_at_the_invoices_rate() -> None:
    (counted,) = policy.invoice_issued(InvoiceIssued(invoice=an_invoice()), AT)
    assert (counted.kind, counted.day, counted.count) == (FactKind.REVENUE, date(2026, 5, 31), 1)
    assert counted.worth is not None
    assert counted.worth.reporting("CNY") == Decimal("712.35")


def test_a_voided_invoice_takes_exactly_its_revenue_back() -> None:
    (issued,) = policy.invoice_issued(InvoiceIssued(invoice=an_invoice()), AT)
    (voided,) = policy.invoice_voided(InvoiceVoided(invoice=an_invoice()), AT)
    assert (voided.day, voided.count) == (issued.day, -issued.count)
    assert issued.worth is not None
    assert voided.worth is not None
    assert issued.worth.reporting("CNY") + voided.worth.reporting("CNY") == 0


@pytest.mark.parametrize(
    ("day", "kinds"),
    [("2026-06-30", [FactKind.RECEIPTS]), ("2026-07-01", [FactKind.RECEIPTS, FactKind.LATE_RECEIPTS])],
)
def test_a_payment_after_the_due_date_counts_as_late_besides(day: str, kinds: list[FactKind]) -> None:
    payment = Payment(
        id="p1", customer_id="c1", payment_date=day, amount=Money(currency="USD", amount="10.00")
    )
    counted = policy.payment_received(PaymentReceived(payment=payment, invoice=an_invoice()), AT)
    assert [each.kind for each in counted] == kinds


def test_dates_come_from_the_record_and_only_then_from_the_event() -> None:
    opened = Timestamp.from_datetime(datetime(2026, 4, 2, tzinfo=UTC))
    dated = Ticket(id="t1", customer_id="c1", create_time=opened)
    undated = Ticket(id="t1", customer_id="c1")
    assert policy.ticket_created(TicketCreated(ticket=dated), AT)[0].day == date(2026, 4, 2)
    assert policy.ticket_created(TicketCreated(ticket=undated), AT)[0].day == AT.date()


def test_an_event_without_its_record_counts_and_tells_nothing() -> None:
    assert all(counter(event(), AT) == [] for event, counter in COUNTERS.items())
    assert all(list(line.tell(line.event())) == [] for line in LINES)


def test_no_event_has_two_lines() -> None:
    assert len({line.event for line in LINES}) == len(LINES)


def test_months_are_counted_over_the_turn_of_years() -> None:
    assert shifted(date(2026, 1, 1), -1) == date(2025, 12, 1)
    assert shifted(date(2025, 12, 1), 13) == date(2027, 1, 1)
    assert written(parsed("2026-03", "month", AT.date())) == "2026-03"
    with pytest.raises(Invalid):
        parsed("2026-13", "month", AT.date())
