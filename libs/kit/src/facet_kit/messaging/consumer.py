"""Follows the streams: a durable pull consumer per source, lanes so that a slow event does not hold up all,
acknowledgement after commit, back-off and burial of what fails.
"""
# nats-py leaves parameters of its functions untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo, DeliverPolicy
from nats.js.errors import NotFoundError
from opentelemetry import metrics
from sqlalchemy.dialects.postgresql import insert

from facet_kit.errors import Unparseable
from facet_kit.failpoints import failpoint
from facet_kit.messaging.envelope import from_headers, stream_name
from facet_kit.messaging.inbox import Delivery, is_transient
from facet_kit.messaging.processing import Processing
from facet_kit.messaging.streams import Bus, end_if_cancelled, fetch
from facet_kit.messaging.tables import ConsumerRow

log = structlog.get_logger(__name__)

_FETCH_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 1.0
_meter = metrics.get_meter(__name__)
_handled = _meter.create_counter("facet.consumer.events")
_pending = _meter.create_gauge("facet.consumer.pending")


@dataclass(frozen=True, slots=True)
class ConsumerSettings:
    """How much a consumer takes at once."""

    batch: int = 100
    """Events fetched at once, and at most committed in one transaction."""
    lanes: int = 4
    """Per source; the events of one aggregate share a lane."""
    transactions: int = 8
    """At the same time, over all sources: fewer than the database's pool has connections."""
    max_ack_pending: int = 1000
    ack_wait_seconds: float = 30.0
    handling_seconds: float = 20.0
    """Time for one transaction; less than `ack_wait_seconds`, or slow events would be delivered twice."""


@dataclass(frozen=True, slots=True)
class _Arrival:
    message: Msg
    delivery: Delivery


class Consumer:
    """Feeds a service's event processing from the streams of all services that it has handlers for."""

    def __init__(self, processing: Processing, bus: Bus, settings: ConsumerSettings | None = None) -> None:
        self._processing = processing
        self._bus = bus
        self._settings = settings or ConsumerSettings()

    async def run(self) -> None:
        """Runs until cancelled; outlives restarts of the servers, waits for streams yet to come."""
        turns = asyncio.Semaphore(self._settings.transactions)
        async with asyncio.TaskGroup() as tasks:
            for source, subjects in self._processing.routes.subjects().items():
                follower = _Source(source, subjects, self._processing, self._bus, self._settings, turns)
                tasks.create_task(follower.run())
            if self._processing.routes.any_ordered:
                tasks.create_task(self._release_overdue())

    async def _release_overdue(self) -> None:
        while True:
            try:
                await self._processing.release_overdue()
            except Exception as error:
                log.warning("parked_events_wait", error=repr(error))
            await asyncio.sleep(_PAUSE_SECONDS)


