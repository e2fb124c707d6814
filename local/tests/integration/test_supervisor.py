"""What dies is started again; what was stopped on purpose is left alone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from facet_local.supervisor import Supervisor, UnknownProgram
from facet_local.waiting import wait_until

from .conftest import Listener


class Notes:
    """Remembers what the supervisor said and how often it told of a change."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.changes = 0

    def changed(self) -> None:
        """Counts."""
        self.changes += 1


@pytest.fixture
def notes() -> Notes:
    """Nothing said yet."""
    return Notes()


@pytest.fixture
def supervisor(listener: Listener, notes: Notes) -> Iterator[Supervisor]:
    """Watches the started listener."""
    listener.start()
    watching = Supervisor([listener], say=notes.lines.append, changed=notes.changed)
    watching.open()
    yield watching
    watching.close()


def test_a_program_that_dies_is_started_again_with_a_new_process_id(
    supervisor: Supervisor, listener: Listener, notes: Notes
) -> None:
    first = listener.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: notes.changes > 0, seconds=20, what="the restart")
    assert listener.pid not in (None, first)
    assert listener.is_ready()
    assert supervisor.status()["listener"] == {"state": "running", "pid": listener.pid, "restarts": 1}
    assert notes.lines == ["listener ended with code -9 and was started again"]


def test_a_program_stopped_on_purpose_stays_stopped_until_it_is_started(
    supervisor: Supervisor, listener: Listener
) -> None:
    supervisor.stop("listener")
    with pytest.raises(TimeoutError):
        wait_until(lambda: listener.pid is not None, seconds=1, what="a restart that must not come")
    assert supervisor.status()["listener"] == {"state": "stopped", "pid": None, "restarts": 0}
    supervisor.start("listener")
    assert listener.is_ready()


def test_starting_what_runs_changes_nothing(supervisor: Supervisor, listener: Listener) -> None:
    first = listener.pid
    supervisor.start("listener")
    assert listener.pid == first


def test_an_unknown_program_is_refused_with_the_names_there_are(supervisor: Supervisor) -> None:
    with pytest.raises(UnknownProgram, match="listener"):
        supervisor.stop("sale")
