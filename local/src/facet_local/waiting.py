"""Waiting on a condition with a deadline; nothing here sleeps for a fixed time and hopes."""

from __future__ import annotations

import time
from collections.abc import Callable

_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.2


class TooLate(TimeoutError):
    """The condition did not become true before the deadline."""


def wait_until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Returns as soon as the condition holds; asks often at first, then five times a second.

    Raises TooLate, saying `what` was awaited and for how long, when `seconds` have passed.
    """
    deadline = time.monotonic() + seconds
    pause = _FIRST_PAUSE_SECONDS
    while not condition():
        if time.monotonic() >= deadline:
            raise TooLate(f"{what}: not so after {seconds:g} seconds")
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE_SECONDS)
