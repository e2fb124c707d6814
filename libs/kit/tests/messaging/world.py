"""A publishing and a consuming service on one database, with events and handlers made for these tests.

Run as a program it is one of their workers, to be killed: `python world.py relay|consumer <service> <database> <nats>`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from protobuf import Message
from protobuf.wkt import FileDescriptorProto, FileDescriptorSet
from protobuf.wkt.google.protobuf.descriptor_pb import DescriptorProto, FieldDescriptorProto, MessageOptions
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from facet_contracts.facet.type.v1.annotations_pb import Event, ext_event
from facet_kit.clock import Clock, SystemClock
from facet_kit.context import Ctx
from facet_kit.database.base import Base
from facet_kit.ids import Ids, Uuid7Ids
from facet_kit.messaging import tables
from facet_kit.messaging.consumer import Consumer, ConsumerSettings
from facet_kit.messaging.envelope import EventMeta
from facet_kit.messaging.handlers import Handlers
from facet_kit.messaging.inbox import RetryPolicy
from facet_kit.messaging.outbox import notify, outbox_row
from facet_kit.messaging.processing import Processing
from facet_kit.messaging.relay import Relay, RelaySettings
from facet_kit.messaging.streams import Bus, StreamSettings

CONSUMER = "observer"
ACK_WAIT = 3.0
TABLES = [
    tables.OutboxRow,
    tables.InboxRow,
    tables.AggregateCursor,
    tables.ParkedEvent,
    tables.DeadLetterRow,
    tables.ConsumerRow,
]


def _declare(*events: tuple[str, str, str, bool]) -> dict[str, type[Message[Any]]]:
    """Event classes as the contracts would declare them; of package platform, so that any service may publish them."""
    field_type, label = FieldDescriptorProto.Type, FieldDescriptorProto.Label
    fields = [
        FieldDescriptorProto(name=name, json_name=name, number=number, type=kind, label=label.OPTIONAL)
        for number, (name, kind) in enumerate(
            [("id", field_type.STRING), ("amount", field_type.INT64), ("note", field_type.STRING)], start=1
        )
    ]
    messages: list[DescriptorProto] = []
    for name, aggregate, happened, timer in events:
        options = MessageOptions()
        options[ext_event] = Event(aggregate=aggregate, name=happened, timer=timer)
        messages.append(DescriptorProto(name=name, options=options, field=fields))
    file = FileDescriptorProto(
        name="facet/platform/v1/messaging_tests.proto",
        package="facet.platform.v1",
        syntax="proto3",
        message_type=messages,
    )
    registry = FileDescriptorSet(file=[file]).to_registry()
    return {name: registry.message(f"facet.platform.v1.{name}").type for name, *_ in events}


_declared = _declare(
    ("CounterSet", "counter", "set", False),  # carries state
    ("CounterRaised", "counter", "raised", False),  # additive
    ("StepTaken", "journey", "step_taken", False),  # ordered
    ("JourneyNoted", "journey", "noted", False),  # of an ordered aggregate, but nobody handles it
    ("ReminderDue", "reminder", "due", True),
)
CounterSet: Any = _declared["CounterSet"]
CounterRaised: Any = _declared["CounterRaised"]
StepTaken: Any = _declared["StepTaken"]
JourneyNoted: Any = _declared["JourneyNoted"]
ReminderDue: Any = _declared["ReminderDue"]


class HandlerFails(RuntimeError):
    """What a handler raises that cannot cope with an event."""


def handlers_of(service: str) -> Handlers:
    """Handlers that log each effect; an event's note makes them misbehave."""
    handlers = Handlers()

    @handlers.on(CounterSet, sources=[service])
    async def keep(ctx: Ctx, event: Any, meta: EventMeta) -> None:
        await _act(ctx, event, meta)
        await ctx.session.execute(
            text("INSERT INTO states VALUES (:id, :amount) ON CONFLICT (id) DO UPDATE SET amount = :amount"),
            {"id": event.id, "amount": event.amount},
        )

    @handlers.on(CounterRaised, additive=True, sources=[service])
    async def add(ctx: Ctx, event: Any, meta: EventMeta) -> None:
        await _act(ctx, event, meta)

    @handlers.on(StepTaken, ordered=True, sources=[service])
    async def step(ctx: Ctx, event: Any, meta: EventMeta) -> None:
        await _act(ctx, event, meta)

    @handlers.on(ReminderDue, sources=[service])
    async def remind(ctx: Ctx, event: Any, meta: EventMeta) -> None:
        await _act(ctx, event, meta)

    return handlers


async def _act(ctx: Ctx, event: Any, meta: EventMeta) -> None:
    await ctx.session.execute(
        text(
            "INSERT INTO effects (event_id, aggregate_id, version, amount) VALUES (:event, :id, :version, :amount)"
        ),
        {"event": meta.id, "id": meta.aggregate_id, "version": meta.version, "amount": event.amount},
    )
    if event.note == "poison" and not await ctx.session.scalar(text("SELECT count(*) FROM cures")):
        raise HandlerFails("this event is poison")
    if event.note == "slow":
        await asyncio.sleep(1)
    if event.note == "reply":
        ctx.publish(CounterRaised(id="reply", amount=1), aggregate_id="reply", version=0)


