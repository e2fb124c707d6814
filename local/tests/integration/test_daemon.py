"""A program left behind by a crash is stopped, and nobody else's ever is."""

from __future__ import annotations

import os
import sys

import psutil
import pytest

from facet_local.daemon import Daemon, Launch, StartFailed
from facet_local.environment import child_environment
from facet_local.home import Home
from facet_local.records import ProcessRecord, end_recorded

from .conftest import Listener


class Broken(Daemon):
    """A program that complains and ends."""

    def launch(self) -> Launch:
        """A Python process that fails."""
        return Launch([sys.executable, "-c", "raise SystemExit('no such database')"], child_environment())

    def is_ready(self) -> bool:
        """Never."""
        return False


def test_a_program_left_behind_by_a_crash_is_stopped_before_the_next_start(
    home: Home, listener: Listener
) -> None:
    listener.start()
    left_behind = listener.pid
    second = Listener(home)
    second.port = listener.port
    second.start()
    assert left_behind is not None
    assert second.pid != left_behind
    assert listener.exit_code is not None
    second.stop()


def test_a_recycled_process_id_is_not_taken_for_ours(home: Home) -> None:
    mine = psutil.Process(os.getpid())
    record = ProcessRecord(mine.pid, mine.create_time() - 3600)
    assert record.process() is None
    record.write(home.record("sales"))
    end_recorded(home.record("sales"))
    assert mine.is_running()
    assert not home.record("sales").exists()


def test_a_program_that_ends_at_once_is_reported_with_its_last_words(home: Home) -> None:
    with pytest.raises(StartFailed, match="no such database"):
        Broken("broken", home).start()


def test_stopping_twice_is_harmless(listener: Listener) -> None:
    listener.start()
    listener.stop()
    listener.stop()
    assert listener.pid is None
