"""Compares a stream with what it has acknowledged; what it has lost goes back to the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import structlog
from nats.js import JetStreamContext
from nats.js.api import PubAck

from facet_kit.messaging.envelope import stream_name
from facet_kit.messaging.leader import Connection
from facet_kit.messaging.streams import StreamSettings, ensure_stream

log = structlog.get_logger(__name__)


class StreamGuard:
    """Compares the stream with what it has acknowledged, and sends back to the outbox what it has lost."""

    def __init__(self, service: str, connection: Connection, settings: StreamSettings) -> None:
        self._service = service
        self._connection = connection
        self._settings = settings
        self._created: datetime | None = None
        self._last_seq = 0
        self._holes = 0

    async def check(self, jetstream: JetStreamContext) -> None:
        """Makes the stream if it is absent; detects one that was wiped (made anew), cut off, or has holes."""
        info = await ensure_stream(jetstream, self._service, self._settings)
        state = info.state
        holes = max(state.last_seq - state.first_seq + 1 - state.messages, 0) if state.messages else 0
        if info.created != self._created or state.last_seq < self._last_seq:
            await self._reset_consumers(jetstream, state.last_seq)
            await self._republish(_LOST, info.created, state.last_seq)
        elif holes > self._holes:
            await self._republish(_FROM, state.first_seq)
        self._created, self._last_seq, self._holes = info.created, state.last_seq, holes

    async def mark(self, acknowledged: Sequence[tuple[str, PubAck]], now: datetime) -> None:
        """Records acknowledgements; a number given out twice shows that the stream was cut off."""
        fresh = [ack.seq for _, ack in acknowledged if not ack.duplicate]
        if fresh and min(fresh) <= self._last_seq:
            await self._republish(_FROM, min(fresh))
        ids = [event_id for event_id, _ in acknowledged]
        await self._connection.execute(_MARK, now, self._created, ids, [ack.seq for _, ack in acknowledged])
        self._last_seq = max([self._last_seq, *fresh])

    async def _republish(self, statement: str, *values: object) -> None:
        count = int((await self._connection.execute(statement, *values)).rpartition(" ")[2])
        if count:
            log.error("stream_lost_events", stream=stream_name(self._service), republished=count)

    async def _reset_consumers(self, jetstream: JetStreamContext, last_seq: int) -> None:
        """Removes the consumers that point behind the end: they would skip what now gets the same numbers."""
        for consumer in await jetstream.consumers_info(stream_name(self._service)):
            if consumer.delivered is not None and consumer.delivered.stream_seq > last_seq:
                log.warning("consumer_starts_over", consumer=consumer.name)
                await jetstream.delete_consumer(stream_name(self._service), consumer.name)


_MARK: Final = """
    UPDATE outbox SET published_at = $1, stream_created = $2, stream_seq = ack.seq, timer_key = NULL
    FROM unnest($3::text[], $4::bigint[]) AS ack (id, seq) WHERE outbox.id = ack.id
"""
_LOST: Final = """
    UPDATE outbox SET published_at = NULL, stream_created = NULL, stream_seq = NULL
    WHERE published_at IS NOT NULL AND (stream_created IS DISTINCT FROM $1 OR stream_seq > $2)
"""
_FROM: Final = """
    UPDATE outbox SET published_at = NULL, stream_created = NULL, stream_seq = NULL
    WHERE published_at IS NOT NULL AND stream_seq >= $1
"""
