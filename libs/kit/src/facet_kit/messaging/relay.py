"""Publishes the outbox: one leader per database, in sequence, marking what JetStream acknowledged."""
# nats-py leaves parameters of its functions untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import nats.errors
import structlog
from nats.js import JetStreamContext
from nats.js.api import PubAck
from opentelemetry import metrics, trace
from sqlalchemy import URL

from facet_kit.clock import Clock
from facet_kit.failpoints import failpoint
from facet_kit.ids import created_at_ms
from facet_kit.messaging.envelope import to_headers, trace_context, traceparent_of
from facet_kit.messaging.leader import DATABASE_ERRORS, STATEMENT_ERRORS, Connection, leading
from facet_kit.messaging.outbox import CHANNEL
from facet_kit.messaging.streamguard import StreamGuard
from facet_kit.messaging.streams import Bus, StreamSettings, end_if_cancelled

log = structlog.get_logger(__name__)
tracer = trace.get_tracer(__name__)

_LOCK: Final = 0x46414345  # one relay per database
_meter = metrics.get_meter(__name__)
_published = _meter.create_counter("facet.outbox.published")
_depth = _meter.create_gauge("facet.outbox.depth")
_age = _meter.create_gauge("facet.outbox.age", unit="s")


@dataclass(frozen=True, slots=True)
class RelaySettings:
    """Pace of a relay, and how long it keeps what it has published."""

    batch: int = 500
    sweep_seconds: float = 1.0
    """How long a lost notification can go unnoticed."""
    ack_seconds: float = 5.0
    check_seconds: float = 30.0
    """How often the stream is compared with what it acknowledged."""
    retention: timedelta = timedelta(hours=24)
    """JetStream may lose what it acknowledged; for so long it can be published again."""
    longest_pause_seconds: float = 5.0


class Relay:
    """Moves a service's events from its outbox to its stream."""

    def __init__(
        self,
        service: str,
        *,
        database: URL,
        bus: Bus,
        clock: Clock,
        stream: StreamSettings | None = None,
        settings: RelaySettings | None = None,
    ) -> None:
        self._service = service
        self._database = database
        self._bus = bus
        self._clock = clock
        self._stream = stream or StreamSettings()
        self._settings = settings or RelaySettings()

    async def run(self) -> None:
        """Runs until cancelled: leads when no other relay of the service does, and outlives every restart."""
        pause = self._settings.sweep_seconds
        while True:
            try:
                async with leading(self._database, _LOCK, ask_seconds=pause) as connection:
                    log.info("relay_leads", service=self._service)
                    guard = StreamGuard(self._service, connection, self._stream)
                    await _Leadership(
                        self._service, connection, guard, self._bus, self._clock, self._settings
                    ).run()
            except DATABASE_ERRORS as error:
                log.warning("relay_without_database", service=self._service, error=repr(error))
            await asyncio.sleep(pause)


class PublishFailed(RuntimeError):
    """JetStream did not take some of the events; they stay in the outbox and are sent again."""


