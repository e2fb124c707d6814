"""What the installed base makes of facts from other services."""

from __future__ import annotations

from facet_contracts.facet.sales.v1.events_pb import OrderReceived
from facet_kit.context import Ctx
from facet_kit.messaging.envelope import EventMeta
from facet_kit.messaging.handlers import Handlers
from facet_service_desk.assets import service

handlers = Handlers()


@handlers.on(OrderReceived)
async def record_delivered_assets(ctx: Ctx, event: OrderReceived, meta: EventMeta) -> None:
    """The customer has the goods: they belong to the installed base from now on."""
    if event.order:
        await service.record_delivery(ctx, event.order)
