"""What each event counts (ANA-03). Pure: an event in, what it adds to which metric out.

Dates, amounts and places come from the event alone, never from the moment of its arrival or from what came before:
facts that are dropped and told again, in whatever order, are the same facts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from protobuf.wkt import Timestamp

from facet_contracts.facet.analytics.v1.resources_pb import FactKind
from facet_contracts.facet.marketing.v1.events_pb import TouchComplained, TouchRecorded
from facet_contracts.facet.project.v1.events_pb import ProjectLost, ProjectWon
from facet_contracts.facet.project.v1.resources_pb import Project
from facet_contracts.facet.sales.v1.events_pb import (
    InvoiceIssued,
    InvoiceVoided,
    OrderShipped,
    PaymentReceived,
)
from facet_contracts.facet.sales.v1.resources_pb import Invoice
from facet_contracts.facet.service_desk.v1.events_pb import TicketCreated, TicketSlaBreached
from facet_contracts.facet.type.v1.money_pb import Money
from facet_kit.money import rounded

ONE = Decimal(1)


@dataclass(frozen=True, slots=True)
class Worth:
    """An amount, its currency, and what one unit of it is worth in the reporting currency."""

    amount: Decimal
    currency: str
    rate: Decimal = ONE

    def negated(self) -> "Worth":
        """The same the other way."""
        return Worth(-self.amount, self.currency, self.rate)

    def reporting(self, currency: str) -> Decimal:
        """The amount in the reporting currency, rounded to its minor unit."""
        return rounded(self.amount * self.rate, currency)


@dataclass(frozen=True, slots=True)
class Counted:
    """What one event adds to one metric."""

    kind: FactKind
    customer_id: str
    department_id: str
    region_id: str
    day: date
    resource_id: str
    count: int = 1
    worth: Worth | None = None


def invoice_issued(event: InvoiceIssued, at: datetime) -> list[Counted]:
    """Revenue, in the month of the invoice."""
    return _revenue(event.invoice, at, sign=1) if event.invoice else []


def invoice_voided(event: InvoiceVoided, at: datetime) -> list[Counted]:
    """Takes revenue back, in the month in which it was counted."""
    return _revenue(event.invoice, at, sign=-1) if event.invoice else []


def _revenue(invoice: Invoice, at: datetime, *, sign: int) -> list[Counted]:
    worth = _worth(invoice.amount, invoice.exchange_rate)
    return [
        Counted(
            FactKind.REVENUE,
            invoice.customer_id,
            invoice.department_id,
            invoice.region_id,
            _day(invoice.issue_date, at),
            invoice.id,
            count=sign,
            worth=worth if sign > 0 else worth.negated(),
        )
    ]


def payment_received(event: PaymentReceived, at: datetime) -> list[Counted]:
    """Receipts, and late receipts besides when the invoice was due before."""
    payment, invoice = event.payment, event.invoice
    if payment is None:
        return []
    worth = _worth(payment.amount, invoice.exchange_rate if invoice else "")
    day = _day(payment.payment_date, at)
    kinds = [FactKind.RECEIPTS]
    if invoice and invoice.due_date and day > date.fromisoformat(invoice.due_date):
        kinds.append(FactKind.LATE_RECEIPTS)
    place = (
        payment.customer_id or event.customer_id,
        payment.department_id or event.department_id,
        payment.region_id or event.region_id,
    )
    return [Counted(kind, *place, day, payment.id, worth=worth) for kind in kinds]


def order_shipped(event: OrderShipped, at: datetime) -> list[Counted]:
    """A completely shipped order."""
    order = event.order
    if order is None:
        return []
    worth = _worth(order.total, order.exchange_rate)
    place = (order.customer_id, order.department_id, order.region_id)
    return [Counted(FactKind.ORDERS, *place, _day(order.ship_date, at), order.id, worth=worth)]


def ticket_created(event: TicketCreated, at: datetime) -> list[Counted]:
    """A ticket, on the day it was opened."""
    ticket = event.ticket
    if ticket is None:
        return []
    place = (ticket.customer_id, ticket.department_id, ticket.region_id)
    return [Counted(FactKind.TICKETS, *place, _moment(ticket.create_time, at), ticket.id)]


def sla_breached(event: TicketSlaBreached, at: datetime) -> list[Counted]:
    """A broken promise, on the day it was broken."""
    ticket = event.ticket
    if ticket is None:
        return []
    place = (ticket.customer_id, ticket.department_id, ticket.region_id)
    return [Counted(FactKind.SLA_BREACHES, *place, at.date(), ticket.id)]


def touch_recorded(event: TouchRecorded, at: datetime) -> list[Counted]:
    """A contact of ours."""
    touch = event.touch
    if touch is None:
        return []
    place = (touch.customer_id, touch.department_id, touch.region_id)
    return [Counted(FactKind.TOUCHES, *place, _moment(touch.touch_time, at), touch.id)]


def touch_complained(event: TouchComplained, at: datetime) -> list[Counted]:
    """A complaint about a contact of ours."""
    touch = event.touch
    if touch is None:
        return []
    place = (touch.customer_id, touch.department_id, touch.region_id)
    return [Counted(FactKind.COMPLAINTS, *place, _moment(touch.complaint_time, at), touch.id)]


def project_won(event: ProjectWon, at: datetime) -> list[Counted]:
    """A won project with its expected revenue."""
    return _project(event.project, FactKind.PROJECTS_WON, at)


def project_lost(event: ProjectLost, at: datetime) -> list[Counted]:
    """A lost project with the revenue that was expected."""
    return _project(event.project, FactKind.PROJECTS_LOST, at)


def _project(project: Project | None, kind: FactKind, at: datetime) -> list[Counted]:
    if project is None:
        return []
    place = (project.customer_id, project.department_id, project.region_id)
    worth = _worth(project.expected_revenue, "")
    return [Counted(kind, *place, _moment(project.end_time, at), project.id, worth=worth)]


def _worth(money: Money | None, rate: str) -> Worth:
    if money is None:
        return Worth(Decimal(0), "")
    return Worth(Decimal(money.amount), money.currency, Decimal(rate) if rate else ONE)


def _day(text: str, at: datetime) -> date:
    """The record's own date, else the day of the event."""
    return date.fromisoformat(text) if text else at.date()


def _moment(time: Timestamp | None, at: datetime) -> date:
    return (time.to_datetime() if time else at).date()


Counter = Callable[..., list[Counted]]
