"""Keeps the prepared sections true: follows the announcements that an account's sections changed, and asks again."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from enum import Enum
from typing import Final

import nats.errors
import structlog
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError
from opentelemetry import metrics

from facet_contracts.facet.type.v1.account_pb import AccountSummaryChanged
from facet_gateway.edge.caller import Caller
from facet_gateway.problem import Problem
from facet_gateway.redis_access import RedisAway
from facet_gateway.upstream.cells import Cells
from facet_gateway.upstream.client import Upstream
from facet_gateway.view.fanout import FanOut
from facet_gateway.view.plan import Origin, ViewPlan
from facet_gateway.view.sections import Source
from facet_gateway.view.store import SectionStore
from facet_kit.messaging.envelope import stream_name
from facet_kit.messaging.streams import Bus, end_if_cancelled, fetch

log = structlog.get_logger(__name__)

_DURABLE: Final = "gateway-view"
_BATCH: Final = 500
_FETCH_SECONDS: Final = 5.0
_PAUSE_SECONDS: Final = 0.5
_REDELIVERY_SECONDS: Final = 1.0
# A service that does not know an account yet hears of it soon; after so many tries it has been told all there is.
_PATIENCE: Final = 20
# Between two preparations of the same sections: a group whose members change all the time costs no more than this. Each
# account that waits adds its share, so that a bulk load is followed at leisure and does not pay for itself twice.
_PACE_SECONDS: Final = 0.25
_SHARE_SECONDS: Final = 0.05
_LONGEST_PACE_SECONDS: Final = 10.0
_REMEMBERED: Final = 5_000
_refreshed = metrics.get_meter("facet_gateway").create_counter(
    "facet.gateway.view.refreshes", description="Sections prepared anew because their account changed"
)


class Outcome(Enum):
    """What became of one refresh."""

    PREPARED = "prepared"
    AWAY = "away"  # the owner or Redis does not answer
    UNKNOWN = "unknown"  # the owner does not know the account yet


class ViewWorker:
    """Follows the streams of all sources.

    Args:
        concurrency: questions in flight to one service.
    """

    def __init__(
        self,
        bus: Bus,
        plan: ViewPlan,
        cells: Cells,
        fan_out: FanOut,
        store: SectionStore,
        itself: Caller,
        *,
        concurrency: int = 2,
    ) -> None:
        self._bus = bus
        self._plan = plan
        self._cells = cells
        self._fan_out = fan_out
        self._store = store
        self._itself = itself
        self._room = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(concurrency))
        self._waiting: dict[tuple[str, str], asyncio.Task[Outcome]] = {}
        self._running: dict[tuple[str, str], asyncio.Task[Outcome]] = {}
        self._begun_at: dict[tuple[str, str], float] = {}

    async def run(self) -> None:
        """Works until cancelled; outlives restarts of the servers, and waits for streams yet to come."""
        async with asyncio.TaskGroup() as following:
            for source in self._plan.sources:
                following.create_task(self._follow(source))

    async def _follow(self, source: Source) -> None:
        while True:
            end_if_cancelled()
            try:
                jetstream = await self._bus.jetstream()
                await self._ensure_consumer(jetstream, source.service)
                subscription = await jetstream.pull_subscribe_bind(
                    consumer=_DURABLE, stream=stream_name(source.service)
                )
                while True:
                    batch = await fetch(subscription, _BATCH, _FETCH_SECONDS)
                    if not batch:
                        await self._ensure_consumer(jetstream, source.service)  # the server may have lost it
                    await asyncio.gather(*(self._handle(source, message) for message in batch))
            except (NotFoundError, RedisAway):
                await asyncio.sleep(_PAUSE_SECONDS)
            except (nats.errors.Error, ConnectionError, OSError) as error:
                log.warning("view_worker_interrupted", service=source.service, error=repr(error))
                await asyncio.sleep(_PAUSE_SECONDS)

    async def _ensure_consumer(self, jetstream: JetStreamContext, service: str) -> None:
        """Makes the consumer where there is none. One made anew may have missed announcements: what was prepared
        before cannot be trusted then.
        """
        stream = stream_name(service)
        try:
            await jetstream.consumer_info(stream, _DURABLE)
        except NotFoundError:
            wanted = ConsumerConfig(
                durable_name=_DURABLE,
                filter_subject=f"facet.{service}.account_summary.changed",
                deliver_policy=DeliverPolicy.NEW,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=30,
                max_ack_pending=1000,
            )
            await jetstream.add_consumer(stream, wanted)
            try:
                await self._store.drop_all()
            except RedisAway:
                await jetstream.delete_consumer(stream, _DURABLE)
                raise
            log.info("view_consumer_made", service=service)

    async def _handle(self, source: Source, message: Msg) -> None:
        try:
            changed = AccountSummaryChanged.from_binary(message.data)
        except Exception as error:  # the codec raises its own and Rust's errors
            log.error("view_announcement_unreadable", service=source.service, error=repr(error))
            await message.term()
            return
        async with asyncio.TaskGroup() as refreshing:
            tasks = [
                refreshing.create_task(self._refresh(source, account)) for account in changed.account_ids
            ]
        outcomes = {task.result() for task in tasks}
        tries = message.metadata.num_delivered
        if Outcome.AWAY in outcomes or (Outcome.UNKNOWN in outcomes and tries < _PATIENCE):
            await message.nak(delay=_REDELIVERY_SECONDS)
        else:
            await message.ack()

    async def _refresh(self, source: Source, account: str) -> Outcome:
        """Prepares a source's sections of an account. Announcements that arrive before that has begun share it; one
        that arrives later has it done once more, after this one.
        """
        key = (source.service, account)
        waiting = self._waiting.get(key)
        if waiting is None:
            waiting = asyncio.create_task(self._in_turn(key, source))
            self._waiting[key] = waiting
        return await asyncio.shield(waiting)

    async def _in_turn(self, key: tuple[str, str], source: Source) -> Outcome:
        before = self._running.get(key)
        if before is not None:
            await asyncio.wait([before])
        await self._pace(key)
        async with self._room[source.service]:
            begun = self._waiting.pop(key)
            self._running[key] = begun
            self._begun_at[key] = asyncio.get_running_loop().time()
            try:
                upstreams = self._cells.everywhere(source.service)
                outcomes = {await self._prepare(source, upstream, key[1]) for upstream in upstreams}
            except RedisAway:
                return Outcome.AWAY
            finally:
                if self._running.get(key) is begun:
                    del self._running[key]
        return max(outcomes, key=_GRAVITY.index)

    async def _pace(self, key: tuple[str, str]) -> None:
        """Lets a busy account's announcements gather: its first change shows at once, a stream of them at intervals."""
        now = asyncio.get_running_loop().time()
        if len(self._begun_at) > _REMEMBERED:
            self._begun_at = {k: at for k, at in self._begun_at.items() if now - at < _LONGEST_PACE_SECONDS}
        pace = min(_PACE_SECONDS + _SHARE_SECONDS * len(self._waiting), _LONGEST_PACE_SECONDS)
        rest = self._begun_at.get(key, -pace) + pace - now
        if rest > 0:
            await asyncio.sleep(rest)

    async def _prepare(self, source: Source, upstream: Upstream, account: str) -> Outcome:
        try:
            answer = await self._fan_out.ask(self._itself, account, source, upstream)
        except Problem as problem:
            if problem.status != 404:
                return Outcome.AWAY
            if source is not self._plan.authority:
                return Outcome.UNKNOWN
            await self._store.drop(account)
            return Outcome.PREPARED
        names = [section.name for section in source.sections]
        await self._store.write(account, Origin(upstream.cell, source.service), names, answer)
        _refreshed.add(1, {"service": source.service})
        return Outcome.PREPARED


_GRAVITY: Final = (Outcome.PREPARED, Outcome.UNKNOWN, Outcome.AWAY)
