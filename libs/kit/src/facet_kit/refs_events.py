"""Feeds the replicas from the customer service's events; every service has these handlers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from protobuf import Message
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from facet_contracts.facet.customer.v1 import events_pb as customer_events
from facet_kit import refs
from facet_kit.context import Ctx
from facet_kit.messaging.envelope import EventMeta
from facet_kit.messaging.handlers import Handlers

Store = Callable[[AsyncSession, Any], Awaitable[None]]
handlers = Handlers()

# Every event of these aggregates carries the whole resource in the field named here, so that the newest one wins.
_STORES: dict[str, Store] = {
    "customer": refs.store_customer,
    "department": refs.store_department,
    "region": refs.store_region,
    "staff": refs.store_staff,
}


def _register(field: str, store: Store) -> None:
    async def replicate(ctx: Ctx, event: Message[Any], meta: EventMeta) -> None:
        if meta.subject.endswith(".deleted"):
            await ctx.session.execute(delete(refs.OrgRef).where(refs.OrgRef.id == meta.aggregate_id))
        else:
            await store(ctx.session, getattr(event, field))

    # The name is the handler's cursor: one for all events of the aggregate, so that nothing overtakes a deletion.
    replicate.__qualname__ = f"replicate_{field}"
    for message in vars(customer_events).values():
        if _carries(message, field):
            handlers.on(message)(replicate)


def _carries(candidate: object, field: str) -> bool:
    return (
        isinstance(candidate, type)
        and issubclass(candidate, Message)
        and candidate.__module__ == customer_events.__name__
        and any(declared.name == field for declared in candidate.desc().fields)
    )


for _field, _store in _STORES.items():
    _register(_field, _store)


async def replicate_team_member(
    ctx: Ctx,
    event: customer_events.AccountTeamMemberAdded | customer_events.AccountTeamMemberRemoved,
    meta: EventMeta,
) -> None:
    """Gives a member of an account team sight of the customer, or takes it back."""
    if event.member is None:
        return
    if isinstance(event, customer_events.AccountTeamMemberRemoved):
        await refs.remove_team_member(ctx.session, event.member)
    else:
        await refs.store_team_member(ctx.session, event.member)


handlers.on(customer_events.AccountTeamMemberAdded)(replicate_team_member)
handlers.on(customer_events.AccountTeamMemberRemoved)(replicate_team_member)
