"""The servers out of wheels are the real ones, keep their ports and data, and suit Chinese names."""

from __future__ import annotations

import asyncpg
import nats
import pytest
from redis.asyncio import Redis

from facet_local.accounts import unprivileged_account
from facet_local.home import Home
from facet_local.records import ProcessRecord
from facet_local.servers import NatsServer, PostgresServer, RedisServer
from facet_local.servers.installation import reachable_folder


async def test_postgresql_keeps_data_and_port_and_makes_trigrams_of_chinese_names(home: Home) -> None:
    server = PostgresServer(home)
    server.start()
    try:
        connection = await asyncpg.connect(server.url)
        await connection.execute("CREATE EXTENSION pg_trgm")
        assert await connection.fetchval("SELECT similarity('重庆长安汽车', '长安汽车') > 0")
        assert await connection.fetchval("SHOW fsync") == "on"
        await connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
        await connection.close()
        port = server.port
        server.stop()
        again = PostgresServer(home)
        again.start()
        assert again.port == port
        connection = await asyncpg.connect(again.url)
        assert await connection.fetchval("SELECT one FROM kept") == 1
        await connection.close()
        again.stop()
    finally:
        server.stop()


def test_postgresql_survives_a_crash_of_server_and_platform(home: Home) -> None:
    crashed = PostgresServer(home)
    crashed.start()
    crashed.kill()
    again = PostgresServer(home)
    again.start()
    assert again.is_ready()
    again.stop()


async def test_nats_flushes_every_message_and_refuses_strangers(home: Home) -> None:
    server = NatsServer(home)
    server.start()
    try:
        assert "sync_interval: always" in (home.path / "nats.conf").read_text(encoding="utf-8")
        client = await nats.connect(server.url)
        jetstream = client.jetstream()
        await jetstream.add_stream(name="facts", subjects=["facts.>"])
        assert (await jetstream.publish("facts.one", b"1")).seq == 1
        await client.close()
        stranger = f"nats://127.0.0.1:{server.port}"
        with pytest.raises(nats.errors.Error):
            await nats.connect(stranger, allow_reconnect=False, max_reconnect_attempts=0)
    finally:
        server.stop()


async def test_redis_answers_and_keeps_nothing_on_disk(home: Home) -> None:
    server = RedisServer(home)
    server.start()
    try:
        client = Redis.from_url(server.url)
        assert await client.set("key", "value")
        assert (await client.config_get("save"))["save"] == ""
        await client.aclose()
    finally:
        server.stop()
    assert not list(home.data("redis").iterdir())


def test_a_server_of_a_killed_platform_is_replaced(home: Home) -> None:
    left = RedisServer(home)
    left.start()
    record = ProcessRecord.read(home.record("redis"))
    again = RedisServer(home)
    again.start()
    assert record is not None
    assert record.process() is None
    assert again.pid != record.pid
    again.stop()
    left.stop()


@pytest.mark.skipif(unprivileged_account() is None, reason="only root drops its rights for PostgreSQL")
def test_data_lies_elsewhere_when_the_account_cannot_enter_the_home(home: Home) -> None:
    account = unprivileged_account()
    home.path.chmod(0o700)
    folder = reachable_folder(home.data("postgres"), account)
    assert home.data("postgres").is_symlink()
    assert account is not None
    assert account.can_enter(folder)
    assert reachable_folder(home.data("postgres"), account) == folder
    home.forget_data()
    assert not folder.exists()
