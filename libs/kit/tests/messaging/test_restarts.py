"""Servers that restart, vanish, or come back without their data."""

from __future__ import annotations

import secrets
import shutil
from dataclasses import replace

from world import CounterRaised, StepTaken, World, eventually

from facet_local.home import temporary_home
from facet_local.servers import NatsServer, PostgresServer


async def facts(world: World, first: int, last: int) -> None:
    for version in range(first, last + 1):
        await world.publish((CounterRaised(id="c"), version), (StepTaken(id="j"), version))


async def took_effect_once(world: World, last: int) -> None:
    async def done() -> bool:
        return len(await world.effects()) >= 2 * last

    await eventually(done, seconds=60)
    assert sorted(await world.effects("c")) == list(range(1, last + 1))
    assert await world.effects("j") == list(range(1, last + 1))


async def test_facts_committed_while_nats_is_down_arrive_when_it_is_back(
    frail_world: World, nats_server: NatsServer
) -> None:
    async with frail_world.running():
        await facts(frail_world, 1, 5)
        await took_effect_once(frail_world, 5)
        nats_server.kill()
        await facts(frail_world, 6, 10)
        nats_server.start()
        await took_effect_once(frail_world, 10)
        await facts(frail_world, 11, 15)
        await took_effect_once(frail_world, 15)


async def test_services_start_without_nats_and_work_once_it_is_there(
    frail_world: World, nats_server: NatsServer
) -> None:
    nats_server.stop()
    async with frail_world.running():
        await facts(frail_world, 1, 5)
        nats_server.start()
        await took_effect_once(frail_world, 5)


async def test_a_wiped_stream_is_rebuilt_from_the_outbox(frail_world: World, nats_server: NatsServer) -> None:
    async with frail_world.running():
        await facts(frail_world, 1, 10)
        await took_effect_once(frail_world, 10)
        nats_server.stop()
        await facts(frail_world, 11, 12)
        shutil.rmtree(nats_server.home.data("nats"))
        nats_server.start()
        await took_effect_once(frail_world, 12)

        async def rebuilt() -> bool:
            jetstream = await frail_world.bus.jetstream()
            info = await jetstream.stream_info("FACET_" + frail_world.service.upper())
            return info.state.messages == 24

        await eventually(rebuilt)
    assert len(await frail_world.effects()) == 24


async def test_a_cut_off_stream_is_completed_from_the_outbox(
    frail_world: World, nats_server: NatsServer
) -> None:
    data, saved = nats_server.home.data("nats"), nats_server.home.path / "earlier"
    async with frail_world.running("relay"):
        await facts(frail_world, 1, 5)

        async def drained() -> bool:
            return await frail_world.count("outbox", "published_at IS NULL") == 0

        await eventually(drained)
        nats_server.stop()
        shutil.copytree(data, saved)
        nats_server.start()
        async with frail_world.running("consumer"):
            await facts(frail_world, 6, 10)
            await took_effect_once(frail_world, 10)
            nats_server.kill()
            shutil.rmtree(data)
            shutil.copytree(saved, data)  # as it was on the disk before the last messages were flushed
            nats_server.start()
            await facts(frail_world, 11, 15)
            await took_effect_once(frail_world, 15)

            async def completed() -> bool:
                jetstream = await frail_world.bus.jetstream()
                info = await jetstream.stream_info("FACET_" + frail_world.service.upper())
                return info.state.messages >= 30

            await eventually(completed)


async def test_workers_outlive_the_loss_of_every_database_connection(world: World) -> None:
    workers = replace(world)  # with connections of their own, which nobody but they can heal
    async with workers.running():
        await facts(world, 1, 5)
        await took_effect_once(world, 5)
        for first in (6, 11):
            await world.rows(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            await world.engine.dispose()
            await facts(world, first, first + 4)
            await took_effect_once(world, first + 4)
    assert await world.count("dead_letters") == 0
    await workers.engine.dispose()


async def test_workers_outlive_a_crash_of_postgresql(nats_url: str) -> None:
    home = temporary_home()
    postgres = PostgresServer(home)
    postgres.start()
    try:
        world = World(f"test{secrets.token_hex(4)}", postgres.url, nats_url)
        await world.prepare()
        workers = replace(world)
        async with workers.running():
            await facts(world, 1, 5)
            await took_effect_once(world, 5)
            await world.engine.dispose()
            postgres.kill()
            postgres.start()
            await facts(world, 6, 10)
            await took_effect_once(world, 10)
        assert await world.count("dead_letters") == 0
        await workers.engine.dispose()
        await world.close()
    finally:
        postgres.kill()
        home.remove()
