"""The noteworthy events of all services. Each is told once, whatever the order of arrival."""

from __future__ import annotations

from protobuf import Message

from facet_analytics.timeline import service
from facet_analytics.timeline.lines import LINES, Line
from facet_kit.context import Ctx
from facet_kit.messaging.envelope import EventMeta
from facet_kit.messaging.handlers import Handlers

handlers = Handlers()


def _register(line: Line) -> None:
    @handlers.on(line.event, additive=True)
    async def tell(ctx: Ctx, message: Message, meta: EventMeta) -> None:
        await service.tell(ctx, line.tell(message), meta, customer_visible=line.customer_visible)


for _line in LINES:
    _register(_line)
