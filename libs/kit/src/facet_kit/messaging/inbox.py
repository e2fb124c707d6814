"""Applies events to a service's database, each exactly once: inbox row, effects and events that follow
commit together. Where events come from is not known here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Final

import structlog
from opentelemetry import trace
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from facet_kit.clock import Clock
from facet_kit.failpoints import failpoint
from facet_kit.messaging.envelope import EventCatalogue, EventMeta, trace_context
from facet_kit.messaging.handlers import Handlers, Registration, Routes
from facet_kit.messaging.tables import InboxRow

if TYPE_CHECKING:
    from facet_kit.context import Ctx

Contexts = Callable[[AsyncSession, EventMeta], "AbstractAsyncContextManager[Ctx]"]
"""Opens a handler's context on a session whose transaction runs already. On a clean exit it writes what the
handler published into that session; it neither commits nor rolls back."""

log = structlog.get_logger(__name__)
tracer = trace.get_tracer(__name__)


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event as it arrived."""

    meta: EventMeta
    payload: bytes


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a failing event is tried, and how long a missing predecessor is waited for."""

    max_deliveries: int = 5
    first_delay: timedelta = timedelta(seconds=1)
    longest_delay: timedelta = timedelta(seconds=30)
    gap_patience: timedelta = timedelta(seconds=30)

    def delay(self, attempts: int) -> timedelta:
        """How long to wait after that many failures: doubling, bounded."""
        return min(self.first_delay * 2 ** min(attempts - 1, 20), self.longest_delay)


class Inbox:
    """The handlers of one consuming service with the database they write to."""

    def __init__(
        self,
        consumer: str,
        handlers: Handlers,
        *,
        sessions: async_sessionmaker[AsyncSession],
        contexts: Contexts,
        clock: Clock,
    ) -> None:
        self.consumer = consumer
        self.routes = Routes(handlers)
        self.sessions = sessions
        self.clock = clock
        self._contexts = contexts
        self._catalogue = EventCatalogue(registration.event.message for registration in handlers)

    async def apply(self, deliveries: Sequence[Delivery]) -> None:
        """Handles events in one transaction; those handled before, or outdated by newer ones, change nothing.

        Raises:
            Exception: what a handler raised; then nothing of the whole batch happened.
        """
        async with self.sessions() as session, session.begin():
            entered = await self.enter(session, [delivery.meta for delivery in deliveries])
            by_id = {delivery.meta.id: delivery for delivery in deliveries}
            fresh = [delivery for delivery in by_id.values() if delivery.meta.id in entered]
            news = await self._advance_handlers(session, fresh)
            for delivery in fresh:
                await self.run(session, delivery, self._concerned(delivery.meta, news))
            await failpoint("consumer.before_commit")

    async def enter(self, session: AsyncSession, metas: Sequence[EventMeta]) -> set[str]:
        """Marks the events as handled; returns the ids of those that were not."""
        values = {
            "consumer": self.consumer,
            "ids": sorted(
                {meta.id for meta in metas}
            ),  # sorted: two workers with the same events cannot deadlock
            "now": self.clock.now(),
        }
        return set((await session.execute(_ENTER, values)).scalars())

    async def run(
        self, session: AsyncSession, delivery: Delivery, registrations: Sequence[Registration]
    ) -> None:
        """Runs the handlers in a span that continues the publisher's trace."""
        if not registrations:
            return
        meta = delivery.meta
        with tracer.start_as_current_span(
            f"process {meta.subject}",
            context=trace_context(meta.traceparent),
            kind=trace.SpanKind.CONSUMER,
            attributes={
                "messaging.system": "nats",
                "messaging.operation.type": "process",
                "messaging.destination.name": meta.subject,
                "messaging.consumer.group.name": self.consumer,
                "messaging.message.id": meta.id,
            },
        ):
            message = self._catalogue.decode(meta.type, delivery.payload)
            async with self._contexts(session, meta) as ctx:
                for registration in registrations:
                    await registration.handle(ctx, message, meta)

    def _concerned(self, meta: EventMeta, news: dict[tuple[str, str, str], int]) -> list[Registration]:
        """The handlers that have seen nothing newer of the aggregate; `news` holds what they have seen so far."""
        concerned = [
            registration
            for registration in self.routes[meta.subject]
            if not _guarded(registration, meta)
            or news.get(_cursor(registration, meta), meta.version) < meta.version
        ]
        news.update(
            (_cursor(registration, meta), meta.version)
            for registration in concerned
            if _guarded(registration, meta)
        )
        return concerned

    async def _advance_handlers(
        self, session: AsyncSession, fresh: Sequence[Delivery]
    ) -> dict[tuple[str, str, str], int]:
        """Moves the cursors of the handlers that keep state; returns those for which there is news, each at 0.

        The rows stay locked until commit, so that two workers cannot overwrite newer state with older.
        """
        newest: dict[tuple[str, str, str], int] = {}
        for delivery in fresh:
            for registration in self.routes[delivery.meta.subject]:
                if _guarded(registration, delivery.meta):
                    key = _cursor(registration, delivery.meta)
                    newest[key] = max(newest.get(key, 0), delivery.meta.version)
        if not newest:
            return {}
        keys = sorted(newest)
        moved = await session.execute(
            _ADVANCE,
            {
                "consumer": self.consumer,
                "handlers": [key[0] for key in keys],
                "aggregates": [key[1] for key in keys],
                "ids": [key[2] for key in keys],
                "versions": [newest[key] for key in keys],
            },
        )
        return {(row.handler, row.aggregate, row.aggregate_id): 0 for row in moved}


def is_transient(error: BaseException) -> bool:
    """Whether the database was away or overloaded, which says nothing about the event."""
    if isinstance(error, DBAPIError):
        state = str(getattr(error.orig, "sqlstate", None) or "")
        return error.connection_invalidated or state[:2] in {"08", "53", "57"}
    if isinstance(error, PoolTimeout):
        return True
    return isinstance(error, OSError) and not isinstance(error, TimeoutError)


def _guarded(registration: Registration, meta: EventMeta) -> bool:
    """Whether an older event must not overwrite what a newer one of the aggregate has set."""
    return meta.version > 0 and not registration.additive and not registration.ordered


def _cursor(registration: Registration, meta: EventMeta) -> tuple[str, str, str]:
    return registration.name, f"{meta.source}.{meta.aggregate}", meta.aggregate_id


_ENTER: Final = text(
    f"INSERT INTO {InboxRow.__tablename__} (consumer, event_id, time) "
    "SELECT :consumer, id, :now FROM unnest(CAST(:ids AS text[])) AS id "
    "ON CONFLICT DO NOTHING RETURNING event_id"
)
_ADVANCE: Final = text(
    "INSERT INTO aggregate_cursors AS known (consumer, handler, aggregate, aggregate_id, version) "
    "SELECT :consumer, handler, aggregate, id, version FROM unnest(CAST(:handlers AS text[]), "
    "CAST(:aggregates AS text[]), CAST(:ids AS text[]), CAST(:versions AS bigint[])) "
    "AS news (handler, aggregate, id, version) "
    "ON CONFLICT (consumer, handler, aggregate, aggregate_id) DO UPDATE SET version = excluded.version "
    "WHERE known.version < excluded.version RETURNING handler, aggregate, aggregate_id"
)
