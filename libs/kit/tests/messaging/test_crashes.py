"""Processes killed at the worst moments: nothing is lost, nothing takes effect twice (reliability P3, P4)."""

from __future__ import annotations

import asyncio
import signal

import pytest
from world import CounterRaised, StepTaken, World, eventually

EVENTS = 20


async def some_facts(world: World) -> None:
    for number in range(1, EVENTS + 1):
        await world.publish((CounterRaised(id="c", amount=number), number), (StepTaken(id="j"), number))


async def killed(world: World, name: str, failpoint: str) -> None:
    process = world.spawn(name, f"{failpoint}:kill")
    try:
        code = await asyncio.wait_for(asyncio.to_thread(process.wait), 30)
    finally:
        process.kill()
    assert code == -signal.SIGKILL


async def all_took_effect_once(world: World) -> None:
    async def done() -> bool:
        return await world.count("effects") >= 2 * EVENTS

    await eventually(done)
    assert sorted(await world.effects("c")) == list(range(1, EVENTS + 1))
    assert await world.effects("j") == list(range(1, EVENTS + 1))
    assert await world.count("outbox", "published_at IS NULL") == 0
    assert await world.count("dead_letters") == 0


@pytest.mark.parametrize("point", ["relay.before_publish", "relay.mid_batch", "relay.after_publish"])
async def test_a_relay_killed_around_publishing_loses_nothing_and_repeats_nothing(
    world: World, point: str
) -> None:
    await some_facts(world)
    await killed(world, "relay", point)
    async with world.running():
        await all_took_effect_once(world)


@pytest.mark.parametrize("point", ["consumer.after_fetch", "consumer.before_commit", "consumer.after_commit"])
async def test_a_consumer_killed_around_its_commit_applies_each_event_once(world: World, point: str) -> None:
    await some_facts(world)
    async with world.running("relay"):
        await killed(world, "consumer", point)
        async with world.running("consumer"):
            await all_took_effect_once(world)


async def test_facts_committed_while_no_relay_lives_are_published_by_the_next(world: World) -> None:
    async with world.running():
        await some_facts(world)
        await all_took_effect_once(world)
    await world.publish((CounterRaised(id="late"), 1))
    async with world.running():

        async def arrived() -> bool:
            return await world.effects("late") == [1]

        await eventually(arrived)
