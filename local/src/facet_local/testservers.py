"""Servers for one test run, kept by a process of their own that ends with the run, however the run ends.

`python -m facet_local.testservers --watch PID --answer FILE` starts PostgreSQL, NATS and Redis, writes their
addresses into FILE and stops everything when the watched process is gone. Containers are used where a Docker
engine answers, unless FACET_TEST_CONTAINERS is 0; else the servers from wheels.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil

from facet_local.home import temporary_home
from facet_local.jsonfile import write_json
from facet_local.servers import NatsServer, PostgresServer, RedisServer

_ENGINE_ANSWERS_WITHIN_SECONDS = 3


@contextmanager
def embedded_servers() -> Generator[dict[str, str]]:
    """Addresses of fresh servers from wheels; their data is for tests only and is not flushed to disk."""
    home = temporary_home()
    postgres, nats, redis = (
        PostgresServer(home, disposable=True),
        NatsServer(home, disposable=True),
        RedisServer(home),
    )
    servers = (postgres, nats, redis)
    try:
        with ThreadPoolExecutor(len(servers)) as pool:
            list(pool.map(lambda server: server.start(), servers))
        yield {"origin": "embedded", "postgres": postgres.url, "nats": nats.url, "redis": redis.url}
    finally:
        for server in servers:
            server.kill()  # nobody needs the data: no time for a last checkpoint
        home.remove()


@contextmanager
def container_servers() -> Generator[dict[str, str]]:
    """Addresses of fresh servers in containers of the public images."""
    from testcontainers.community.nats import NatsContainer
    from testcontainers.community.postgres import PostgresContainer
    from testcontainers.community.redis import RedisContainer

    # Ryuk, the reaper container, is one more image to have; this process is the reaper here.
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    postgres = PostgresContainer("postgres:18", driver=None, dbname="postgres")
    postgres.with_env("POSTGRES_INITDB_ARGS", "--encoding=UTF8 --locale=C.UTF-8")
    postgres.with_command("postgres -c fsync=off -c max_connections=300 -c jit=off")
    nats = NatsContainer("nats:2", jetstream=True)
    redis = RedisContainer("redis:7")
    containers = (postgres, nats, redis)
    try:
        for container in containers:
            container.start()
        address = f"{redis.get_container_host_ip()}:{redis.get_exposed_port(6379)}"
        yield {
            "origin": "containers",
            "postgres": postgres.get_connection_url(),
            "nats": nats.nats_uri(),
            "redis": f"redis://{address}/0",
        }
    finally:
        for container in containers:
            container.stop()


def engine_answers() -> bool:
    """Whether containers are wanted and a Docker engine answers soon."""
    if os.environ.get("FACET_TEST_CONTAINERS") == "0":
        return False
    try:
        import docker
        from docker.errors import DockerException
    except ImportError:
        return False
    try:
        return bool(docker.from_env(timeout=_ENGINE_ANSWERS_WITHIN_SECONDS).ping())
    except (DockerException, OSError):
        return False


def main() -> None:
    """Starts the servers, says where they are, and waits for the end of the watched process."""
    parser = argparse.ArgumentParser(prog="python -m facet_local.testservers", description=__doc__)
    parser.add_argument("--watch", type=int, required=True, help="process id of the test run")
    parser.add_argument("--answer", type=Path, required=True, help="file for the addresses")
    arguments = parser.parse_args()
    try:
        watched = psutil.Process(arguments.watch)
    except psutil.NoSuchProcess:
        return
    with container_servers() if engine_answers() else embedded_servers() as addresses:
        write_json(arguments.answer, dict(addresses))
        watched.wait()


if __name__ == "__main__":
    main()
