"""A running platform for the end-to-end tests: the one that runs in this checkout, else one of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from facet_local.control import NotRunning, Refused, order
from facet_local.environment import child_environment
from facet_local.home import Home, default_home, temporary_home
from facet_local.jsonfile import read_json
from facet_local.running import RunningPlatform as Addresses

from .builders import Office


@dataclass(frozen=True)
class RunningPlatform:
    """What the tests know of the platform: what its run.json says, and how to switch a service off and on."""

    home: Home

    @property
    def run(self) -> Mapping[str, Any]:
        """run.json as it is now; process ids change when a service is restarted."""
        return read_json(self.home.run_file)

    @property
    def gateway(self) -> str:
        """http://host:port"""
        return self.run["gateway"]

    @property
    def group_id(self) -> str:
        """A group with subsidiaries in several regions and departments."""
        return self.run["group_id"]

    def token(self, role: str) -> str:
        """The sign-in of executive, key_account_manager, sales_rep, finance, service_agent or customer."""
        return self.run["tokens"][role]

    def grpc_address(self, service: str) -> str:
        """host:port of the service's gRPC server."""
        return self.run["services"][service]["grpc"]

    def pid(self, service: str) -> int | None:
        """The process id of the service; None while it is switched off."""
        return self.run["services"][service]["pid"]

    def stop(self, name: str) -> None:
        """Switches a program off; it is not restarted until `start`."""
        order(self.home, do="stop", name=name)

    def start(self, name: str) -> None:
        """Switches a program on again and returns when it is ready."""
        order(self.home, do="start", name=name)


@pytest.fixture(scope="session")
def platform() -> Iterator[RunningPlatform]:
    """The platform of FACET_HOME, or that of this checkout; one of the tests' own if neither runs."""
    running = default_home()
    if _answers(running):
        yield RunningPlatform(running)
        return
    home = temporary_home()
    try:
        _command(home, "run", "--detach")
        yield RunningPlatform(home)
    finally:
        _command(home, "stop")
        if "FACET_KEEP_E2E" not in os.environ:
            home.remove()


@pytest.fixture(scope="session")
def as_role(platform: RunningPlatform) -> Iterator[Callable[[str], httpx.Client]]:
    """`as_role("finance")` is an HTTP client of the gateway that is signed in as that person."""
    with ExitStack() as clients:
        made: dict[str, httpx.Client] = {}

        def client(role: str) -> httpx.Client:
            if role not in made:
                headers = {"Authorization": f"Bearer {platform.token(role)}"}
                made[role] = clients.enter_context(
                    httpx.Client(base_url=platform.gateway, headers=headers, timeout=15)
                )
            return made[role]

        yield client


@pytest.fixture(scope="session")
def anonymous(platform: RunningPlatform) -> Iterator[httpx.Client]:
    """An HTTP client of the gateway without any sign-in."""
    with httpx.Client(base_url=platform.gateway, timeout=15) as client:
        yield client


@pytest.fixture(scope="session")
def office(platform: RunningPlatform) -> Iterator[Office]:
    """Hires people and makes records for the tests."""
    made = Office(Addresses.read(platform.home))
    yield made
    made.close()


@pytest.fixture
def without(platform: RunningPlatform) -> Iterator[Callable[[str], None]]:
    """`without("sales")` switches the service off; it is on again when the test is over."""
    stopped: list[str] = []

    def stop(name: str) -> None:
        platform.stop(name)
        stopped.append(name)

    yield stop
    for name in stopped:
        platform.start(name)


def _answers(home: Home) -> bool:
    try:
        order(home, do="status")
    except (NotRunning, Refused):
        return False
    return home.run_file.exists()


def _command(home: Home, *arguments: str) -> None:
    command = [sys.executable, "-m", "facet_local", "--home", str(home.path), *arguments]
    done = subprocess.run(
        command,
        env=child_environment(FACET_DEMO_GROUPS=os.environ.get("FACET_DEMO_GROUPS", "12")),
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
