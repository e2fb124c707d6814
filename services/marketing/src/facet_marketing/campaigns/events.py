"""What customers' changes mean for campaigns: their audiences follow at once, and so must the accounts' views."""

from __future__ import annotations

from facet_contracts.facet.customer.v1.events_pb import CustomerClassified, CustomerMoved, CustomerUpdated
from facet_kit.context import Ctx
from facet_kit.messaging.envelope import EventMeta
from facet_kit.messaging.handlers import Handlers
from facet_marketing.campaigns import service

handlers = Handlers()


async def follow_customer(
    ctx: Ctx, event: CustomerUpdated | CustomerClassified | CustomerMoved, meta: EventMeta
) -> None:
    """Strategy, region, group or classification may have changed, and with it which campaigns reach the account.

    The replica, which the audiences are read from, has been brought up to date before.
    """
    if await service.running(ctx):
        ctx.touch_account(meta.aggregate_id)


for _event in (CustomerUpdated, CustomerClassified, CustomerMoved):
    handlers.on(_event)(follow_customer)
