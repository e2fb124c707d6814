"""The relay: order, leadership, late committers, timers, retention, and the trace it carries on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from sqlalchemy import text
from world import CounterRaised, CounterSet, ReminderDue, World, eventually

from facet_kit.messaging import outbox
from facet_kit.messaging.envelope import from_headers
from facet_kit.messaging.streams import StreamSettings


async def published(world: World) -> list[Any]:
    """The messages on the stream, oldest first."""
    jetstream = await world.bus.jetstream()
    stream = "FACET_" + world.service.upper()
    last = (await jetstream.stream_info(stream)).state.last_seq
    return [await jetstream.get_msg(stream, seq) for seq in range(1, last + 1)]


async def drained(world: World) -> None:
    async def empty() -> bool:
        return await world.count("outbox", "published_at IS NULL AND deliver_at IS NULL") == 0

    await eventually(empty)


async def test_facts_are_published_in_the_order_of_their_transaction(world: World) -> None:
    await world.publish(*((CounterRaised(id="c", amount=number), number) for number in range(1, 31)))
    async with world.running("relay"):
        await drained(world)
    versions = [int(message.headers["ce-aggregateversion"]) for message in await published(world)]
    assert versions == list(range(1, 31))


async def test_an_envelope_carries_cloudevents_attributes(world: World) -> None:
    await world.publish((CounterRaised(id="c-1", amount=5), 7))
    async with world.running("relay"):
        await drained(world)
    [message] = await published(world)
    assert message.subject == f"facet.{world.service}.counter.raised"
    assert message.headers["Nats-Msg-Id"] == message.headers["ce-id"]
    assert message.headers["ce-source"] == world.service
    assert message.headers["ce-type"] == "facet.platform.v1.CounterRaised"
    assert message.headers["ce-subject"] == "c-1"
    assert message.headers["ce-aggregateversion"] == "7"
    assert CounterRaised.from_binary(message.data).amount == 5


async def test_a_rolled_back_fact_is_never_published(world: World) -> None:
    async with world.sessions() as session:
        session.add(world.row(CounterRaised(id="never"), "never", 1))
        await session.flush()
        await session.rollback()
    await world.publish((CounterRaised(id="kept"), 1))
    async with world.running("relay"):
        await drained(world)
    assert [message.headers["ce-subject"] for message in await published(world)] == ["kept"]


async def test_a_fact_committed_after_its_successors_were_published_is_published_too(world: World) -> None:
    async with world.running("relay"), world.sessions() as slow:
        slow.add(world.row(CounterRaised(id="early number"), "early number", 1))
        await slow.flush()  # has the lowest sequence number, and does not commit yet
        await world.publish((CounterRaised(id="quick"), 1))
        await drained(world)
        await slow.commit()
        await drained(world)
    subjects = [message.headers["ce-subject"] for message in await published(world)]
    assert subjects == ["quick", "early number"]


async def test_a_second_relay_takes_over_when_the_leader_ends(world: World) -> None:
    async with world.running("relay"):
        async with world.running("relay"):
            await world.publish((CounterRaised(id="c"), 1))
            await drained(world)
        await world.publish((CounterRaised(id="c"), 2))
        await drained(world)
    assert len(await published(world)) == 2


async def test_what_was_published_stays_for_the_retention_time_and_goes_then(world: World) -> None:
    await world.publish((CounterRaised(id="old"), 1))
    async with world.running("relay"):
        await drained(world)
    await world.publish((CounterRaised(id="new"), 1))
    await world.execute(
        "UPDATE outbox SET published_at = now() - interval '25 hours' WHERE aggregate_id = 'old'"
    )
    async with world.running("relay"):
        await drained(world)

        async def pruned() -> bool:
            return await world.count("outbox", "aggregate_id = 'old'") == 0

        await eventually(pruned)
    assert await world.count("outbox", "aggregate_id = 'new'") == 1


async def test_an_event_repeated_outside_the_duplicate_window_takes_effect_once(world: World) -> None:
    world = replace(world, stream=StreamSettings(duplicate_window=timedelta(milliseconds=100)))
    await world.publish((CounterRaised(id="c", amount=1), 1))
    async with world.running():
        await drained(world)
        await asyncio.sleep(0.3)  # the window is the server's; nothing can be observed while it closes
        await world.execute("UPDATE outbox SET published_at = NULL")
        await drained(world)
        await world.publish((CounterRaised(id="end"), 1))

        async def over() -> bool:
            return await world.effects("end") == [1]

        await eventually(over)
    assert len(await published(world)) == 3
    assert await world.effects("c") == [1]
    await world.close()


async def test_a_timer_is_delivered_when_it_is_due_and_not_before(world: World) -> None:
    async with world.running():
        due = world.clock.now() + timedelta(seconds=1.5)
        async with world.sessions() as session, session.begin():
            ctx = world.ctx(session)
            await outbox.schedule(ctx, ReminderDue(id="far"), deliver_at=due + timedelta(days=1), key="far")
            await outbox.schedule(ctx, ReminderDue(id="near"), deliver_at=due, key="near")

        async def fired() -> bool:
            return await world.effects("near") == [0]

        await eventually(fired)
        assert due <= world.clock.now() < due + timedelta(seconds=10)
    assert await world.effects("far") == []


async def test_a_timer_is_replaced_and_cancelled_by_its_key(world: World) -> None:
    soon, later = (world.clock.now() + timedelta(seconds=seconds) for seconds in (0.5, 1))
    async with world.sessions() as session, session.begin():
        ctx = world.ctx(session)
        await outbox.schedule(ctx, ReminderDue(amount=1), deliver_at=soon, key="replaced")
        await outbox.schedule(ctx, ReminderDue(amount=1), deliver_at=soon, key="cancelled")
    async with world.sessions() as session, session.begin():
        ctx = world.ctx(session)
        await outbox.schedule(ctx, ReminderDue(amount=2), deliver_at=later, key="replaced")
        await outbox.cancel(ctx, "cancelled")
    async with world.running():

        async def fired() -> bool:
            return await world.count("effects") > 0

        await eventually(fired)
        async with world.sessions() as session, session.begin():  # the key is free again once it fired
            await outbox.schedule(world.ctx(session), ReminderDue(amount=3), deliver_at=later, key="replaced")

        async def fired_again() -> bool:
            return await world.count("effects") == 2

        await eventually(fired_again)
    assert [row.amount for row in await world.rows("SELECT amount FROM effects ORDER BY seq")] == [2, 3]


async def test_timers_of_the_past_are_delivered_in_the_order_of_their_times(world: World) -> None:
    now = world.clock.now()
    async with world.sessions() as session, session.begin():
        for days in (1, 3, 2):
            await outbox.schedule(
                world.ctx(session),
                ReminderDue(amount=days),
                deliver_at=now - timedelta(days=days),
                key=f"{days}",
            )
    async with world.running("relay"):

        async def fired() -> bool:
            return await world.count("outbox", "published_at IS NULL") == 0

        await eventually(fired)
    messages = await published(world)
    assert [ReminderDue.from_binary(message.data).amount for message in messages] == [3, 2, 1]
    times = [from_headers(message.subject, message.headers or {}).time for message in messages]
    assert times == [
        now - timedelta(days=days) for days in (3, 2, 1)
    ]  # when they were due, not when they were set


async def test_the_trace_of_the_transaction_goes_with_the_event(world: World) -> None:
    row = world.row(CounterSet(id="c"), "c", 1)
    row.traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    async with world.sessions() as session, session.begin():
        session.add(row)
        await session.execute(text("SELECT 1"))
    async with world.running("relay"):
        await drained(world)
    [message] = await published(world)
    assert TraceContextTextMapPropagator().extract(message.headers)
    assert message.headers["traceparent"].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"