class _Source:
    """One stream as this consumer follows it."""

    def __init__(
        self,
        source: str,
        subjects: list[str],
        processing: Processing,
        bus: Bus,
        settings: ConsumerSettings,
        turns: asyncio.Semaphore,
    ) -> None:
        self._stream = stream_name(source)
        self._subjects = subjects
        self._processing = processing
        self._bus = bus
        self._settings = settings
        self._turns = turns
        self._labels = {"consumer": processing.consumer, "source": source}
        room = max(settings.batch, settings.max_ack_pending // settings.lanes)
        self._lanes = [asyncio.Queue[_Arrival](room) for _ in range(settings.lanes)]
        self._interrupted: list[_Arrival] = []

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow())
                for lane in self._lanes:
                    tasks.create_task(self._work(lane))
        finally:
            await self._hand_back()

    async def _follow(self) -> None:
        while True:
            end_if_cancelled()
            try:
                await self._fetch(await self._bus.jetstream())
            except NotFoundError:
                log.debug("stream_awaited", stream=self._stream)
            except Exception as error:
                log.warning("consumer_interrupted", stream=self._stream, error=repr(error))
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _fetch(self, jetstream: JetStreamContext) -> None:
        durable = await self._ensure_durable(jetstream)
        subscription = await jetstream.pull_subscribe_bind(durable.name, stream=self._stream)
        try:
            while True:
                messages = await fetch(subscription, self._settings.batch, _FETCH_SECONDS)
                if not messages:
                    await subscription.consumer_info()  # a quiet stream and a lost consumer look alike
                    continue
                await failpoint("consumer.after_fetch")
                for message in messages:
                    arrival = _Arrival(message, _delivery(message))
                    lane = hash(arrival.delivery.meta.aggregate_id) % len(self._lanes)
                    await self._lanes[lane].put(arrival)
                _pending.set(messages[-1].metadata.num_pending, self._labels)
        finally:
            if self._bus.connected:
                await subscription.unsubscribe()

    async def _ensure_durable(self, jetstream: JetStreamContext) -> ConsumerInfo:
        """The durable consumer with today's subjects.

        It starts at the beginning when this database does not know it (its effects are not here)
        or it points behind the end (the stream was cut off); the inbox absorbs what comes again.

        Raises:
            nats.js.errors.NotFoundError: the stream is not there yet.
        """
        name = self._processing.consumer
        end = (await jetstream.stream_info(self._stream)).state.last_seq
        async with self._processing.sessions() as session:
            known = await session.get(ConsumerRow, (name, self._stream))
        try:
            found = await jetstream.consumer_info(self._stream, name)
            behind_the_end = found.delivered is not None and found.delivered.stream_seq > end
            if known is None or known.created != found.created or behind_the_end:
                log.warning("consumer_starts_over", stream=self._stream)
                await jetstream.delete_consumer(self._stream, name)
        except NotFoundError:
            pass
        durable = await jetstream.add_consumer(
            self._stream,
            ConsumerConfig(
                durable_name=name,
                filter_subjects=self._subjects,
                deliver_policy=DeliverPolicy.ALL,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=self._settings.ack_wait_seconds,
                max_deliver=-1,  # we bury it ourselves; the server would drop it silently
                max_ack_pending=self._settings.max_ack_pending,
            ),
        )
        row = insert(ConsumerRow).values(consumer=name, stream=self._stream, created=durable.created)
        async with self._processing.sessions() as session, session.begin():
            await session.execute(
                row.on_conflict_do_update(
                    index_elements=["consumer", "stream"], set_={"created": durable.created}
                )
            )
        return durable

    async def _work(self, lane: asyncio.Queue[_Arrival]) -> None:
        while True:
            arrivals = [await lane.get()]
            while len(arrivals) < self._settings.batch and not lane.empty():
                arrivals.append(lane.get_nowait())
            try:
                await self._handle(arrivals)
            except asyncio.CancelledError:
                self._interrupted += arrivals
                raise
            except Exception as error:  # not acknowledged: it will be delivered again
                log.warning("events_left", stream=self._stream, count=len(arrivals), error=repr(error))

    async def _handle(self, arrivals: list[_Arrival]) -> None:
        """Applies and acknowledges together; a failing batch is halved until the culprit stands alone."""
        try:
            async with self._turns, asyncio.timeout(self._settings.handling_seconds):
                await self._processing.handle([arrival.delivery for arrival in arrivals])
        except Exception as error:
            if len(arrivals) == 1 or is_transient(error):
                for arrival in arrivals:
                    await self._fail(arrival, error)
            else:
                middle = len(arrivals) // 2
                await self._handle(arrivals[:middle])
                await self._handle(arrivals[middle:])
            return
        await failpoint("consumer.after_commit")
        for arrival in arrivals:
            await arrival.message.ack()
        _handled.add(len(arrivals), {**self._labels, "outcome": "applied"})

    async def _fail(self, arrival: _Arrival, error: Exception) -> None:
        """Asks for the event again after a growing delay, or buries it when it was tried often enough."""
        attempts = arrival.message.metadata.num_delivered
        policy, meta = self._processing.policy, arrival.delivery.meta
        _handled.add(1, {**self._labels, "outcome": "failed"})
        if is_transient(error) or attempts < policy.max_deliveries:
            log.warning(
                "event_failed", event_id=meta.id, subject=meta.subject, attempts=attempts, error=repr(error)
            )
            await arrival.message.nak(policy.delay(attempts).total_seconds())
        else:
            await self._processing.bury(arrival.delivery, error, attempts)
            await arrival.message.term()

    async def _hand_back(self) -> None:
        """Gives unhandled events back on shutdown, so that another worker need not wait for `ack_wait`."""
        if not self._bus.connected:
            return
        for lane in self._lanes:
            while not lane.empty():
                self._interrupted.append(lane.get_nowait())
        for arrival in self._interrupted:
            if not arrival.message.is_acked:
                await arrival.message.nak()


def _delivery(message: Msg) -> Delivery:
    """What the message says of itself; one without a readable envelope gets one by which it can be buried."""
    headers = message.headers or {}
    try:
        return Delivery(from_headers(message.subject, headers), message.data)
    except Unparseable:
        position = message.metadata
        substitute = {
            "ce-id": headers.get("ce-id") or f"{position.stream}-{position.sequence.stream}",
            "ce-source": message.subject.split(".")[1],
            "ce-type": headers.get("ce-type", "unreadable envelope"),
            "ce-subject": headers.get("ce-subject", ""),
            "ce-time": position.timestamp.isoformat(),
            "ce-aggregateversion": "0",
        }
        return Delivery(from_headers(message.subject, headers | substitute), message.data)
