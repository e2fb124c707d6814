"""The way to NATS: one connection that comes back by itself, and the stream of a service."""

# nats-py leaves parameters of its functions untyped.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta

import nats
import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig, StreamInfo
from nats.js.errors import NotFoundError

from facet_kit.messaging.envelope import stream_name

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """How a service's stream is kept."""

    replicas: int = 1
    max_age: timedelta | None = None
    """How long events stay for new consumers to replay; None keeps them for ever."""
    duplicate_window: timedelta = timedelta(minutes=2)


class BusAway(nats.errors.Error):
    """The connection to NATS was lost and is being made again."""


class Bus:
    """A connection to NATS that is made when first needed and never given up."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._client: Client | None = None
        self._jetstream: JetStreamContext | None = None
        self._connecting = asyncio.Lock()

    @property
    def connected(self) -> bool:
        """Whether the connection stands at this moment."""
        return self._client is not None and self._client.is_connected

    async def jetstream(self) -> JetStreamContext:
        """JetStream over the connection; the first call waits until a server answers.

        Raises:
            BusAway: the connection was lost and is being made again; try later.
        """
        async with self._connecting:
            if self._jetstream is None:
                client = await connect(self._url, self._name)
                self._client, self._jetstream = client, client.jetstream(timeout=5)
        if not self.connected:
            raise BusAway("NATS does not answer at the moment; the connection is being made again")
        return self._jetstream

    async def close(self) -> None:
        """Flushes and closes; the bus connects anew when it is used again."""
        client, self._client, self._jetstream = self._client, None, None
        if client is not None and not client.is_closed:
            await client.close()


async def connect(url: str, name: str) -> Client:
    """Connects to NATS, waiting as long as it takes, with reconnects without end."""

    reported = ""  # the same complaint twice a second helps nobody

    async def report(error: Exception) -> None:
        nonlocal reported
        if repr(error) != reported:
            reported = repr(error)
            log.warning("nats_error", client=name, error=reported)

    async def greet() -> None:
        nonlocal reported
        reported = ""
        log.info("nats_reconnected", client=name)

    return await nats.connect(
        url,
        name=name,
        error_cb=report,
        reconnected_cb=greet,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.5,
        connect_timeout=2,
        ping_interval=10,
        max_outstanding_pings=2,
    )


async def ensure_stream(jetstream: JetStreamContext, service: str, settings: StreamSettings) -> StreamInfo:
    """The stream of the service, made if absent and brought to these settings if they changed.

    Raises:
        nats.errors.Error: the server refused or did not answer.
    """
    wanted = StreamConfig(
        name=stream_name(service),
        subjects=[f"facet.{service}.>"],
        storage=StorageType.FILE,
        retention=RetentionPolicy.LIMITS,
        discard=DiscardPolicy.OLD,
        num_replicas=settings.replicas,
        max_age=settings.max_age.total_seconds() if settings.max_age else 0,
        duplicate_window=settings.duplicate_window.total_seconds(),
    )
    try:
        found = await jetstream.stream_info(stream_name(service))
    except NotFoundError:
        return await jetstream.add_stream(wanted)
    managed = ("subjects", "num_replicas", "max_age", "duplicate_window")
    if any(getattr(found.config, field) != getattr(wanted, field) for field in managed):
        return await jetstream.update_stream(wanted)
    return found


async def fetch(subscription: JetStreamContext.PullSubscription, batch: int, seconds: float) -> list[Msg]:
    """Up to `batch` messages; none when the stream stays quiet for `seconds`."""
    try:
        messages = await subscription.fetch(batch, timeout=seconds)
    except TimeoutError:  # nats-py raises its own and the plain one
        messages = []
    end_if_cancelled()
    return messages


def end_if_cancelled() -> None:
    """Ends a task that was told to end. nats-py waits with asyncio.wait_for, which on Python 3.11 loses a cancellation
    that comes together with its result: a loop around it would go on for ever, and its process would never stop.

    Raises:
        asyncio.CancelledError: the running task has been cancelled.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
