"""Fixtures of the messaging tests: a publishing and a consuming service on real servers."""

from __future__ import annotations

import secrets
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import pytest
import pytest_asyncio

sys.path.insert(0, str(Path(__file__).parent))  # for `world`, which is also a program

from world import World

from facet_kit.testing.databases import Databases
from facet_local.home import temporary_home
from facet_local.servers import NatsServer


@pytest_asyncio.fixture
async def world(databases: Databases, nats_url: str) -> AsyncGenerator[World]:
    """Two services of this test alone, on shared servers."""
    made = World(f"test{secrets.token_hex(4)}", await databases.create("messaging"), nats_url)
    await made.prepare()
    yield made
    await made.close()
    await databases.drop(made.database)


@pytest.fixture
def nats_server() -> Generator[NatsServer]:
    """A NATS server of this test alone, to be stopped, killed or robbed of its data."""
    home = temporary_home()
    server = NatsServer(home)
    server.start()
    yield server
    server.kill()
    home.remove()


@pytest_asyncio.fixture
async def frail_world(databases: Databases, nats_server: NatsServer) -> AsyncGenerator[World]:
    """Two services whose NATS server may go away."""
    made = World(f"test{secrets.token_hex(4)}", await databases.create("messaging"), nats_server.url)
    await made.prepare()
    yield made
    await made.close()
    await databases.drop(made.database)
