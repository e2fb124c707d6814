"""A home of its own for each test, and small programs to supervise."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from facet_local.daemon import Daemon, Launch
from facet_local.environment import child_environment
from facet_local.home import Home, temporary_home
from facet_local.ports import HOST, accepts

_LISTEN = "import socket,sys,time; s=socket.create_server(('{host}',{port})); print('up',flush=True); time.sleep(600)"


class Listener(Daemon):
    """A program that is ready when its port answers."""

    stop_seconds = 5.0

    def __init__(self, home: Home, name: str = "listener") -> None:
        super().__init__(name, home)
        self.port = home.ports.claim(name)

    def launch(self) -> Launch:
        """A Python process that listens and does nothing else."""
        code = _LISTEN.format(host=HOST, port=self.port)
        return Launch([sys.executable, "-c", code], environment=child_environment())

    def is_ready(self) -> bool:
        """Whether the port answers."""
        return accepts(self.port)


@pytest.fixture
def home() -> Iterator[Home]:
    """An empty home, removed after the test."""
    made = temporary_home()
    yield made
    made.remove()


@pytest.fixture
def listener(home: Home) -> Iterator[Listener]:
    """A program that is not started yet, and is stopped after the test."""
    program = Listener(home)
    yield program
    program.stop()
