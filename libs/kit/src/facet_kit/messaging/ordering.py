"""Handles the events of an aggregate in version order: what comes too early is parked until the gap fills,
its dead predecessor was replayed or discarded, or patience ends.
"""

from __future__ import annotations

from typing import Final

import structlog
from sqlalchemy import delete, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from facet_kit.failpoints import failpoint
from facet_kit.messaging.deadletters import DeadLetters
from facet_kit.messaging.envelope import EventMeta, from_headers
from facet_kit.messaging.inbox import Delivery, Inbox, RetryPolicy, is_transient
from facet_kit.messaging.tables import AggregateCursor, InboxRow, ParkedEvent

log = structlog.get_logger(__name__)


class OutOfTurn(RuntimeError):
    """An event came after its successors were applied; its handler may not expect that."""


class OrderedInbox:
    """Applies events of ordered aggregates one by one."""

    def __init__(self, inbox: Inbox, dead_letters: DeadLetters, policy: RetryPolicy) -> None:
        self._inbox = inbox
        self._dead_letters = dead_letters
        self._policy = policy

    async def apply(self, delivery: Delivery) -> None:
        """Handles the event and then what waited for it, or parks it.

        Raises:
            OutOfTurn: a later version was taken already, after patience with the gap had ended.
            Exception: what a handler raised; then nothing happened.
        """
        await self._in_turn(delivery)
        await self._release_successors(delivery.meta)

    async def apply_anyway(self, delivery: Delivery) -> None:
        """Handles the event whatever came before or after it: a person asked for it."""
        await self._in_turn(delivery, accept_gap=True, accept_late=True)
        await self._release_successors(delivery.meta)

    async def release_overdue(self) -> None:
        """Takes the parked events whose gap was not filled in time and has no dead letter to wait for."""
        async with self._inbox.sessions() as session:
            values = {"consumer": self._inbox.consumer, "now": self._inbox.clock.now()}
            ids = (await session.execute(_OVERDUE, values)).scalars().all()
            rows = [await session.get_one(ParkedEvent, (self._inbox.consumer, event_id)) for event_id in ids]
        for row in rows:
            if await self._attempt(row):
                await self._release_successors(from_headers(row.subject, row.headers))

    async def _in_turn(
        self, delivery: Delivery, *, accept_gap: bool = False, accept_late: bool = False
    ) -> None:
        inbox, meta = self._inbox, delivery.meta
        registrations = inbox.routes[meta.subject]
        async with inbox.sessions() as session, session.begin():
            last = await self._lock_cursor(session, meta)
            if await session.get(InboxRow, (inbox.consumer, meta.id)) is None:
                if meta.version <= last and registrations and not accept_late:
                    raise OutOfTurn(
                        f"{meta.subject} {meta.aggregate_id}: version {meta.version} came after {last}"
                    )
                if meta.version > last + 1 and not accept_gap:
                    await self._park(session, delivery)
                    return
                if meta.version > last + 1:
                    log.warning(
                        "event_gap_passed", subject=meta.subject, aggregate_id=meta.aggregate_id, after=last
                    )
                await inbox.enter(session, [meta])
                await inbox.run(session, delivery, registrations)
                await self._advance(session, meta)
            await session.execute(delete(ParkedEvent).where(*self._is(meta.id)))
            await failpoint("consumer.before_commit")

    async def _release_successors(self, meta: EventMeta) -> None:
        """Handles parked events for as long as the next version is among them."""
        while True:
            async with self._inbox.sessions() as session:
                row = await session.scalar(
                    select(ParkedEvent)
                    .join(
                        AggregateCursor,
                        (AggregateCursor.consumer == ParkedEvent.consumer)
                        & (AggregateCursor.handler == "")
                        & (AggregateCursor.aggregate == ParkedEvent.aggregate)
                        & (AggregateCursor.aggregate_id == ParkedEvent.aggregate_id),
                    )
                    .where(
                        ParkedEvent.consumer == self._inbox.consumer,
                        ParkedEvent.aggregate == _qualified(meta),
                        ParkedEvent.aggregate_id == meta.aggregate_id,
                        ParkedEvent.version <= AggregateCursor.version + 1,
                    )
                    .order_by(ParkedEvent.version)
                    .limit(1)
                )
            if row is None or not await self._attempt(row):
                return

    async def _attempt(self, row: ParkedEvent) -> bool:
        """Handles a parked event; says whether it went. A failure counts, and ends among the dead letters."""
        delivery = Delivery(from_headers(row.subject, row.headers), row.payload)
        try:
            await self._in_turn(delivery, accept_gap=True)
        except Exception as error:
            if is_transient(error):
                raise
            attempts = row.attempts + 1
            if attempts >= self._policy.max_deliveries:
                await self._dead_letters.bury(delivery, error, attempts)
            else:
                retry_at = self._inbox.clock.now() + self._policy.delay(attempts)
                async with self._inbox.sessions() as session, session.begin():
                    change = update(ParkedEvent).where(*self._is(row.event_id))
                    await session.execute(change.values(attempts=attempts, retry_at=retry_at))
            return False
        return True

    async def _park(self, session: AsyncSession, delivery: Delivery) -> None:
        meta = delivery.meta
        row = insert(ParkedEvent).values(
            consumer=self._inbox.consumer,
            event_id=meta.id,
            aggregate=_qualified(meta),
            aggregate_id=meta.aggregate_id,
            version=meta.version,
            subject=meta.subject,
            headers=dict(meta.headers),
            payload=delivery.payload,
            attempts=0,
            retry_at=self._inbox.clock.now() + self._policy.gap_patience,
        )
        await session.execute(row.on_conflict_do_nothing())

    async def _lock_cursor(self, session: AsyncSession, meta: EventMeta) -> int:
        values = {"consumer": self._inbox.consumer, "aggregate": _qualified(meta), "id": meta.aggregate_id}
        await session.execute(_OPEN_CURSOR, values)
        return (await session.execute(_LOCK_CURSOR, values)).scalar_one()

    async def _advance(self, session: AsyncSession, meta: EventMeta) -> None:
        await session.execute(
            update(AggregateCursor)
            .where(
                AggregateCursor.consumer == self._inbox.consumer,
                AggregateCursor.handler == "",
                AggregateCursor.aggregate == _qualified(meta),
                AggregateCursor.aggregate_id == meta.aggregate_id,
                AggregateCursor.version < meta.version,
            )
            .values(version=meta.version)
        )

    def _is(self, event_id: str):
        return ParkedEvent.consumer == self._inbox.consumer, ParkedEvent.event_id == event_id


