"""The consumer: exactly-once effects under redelivery and reordering, poison, order, replay, and starting over."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from world import (
    ACK_WAIT,
    CONSUMER,
    CounterRaised,
    CounterSet,
    HandlerFails,
    JourneyNoted,
    StepTaken,
    World,
    eventually,
)

from facet_kit.context import Ctx
from facet_kit.errors import Conflict, NotFound
from facet_kit.messaging.consumer import Consumer
from facet_kit.messaging.envelope import EventMeta, from_headers, to_headers
from facet_kit.messaging.handlers import Handlers
from facet_kit.messaging.inbox import Delivery
from facet_kit.messaging.processing import Processing


def delivery(world: World, message: Any, version: int) -> Delivery:
    """The message as if it came from the stream."""
    row = world.row(message, message.id, version)
    headers = to_headers(
        id=row.id,
        source=world.service,
        type=row.type,
        aggregate_id=row.aggregate_id,
        version=version,
        time=row.create_time,
        traceparent="",
    )
    return Delivery(from_headers(row.subject, headers), row.payload)


async def takes_effect(world: World, aggregate_id: str, versions: list[int]) -> None:
    async def done() -> bool:
        return await world.effects(aggregate_id) == versions

    await eventually(done)


async def dead_letter(world: World) -> Any:
    async def buried() -> bool:
        return await world.count("dead_letters", "state = 'OPEN'") > 0

    await eventually(buried)
    [row] = await world.rows("SELECT * FROM dead_letters WHERE state = 'OPEN'")
    return row


async def test_an_event_delivered_again_changes_nothing(world: World) -> None:
    event = delivery(world, CounterRaised(id="c", amount=1), 1)
    await world.processing.handle([event, event])
    await world.processing.handle([event])
    assert await world.effects("c") == [1]


async def test_two_workers_with_the_same_event_apply_it_once(world: World) -> None:
    events = [delivery(world, CounterRaised(id=f"c{number}"), 1) for number in range(20)]
    await asyncio.gather(*(world.processing.handle(events) for _ in range(4)))
    assert len(await world.effects()) == 20


async def test_state_of_an_older_version_does_not_overwrite_newer_state(world: World) -> None:
    await world.processing.handle([delivery(world, CounterSet(id="c", amount=6), 6)])
    await world.processing.handle([delivery(world, CounterSet(id="c", amount=5), 5)])
    [state] = await world.rows("SELECT amount FROM states")
    assert state.amount == 6


async def test_states_that_arrive_together_end_with_the_newest(world: World) -> None:
    events = [delivery(world, CounterSet(id="c", amount=version), version) for version in (3, 1, 2)]
    await world.processing.handle(events)
    [state] = await world.rows("SELECT amount FROM states")
    assert state.amount == 3


async def test_additive_events_all_count_whatever_their_order(world: World) -> None:
    for version in (2, 1, 3):
        await world.processing.handle([delivery(world, CounterRaised(id="c"), version)])
    assert await world.effects("c") == [2, 1, 3]


async def test_ordered_events_wait_for_the_gap_to_fill(world: World) -> None:
    for version in (1, 4, 3):
        await world.processing.handle([delivery(world, StepTaken(id="j"), version)])
    assert await world.effects("j") == [1]
    assert await world.count("parked_events") == 2
    await world.processing.handle(
        [delivery(world, JourneyNoted(id="j"), 2)]
    )  # nobody's event fills the gap too
    assert await world.effects("j") == [1, 3, 4]
    assert await world.count("parked_events") == 0


async def test_a_gap_that_never_fills_is_passed_after_patience(world: World) -> None:
    await world.publish((StepTaken(id="j"), 1), (StepTaken(id="j"), 3), (StepTaken(id="j"), 4))
    async with world.running():
        await takes_effect(world, "j", [1, 3, 4])


async def test_an_event_of_an_ordered_aggregate_after_its_turn_becomes_a_dead_letter(world: World) -> None:
    await world.publish((StepTaken(id="j"), 2))
    async with world.running():
        await takes_effect(world, "j", [2])
        await world.publish((StepTaken(id="j"), 1))
        letter = await dead_letter(world)
    assert "OutOfTurn" in letter.error
    await world.processing.replay(letter.id)
    assert await world.effects("j") == [2, 1]


async def test_reordered_on_the_stream_ordered_events_take_effect_in_order(world: World) -> None:
    await world.publish(*((StepTaken(id="j"), version) for version in (2, 1, 5, 4, 3, 6)))
    async with world.running():
        await takes_effect(world, "j", [1, 2, 3, 4, 5, 6])


async def test_poison_is_buried_after_five_deliveries_and_blocks_nobody(world: World) -> None:
    await world.publish((CounterRaised(id="bad", note="poison"), 1))
    await world.publish(*((CounterRaised(id=f"good{number}"), 1) for number in range(30)))
    async with world.running():
        letter = await dead_letter(world)

        async def others_done() -> bool:
            return await world.count("effects") == 30

        await eventually(others_done)
    assert (letter.consumer, letter.attempts, letter.aggregate_id) == (CONSUMER, 5, "bad")
    assert "HandlerFails: this event is poison" in letter.error
    assert await world.effects("bad") == []


async def test_a_dead_letter_is_replayed_once_its_cause_is_gone(world: World) -> None:
    await world.publish((CounterRaised(id="bad", note="poison"), 1))
    async with world.running():
        letter = await dead_letter(world)
    with pytest.raises(HandlerFails):
        await world.processing.replay(letter.id)
    await world.execute("INSERT INTO cures VALUES ('found')")
    await world.processing.replay(letter.id)
    assert await world.effects("bad") == [1]
    with pytest.raises(Conflict):
        await world.processing.replay(letter.id)
    with pytest.raises(NotFound):
        await world.processing.discard("unknown")


@pytest.mark.parametrize("decision", ["replay", "discard"])
async def test_ordered_events_behind_a_dead_letter_wait_for_the_decision_on_it(
    world: World, decision: str
) -> None:
    await world.publish((StepTaken(id="j", note="poison"), 1), (StepTaken(id="j"), 2), (StepTaken(id="j"), 3))
    await world.publish((StepTaken(id="other"), 1))
    async with world.running():
        letter = await dead_letter(world)
        await takes_effect(world, "other", [1])

        async def overdue() -> bool:
            return await world.count("parked_events", "retry_at < now()") == 2

        await eventually(overdue)
        assert await world.effects("j") == []
        await world.execute("INSERT INTO cures VALUES ('found')")
        await getattr(world.processing, decision)(letter.id)
        await takes_effect(world, "j", [1, 2, 3] if decision == "replay" else [2, 3])


async def test_unreadable_events_become_dead_letters(world: World) -> None:
    await world.publish((CounterRaised(id="c"), 1))
    async with world.running():
        await takes_effect(world, "c", [1])
        jetstream = await world.bus.jetstream()
        await jetstream.publish(
            f"facet.{world.service}.counter.raised", b"\xff\xff", headers={"who": "knows"}
        )
        letter = await dead_letter(world)
        await world.publish((CounterRaised(id="c"), 2))
        await takes_effect(world, "c", [1, 2])
    assert letter.payload == b"\xff\xff"


async def test_a_slow_handler_does_not_hold_up_other_aggregates(world: World) -> None:
    await world.publish((CounterRaised(id="slow", note="slow"), 1))
    await world.publish(*((CounterRaised(id=f"quick{number}"), 1) for number in range(40)))
    async with world.running():

        async def overtaken() -> bool:  # it came first: in its own lane nothing could have ended before it
            return await world.count("effects", "aggregate_id LIKE 'quick%'") > 0

        await eventually(overtaken)
        slow_first = await world.effects("slow")
        await takes_effect(world, "slow", [1])
    assert slow_first == []


async def test_what_a_handler_publishes_commits_with_its_effects(world: World) -> None:
    await world.publish((CounterRaised(id="asks", note="reply"), 1))
    async with world.running():
        await takes_effect(world, "reply", [0])


async def test_an_event_never_acknowledged_is_delivered_again_to_no_effect(world: World) -> None:
    await world.publish((CounterRaised(id="c"), 1))
    async with world.running("relay"):
        process = world.spawn("consumer", "consumer.after_commit:kill")
        await asyncio.to_thread(process.wait)
        async with world.running("consumer"):

            async def acknowledged() -> bool:
                jetstream = await world.bus.jetstream()
                info = await jetstream.consumer_info("FACET_" + world.service.upper(), CONSUMER)
                return info.num_ack_pending == 0 and info.num_pending == 0

            await eventually(acknowledged, seconds=ACK_WAIT + 20)
    assert await world.effects("c") == [1]


async def test_an_emptied_database_is_filled_again_from_the_stream(world: World) -> None:
    await world.publish(*((CounterRaised(id="c"), version) for version in range(1, 6)))
    async with world.running():
        await takes_effect(world, "c", [1, 2, 3, 4, 5])
    for table in ("effects", "inbox", "consumers", "aggregate_cursors"):
        await world.execute(f"TRUNCATE {table}")
    async with world.running():
        await takes_effect(world, "c", [1, 2, 3, 4, 5])


async def test_a_consumer_waits_for_a_stream_that_is_not_there_yet(world: World) -> None:
    async with world.running("consumer"):
        await world.publish((CounterRaised(id="c"), 1))
        async with world.running("relay"):
            await takes_effect(world, "c", [1])


async def test_a_new_handler_gets_its_subject_without_disturbing_the_others(world: World) -> None:
    handlers = Handlers()

    @handlers.on(CounterRaised, additive=True, sources=[world.service])
    async def count(ctx: Ctx, event: Any, meta: EventMeta) -> None:
        await ctx.session.execute(text("INSERT INTO effects (aggregate_id, version) VALUES ('early', 1)"))

    earlier = Processing(
        CONSUMER,
        handlers,
        sessions=world.sessions,
        contexts=world.context,
        clock=world.clock,
        ids=world.ids,
    )
    await world.publish((CounterRaised(id="c"), 1))
    async with world.running("relay"):
        task = asyncio.create_task(Consumer(earlier, world.bus).run())
        await takes_effect(world, "early", [1])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await world.publish((CounterRaised(id="c"), 2), (CounterSet(id="s"), 1))
        async with world.running("consumer"):
            await takes_effect(world, "s", [1])
            await takes_effect(world, "c", [2])
