"""Facts that classifications follow: the days on which they begin and end."""

from __future__ import annotations

from facet_contracts.facet.customer.v1.events_pb import CustomerClassificationDue
from facet_customer.classification import service
from facet_kit.context import Ctx
from facet_kit.messaging.envelope import EventMeta
from facet_kit.messaging.handlers import Handlers

handlers = Handlers()


@handlers.on(CustomerClassificationDue)
async def settle_classifications(ctx: Ctx, event: CustomerClassificationDue, meta: EventMeta) -> None:
    """Brings into force what begins or ends today (CUS-03)."""
    await service.settle_due(ctx, event.customer_id)