def _qualified(meta: EventMeta) -> str:
    return f"{meta.source}.{meta.aggregate}"


_OPEN_CURSOR: Final = text(
    "INSERT INTO aggregate_cursors (consumer, handler, aggregate, aggregate_id, version) "
    "VALUES (:consumer, '', :aggregate, :id, 0) ON CONFLICT DO NOTHING"
)
_LOCK_CURSOR: Final = text(
    "SELECT version FROM aggregate_cursors "
    "WHERE consumer = :consumer AND handler = '' AND aggregate = :aggregate AND aggregate_id = :id FOR UPDATE"
)
_OVERDUE: Final = text(
    "SELECT event_id FROM parked_events AS parked WHERE consumer = :consumer AND retry_at <= :now "
    "AND NOT EXISTS (SELECT FROM parked_events AS earlier WHERE earlier.consumer = parked.consumer "
    "AND earlier.aggregate = parked.aggregate AND earlier.aggregate_id = parked.aggregate_id "
    "AND earlier.version < parked.version) "
    "AND NOT EXISTS (SELECT FROM dead_letters AS dead WHERE dead.consumer = parked.consumer "
    "AND dead.aggregate = parked.aggregate AND dead.aggregate_id = parked.aggregate_id "
    "AND dead.version < parked.version AND dead.state = 'OPEN') ORDER BY retry_at LIMIT 100"
)
