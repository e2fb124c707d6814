"""The clock of contracts: its timer, handled by this service itself."""

from __future__ import annotations

from facet_contracts.facet.sales.v1.events_pb import ContractTermEnded
from facet_kit.context import Ctx
from facet_kit.messaging.envelope import EventMeta
from facet_kit.messaging.handlers import Handlers
from facet_sales.contracts.service import expire_when_over

handlers = Handlers()


@handlers.on(ContractTermEnded, additive=True)
async def expire_contract_on_time(ctx: Ctx, event: ContractTermEnded, meta: EventMeta) -> None:
    """Lets a contract expire after the last day of its term."""
    await expire_when_over(ctx, event.contract_id)
