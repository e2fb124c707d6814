"""What customers' changes mean for campaigns: their audiences follow at once, and so must the accounts' views."""

from __future__ import annotations

from facet_contracts.facet.customer.v1.events_pb import CustomerClassified, CustomerMoved, CustomerUpdated
from facet_kit.context import Ctx
from facet_kit.messaging.envelope import EventMeta
from facet_kit.messaging.handlers import Handlers

handlers = Handlers()


@handlers.on(CustomerUpdated)
async def follow_update(ctx: Ctx, event: CustomerUpdated, meta: EventMeta) -> None:
    """Strategy, region or key-account flag may have changed."""
    ctx.touch_account(meta.aggregate_id)


@handlers.on(CustomerClassified)
async def follow_classification(ctx: Ctx, event: CustomerClassified, meta: EventMeta) -> None:
    """The customer stands elsewhere in the classification trees."""
    ctx.touch_account(meta.aggregate_id)


@handlers.on(CustomerMoved)
async def follow_move(ctx: Ctx, event: CustomerMoved, meta: EventMeta) -> None:
    """The customer belongs to another group; both groups' views are told by way of the replica and of the event."""
    ctx.touch_account(meta.aggregate_id)
