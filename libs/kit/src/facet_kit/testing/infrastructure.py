"""Real PostgreSQL, NATS and Redis for a test session, shared by all its workers.

The servers are those named in the environment (FACET_TEST_POSTGRES_URL, FACET_TEST_NATS_URL,
FACET_TEST_REDIS_URL), else containers where a Docker engine answers (not with FACET_TEST_CONTAINERS=0), else
servers from wheels. Nothing of a service lives here.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from facet_kit.testing.databases import Databases

_KINDS = ("postgres", "nats", "redis")
_START_SECONDS = 180.0


@pytest.fixture(scope="session")
def infrastructure(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """Addresses of the servers by kind (`postgres`, `nats`, `redis`), and their `origin`."""
    named = {kind: os.environ.get(f"FACET_TEST_{kind.upper()}_URL", "") for kind in _KINDS}
    if all(named.values()):
        return named | {"origin": "environment"}
    base = tmp_path_factory.getbasetemp()
    worker = "PYTEST_XDIST_WORKER" in os.environ
    session, folder = (os.getppid(), base.parent) if worker else (os.getpid(), base)
    with _locked(folder / "infrastructure.lock"):
        started = _running_servers(folder / "infrastructure.json") or _start_servers(folder, session)
    return started | {kind: url for kind, url in named.items() if url}


@pytest.fixture(scope="session")
def postgres_url(infrastructure: Mapping[str, str]) -> str:
    """Address of the database `postgres`, as a user who may create databases and roles."""
    return infrastructure["postgres"]


@pytest.fixture(scope="session")
def nats_url(infrastructure: Mapping[str, str]) -> str:
    """Address of a NATS server with JetStream."""
    return infrastructure["nats"]


@pytest.fixture(scope="session")
def redis_url(infrastructure: Mapping[str, str]) -> str:
    """Address of database 0 of a Redis server."""
    return infrastructure["redis"]


@pytest_asyncio.fixture(scope="session")
async def databases(postgres_url: str) -> AsyncIterator[Databases]:
    """Makes databases on the test server; those of this worker are dropped when it ends."""
    made = Databases(postgres_url)
    await made.drop_leftovers()
    yield made
    await made.drop_all()


@contextmanager
def _locked(path: Path) -> Generator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _running_servers(answer: Path) -> dict[str, str] | None:
    """What another worker of this session has started already."""
    return json.loads(answer.read_text(encoding="utf-8")) if answer.exists() else None


def _start_servers(folder: Path, session: int) -> dict[str, str]:
    """Starts a keeper of servers that ends with the test session `session`, a process id."""
    answer, log = folder / "infrastructure.json", folder / "infrastructure.log"
    command = [
        sys.executable,
        "-m",
        "facet_local.testservers",
        "--watch",
        str(session),
        "--answer",
        str(answer),
    ]
    with log.open("ab") as output:
        keeper = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)  # noqa: S603
    deadline = time.monotonic() + _START_SECONDS
    while keeper.poll() is None and time.monotonic() < deadline:
        addresses = _running_servers(answer)
        if addresses is not None:
            keeper.returncode = 0  # it outlives this worker on purpose: no warning about it
            return addresses
        time.sleep(0.02)
    raise RuntimeError(f"no servers for the tests:\n{log.read_text(encoding='utf-8')[-4000:]}")
