"""The events that facts are counted from. Every event counts once, whatever the order of arrival."""

from __future__ import annotations

from typing import TypeVar

from protobuf import Message

from facet_analytics.facts import policy, service
from facet_contracts.facet.marketing.v1.events_pb import TouchComplained, TouchRecorded
from facet_contracts.facet.project.v1.events_pb import ProjectLost, ProjectWon
from facet_contracts.facet.sales.v1.events_pb import (
    InvoiceIssued,
    InvoiceVoided,
    OrderShipped,
    PaymentReceived,
)
from facet_contracts.facet.service_desk.v1.events_pb import TicketCreated, TicketSlaBreached
from facet_kit.context import Ctx
from facet_kit.messaging.envelope import EventMeta
from facet_kit.messaging.handlers import Handlers

M = TypeVar("M", bound=Message)
COUNTERS: dict[type[Message], policy.Counter] = {
    InvoiceIssued: policy.invoice_issued,
    InvoiceVoided: policy.invoice_voided,
    PaymentReceived: policy.payment_received,
    OrderShipped: policy.order_shipped,
    TicketCreated: policy.ticket_created,
    TicketSlaBreached: policy.sla_breached,
    TouchRecorded: policy.touch_recorded,
    TouchComplained: policy.touch_complained,
    ProjectWon: policy.project_won,
    ProjectLost: policy.project_lost,
}


def handlers(*, currency: str) -> Handlers:
    """A handler for every event that counts; amounts are also kept in the reporting currency."""
    registered = Handlers()
    for event, counter in COUNTERS.items():
        _register(registered, event, counter, currency)
    return registered


def _register(registered: Handlers, event: type[M], counter: policy.Counter, currency: str) -> None:
    @registered.on(event, additive=True)
    async def count(ctx: Ctx, message: M, meta: EventMeta) -> None:
        await service.count(ctx, counter(message, meta.time), meta, currency=currency)
