"""Events that could not be handled: kept with their error, visible, handled again when someone asks."""

from __future__ import annotations

from typing import Final

import structlog
from opentelemetry import metrics
from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from facet_kit.clock import Clock
from facet_kit.errors import Conflict, NotFound
from facet_kit.ids import Ids
from facet_kit.messaging.inbox import Delivery
from facet_kit.messaging.tables import DeadLetterRow, ParkedEvent

OPEN: Final = "OPEN"
REPLAYED: Final = "REPLAYED"
DISCARDED: Final = "DISCARDED"

log = structlog.get_logger(__name__)
_buried = metrics.get_meter(__name__).create_counter("facet.consumer.dead_letters")


class DeadLetters:
    """The dead letters of one consumer."""

    def __init__(
        self, consumer: str, sessions: async_sessionmaker[AsyncSession], clock: Clock, ids: Ids
    ) -> None:
        self._consumer = consumer
        self._sessions = sessions
        self._clock = clock
        self._ids = ids

    async def bury(self, delivery: Delivery, error: BaseException, attempts: int) -> None:
        """Keeps the event with its error; one that failed again after a replay is open again."""
        meta = delivery.meta
        described = f"{type(error).__name__}: {error}"[:4000]
        row = insert(DeadLetterRow).values(
            id=self._ids.new(),
            consumer=self._consumer,
            event_id=meta.id,
            aggregate=f"{meta.source}.{meta.aggregate}",
            aggregate_id=meta.aggregate_id,
            version=meta.version,
            subject=meta.subject,
            type=meta.type,
            headers=dict(meta.headers),
            payload=delivery.payload,
            error=described,
            attempts=attempts,
            create_time=self._clock.now(),
            state=OPEN,
        )
        again = {"error": described, "attempts": DeadLetterRow.attempts + attempts, "state": OPEN}
        async with self._sessions() as session, session.begin():
            await session.execute(
                row.on_conflict_do_update(index_elements=["consumer", "event_id"], set_=again)
            )
            await session.execute(
                delete(ParkedEvent).where(
                    ParkedEvent.consumer == self._consumer, ParkedEvent.event_id == meta.id
                )
            )
        _buried.add(1, {"consumer": self._consumer, "subject": meta.subject})
        log.error(
            "event_buried",
            event_id=meta.id,
            subject=meta.subject,
            attempts=attempts,
            error=described,
            exc_info=error,
        )

    async def open_letter(self, id: str) -> DeadLetterRow:
        """The dead letter, if it still waits for a decision.

        Raises:
            NotFound: there is none of that id.
            Conflict: it was replayed or discarded already.
        """
        async with self._sessions() as session:
            row = await session.get(DeadLetterRow, id)
        if row is None or row.consumer != self._consumer:
            raise NotFound("dead letter", id)
        if row.state != OPEN:
            raise Conflict("DEAD_LETTER_SETTLED", f"Dead letter {id} was {row.state.lower()} already.")
        return row

    async def settle(self, id: str, state: str) -> None:
        """Records that the dead letter was replayed or discarded."""
        async with self._sessions() as session, session.begin():
            row = await session.get_one(DeadLetterRow, id, with_for_update=True)
            row.state = state
            row.replay_time = self._clock.now()