class _Leadership:
    """The time for which one connection holds the lock; all SQL runs on that connection."""

    def __init__(
        self,
        service: str,
        connection: Connection,
        guard: StreamGuard,
        bus: Bus,
        clock: Clock,
        settings: RelaySettings,
    ) -> None:
        self._service = service
        self._connection = connection
        self._bus = bus
        self._clock = clock
        self._settings = settings
        self._guard = guard
        self._wake = asyncio.Event()
        self._next_check = self._next_chores = 0.0

    async def run(self) -> None:
        await self._connection.add_listener(CHANNEL, lambda *_: self._wake.set())
        failures = 0
        while True:
            end_if_cancelled()
            self._wake.clear()
            try:
                more = await self._publish()
                failures = 0
            except STATEMENT_ERRORS:
                raise
            except (
                Exception
            ) as error:  # NATS is away or refuses: whatever it is, the events stay in the outbox
                failures += 1
                self._next_check = 0.0
                log.warning("relay_interrupted", service=self._service, error=repr(error))
                await asyncio.sleep(min(0.1 * 2 ** min(failures, 10), self._settings.longest_pause_seconds))
                continue
            await self._do_chores()
            if not more:
                await self._rest()

    async def _publish(self) -> bool:
        """Publishes what is due; says whether there is probably more."""
        jetstream = await self._bus.jetstream()
        loop = asyncio.get_running_loop()
        if loop.time() >= self._next_check:
            await self._guard.check(jetstream)
            self._next_check = loop.time() + self._settings.check_seconds
        rows = await self._connection.fetch(_DUE, self._settings.batch, self._clock.now())
        if rows:
            await failpoint("relay.before_publish")
            acknowledged, error = await self._send(jetstream, rows)
            await failpoint("relay.after_publish")
            await self._guard.mark(acknowledged, self._clock.now())
            _published.add(len(acknowledged), {"service": self._service})
            if error is not None:
                raise PublishFailed(f"{len(rows) - len(acknowledged)} of {len(rows)}: {error!r}") from error
        return len(rows) >= self._settings.batch

    async def _send(
        self, jetstream: JetStreamContext, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[list[tuple[str, PubAck]], BaseException | None]:
        """Sends in order, which JetStream keeps; returns what was acknowledged and the last error."""
        sent: list[tuple[str, trace.Span, asyncio.Future[PubAck]]] = []
        error: BaseException | None = None
        for index, row in enumerate(rows):
            if index == len(rows) // 2:
                await failpoint("relay.mid_batch")
            span = tracer.start_span(
                f"publish {row['subject']}",
                context=trace_context(row["traceparent"]),
                kind=trace.SpanKind.PRODUCER,
                attributes={
                    "messaging.system": "nats",
                    "messaging.operation.type": "send",
                    "messaging.destination.name": row["subject"],
                    "messaging.message.id": row["id"],
                },
            )
            try:
                future = await jetstream.publish_async(
                    row["subject"], row["payload"], headers=self._headers(row, span)
                )
                sent.append((row["id"], span, future))
            except nats.errors.Error as refused:
                span.end()
                error = refused
        if sent:
            await asyncio.wait([future for _, _, future in sent], timeout=self._settings.ack_seconds)
        acknowledged: list[tuple[str, PubAck]] = []
        for event_id, span, future in sent:
            if not future.done():
                future.cancel()
                error = TimeoutError("JetStream did not acknowledge in time")
            elif (failure := future.exception()) is not None:
                error = failure
            else:
                acknowledged.append((event_id, future.result()))
            span.end()
        return acknowledged, error

    def _headers(self, row: Mapping[str, Any], span: trace.Span) -> dict[str, str]:
        return to_headers(
            id=row["id"],
            source=self._service,
            type=row["type"],
            aggregate_id=row["aggregate_id"],
            version=row["version"],
            time=row["happened"],
            traceparent=traceparent_of(span),
        )

    async def _rest(self) -> None:
        """Waits for a notification, the next timer or the sweep, whichever is first."""
        due: datetime | None = await self._connection.fetchval(_NEXT_TIMER)
        patience = self._settings.sweep_seconds
        if due is not None:
            patience = min(patience, max((due - self._clock.now()).total_seconds(), 0.0))
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._wake.wait()

    async def _do_chores(self) -> None:
        """Measures the outbox and deletes what was published long ago, a batch at a time."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._next_chores:
            return
        backlog = (await self._connection.fetch(_BACKLOG))[0]
        made = created_at_ms(backlog["oldest"] or "")
        _depth.set(backlog["depth"], {"service": self._service})
        _age.set(self._clock.now().timestamp() - made / 1000 if made else 0.0, {"service": self._service})
        status = await self._connection.execute(_PRUNE, self._clock.now() - self._settings.retention)
        self._next_chores = loop.time() + (1.0 if status == f"DELETE {_PRUNED_AT_ONCE}" else 5.0)


_DUE: Final = """
    SELECT id, subject, type, aggregate_id, version, payload, traceparent,
        coalesce(deliver_at, create_time) AS happened  -- a timer happens when it is due, not when it was set
    FROM (
        (SELECT * FROM outbox WHERE published_at IS NULL AND deliver_at IS NULL ORDER BY seq LIMIT $1)
        UNION ALL
        (SELECT * FROM outbox WHERE published_at IS NULL AND deliver_at <= $2
            ORDER BY deliver_at, seq LIMIT $1)
    ) AS due ORDER BY deliver_at NULLS FIRST, seq LIMIT $1
"""
_NEXT_TIMER: Final = (
    "SELECT min(deliver_at) FROM outbox WHERE published_at IS NULL AND deliver_at IS NOT NULL"
)
_BACKLOG: Final = """
    SELECT count(*) AS depth, min(id) AS oldest FROM outbox WHERE published_at IS NULL AND deliver_at IS NULL
"""
_PRUNED_AT_ONCE: Final = 5000
_PRUNE: Final = f"""
    DELETE FROM outbox WHERE id IN (
        SELECT id FROM outbox WHERE published_at < $1 ORDER BY published_at LIMIT {_PRUNED_AT_ONCE}
    )
"""