@dataclass
class World:
    """Both services, with what their tests look at."""

    service: str
    database: str
    nats: str
    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=Uuid7Ids)
    stream: StreamSettings = field(default_factory=StreamSettings)
    relay_settings: RelaySettings = field(
        default_factory=lambda: RelaySettings(check_seconds=2, ack_seconds=2)
    )
    policy: RetryPolicy = field(
        default_factory=lambda: RetryPolicy(
            max_deliveries=5,
            first_delay=timedelta(milliseconds=20),
            longest_delay=timedelta(milliseconds=200),
            gap_patience=timedelta(seconds=2),
        )
    )

    def __post_init__(self) -> None:
        self.url = make_url(self.database).set(drivername="postgresql+asyncpg")
        self.engine: AsyncEngine = create_async_engine(self.url, pool_size=10)
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False)
        self.bus = Bus(self.nats, self.service)
        self.processing = Processing(
            CONSUMER,
            handlers_of(self.service),
            sessions=self.sessions,
            contexts=self.context,
            clock=self.clock,
            ids=self.ids,
            policy=self.policy,
        )

    async def prepare(self) -> None:
        """Creates the tables."""
        async with self.engine.begin() as connection:
            await connection.run_sync(
                Base.metadata.create_all, tables=[cast(Any, table.__table__) for table in TABLES]
            )
            for statement in (
                "CREATE TABLE effects (seq bigint GENERATED ALWAYS AS IDENTITY, event_id text, aggregate_id text, "
                "version bigint, amount bigint)",
                "CREATE TABLE states (id text PRIMARY KEY, amount bigint)",
                "CREATE TABLE cures (name text)",
            ):
                await connection.execute(text(statement))

    async def close(self) -> None:
        with contextlib.suppress(Exception):
            jetstream = await asyncio.wait_for(self.bus.jetstream(), 2)
            await jetstream.delete_stream("FACET_" + self.service.upper())
        await self.bus.close()
        await self.engine.dispose()

    @asynccontextmanager
    async def context(self, session: AsyncSession, meta: EventMeta) -> AsyncGenerator[Ctx]:
        ctx = self.ctx(session)
        yield ctx
        for message, aggregate_id, version in ctx.published:
            session.add(self.row(message, aggregate_id, version))
        await session.flush()

    def ctx(self, session: AsyncSession) -> Ctx:
        return Ctx(self.service, cast(Any, None), session, self.clock, self.ids)

    def row(self, message: Message[Any], aggregate_id: str, version: int) -> tables.OutboxRow:
        return outbox_row(
            self.service,
            message,
            aggregate_id=aggregate_id,
            version=version,
            now=self.clock.now(),
            ids=self.ids,
        )

    async def publish(self, *events: tuple[Message[Any], int]) -> None:
        """Commits facts, each with its version, in one transaction."""
        async with self.sessions() as session, session.begin():
            for message, version in events:
                session.add(self.row(message, cast(Any, message).id, version))
                await session.flush()  # one statement each: they get their sequence in this order
            await notify(session)

    @asynccontextmanager
    async def running(self, *names: str) -> AsyncGenerator[None]:
        """Runs the relay and the consumer, or those named, in this process."""
        workers = [self.worker(name) for name in names or ("relay", "consumer")]
        tasks = [asyncio.create_task(worker) for worker in workers]
        try:
            yield
        finally:
            for task in tasks:
                assert not task.done(), task.exception()
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def worker(self, name: str) -> None:
        if name == "relay":
            await Relay(
                self.service,
                database=self.url,
                bus=self.bus,
                clock=self.clock,
                stream=self.stream,
                settings=self.relay_settings,
            ).run()
        else:
            settings = ConsumerSettings(ack_wait_seconds=ACK_WAIT, handling_seconds=2)
            await Consumer(self.processing, self.bus, settings).run()

    def spawn(self, name: str, failpoint: str = "") -> subprocess.Popen[bytes]:
        """Runs one of them in a process of its own."""
        return subprocess.Popen(
            [sys.executable, str(Path(__file__)), name, self.service, self.database, self.nats],
            env={**os.environ, "FACET_FAILPOINT": failpoint},
        )

    async def rows(self, query: str, **values: object) -> Sequence[Any]:
        async with self.engine.connect() as connection:
            return (await connection.execute(text(query), values)).all()

    async def execute(self, statement: str, **values: object) -> None:
        async with self.engine.begin() as connection:
            await connection.execute(text(statement), values)

    async def count(self, table: str, condition: str = "true") -> int:
        return (await self.rows(f"SELECT count(*) FROM {table} WHERE {condition}"))[0][0]

    async def effects(self, aggregate_id: str = "%") -> list[int]:
        """Versions in the order in which they took effect."""
        found = await self.rows(
            "SELECT version FROM effects WHERE aggregate_id LIKE :id ORDER BY seq", id=aggregate_id
        )
        return [row.version for row in found]


async def eventually(condition: Callable[[], Awaitable[bool]], *, seconds: float = 25.0) -> None:
    """Waits until the condition holds; fails when it does not in time."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "not so in time"
        await asyncio.sleep(0.02)


def main() -> None:
    name, service, database, nats = sys.argv[1:]
    world = World(service, database, nats)
    asyncio.run(world.worker(name))


if __name__ == "__main__":
    main()
