"""Writing events and timers into the transaction that causes them; publishing them is the relay's work."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from protobuf import Message
from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from facet_kit.ids import Ids
from facet_kit.messaging.envelope import current_traceparent, event_type
from facet_kit.messaging.tables import OutboxRow

if TYPE_CHECKING:
    from facet_kit.context import Ctx

CHANNEL: Final = "facet_outbox"
_SET_LATER: Final = frozenset({"seq", "published_at", "stream_created", "stream_seq"})
_WRITTEN: Final = tuple(column.name for column in OutboxRow.__table__.c if column.name not in _SET_LATER)


def outbox_row(
    service: str,
    message: Message[Any],
    *,
    aggregate_id: str,
    version: int = 0,
    now: datetime,
    ids: Ids,
    traceparent: str | None = None,
    deliver_at: datetime | None = None,
    key: str | None = None,
) -> OutboxRow:
    """The row that publishes the message as a fact of `service` once its transaction commits.

    `version` counts the facts about the aggregate from 1; 0 keeps the event out of that sequence.
    `traceparent` defaults to the running span.

    Raises:
        ValueError: the message is no event, another service's, or a timer without a delivery time.
    """
    kind = event_type(type(message))
    if kind.service not in {None, service}:
        raise ValueError(f"{kind.type_name} is a fact of {kind.service}; {service} cannot publish it")
    if kind.timer is not (deliver_at is not None):
        raise ValueError(f"{kind.type_name}: exactly the timer events carry a delivery time")
    return OutboxRow(
        id=ids.new(),
        subject=kind.subject(service),
        type=kind.type_name,
        aggregate=kind.aggregate,
        aggregate_id=aggregate_id,
        version=version,
        payload=message.to_binary(),
        traceparent=current_traceparent() if traceparent is None else traceparent,
        create_time=now,
        deliver_at=deliver_at,
        timer_key=key,
    )


async def schedule(ctx: Ctx, timer: Message[Any], *, deliver_at: datetime, key: str) -> None:
    """Writes a timer of the context's service; one that waits under the same key is replaced.

    Raises:
        ValueError: the message is no timer of this service.
    """
    row = outbox_row(
        ctx.service, timer, aggregate_id=key, now=ctx.clock.now(), ids=ctx.ids, deliver_at=deliver_at, key=key
    )
    written = {name: getattr(row, name) for name in _WRITTEN}
    statement = insert(OutboxRow).values(written)
    replacement: dict[str, object] = {
        name: statement.excluded[name] for name in written if name != "timer_key"
    }
    await ctx.session.execute(statement.on_conflict_do_update(index_elements=["timer_key"], set_=replacement))
    await notify(ctx.session)


async def cancel(ctx: Ctx, key: str) -> None:
    """Removes the waiting timer of that key, if there is one.

    One that is being published at this moment still arrives: its handler looks whether it is still wanted.
    """
    await ctx.session.execute(delete(OutboxRow).where(OutboxRow.timer_key == key))


async def notify(session: AsyncSession) -> None:
    """Wakes the relay when this transaction commits."""
    await session.execute(_NOTIFY)


_NOTIFY: Final = text(f"SELECT pg_notify('{CHANNEL}', '')")
