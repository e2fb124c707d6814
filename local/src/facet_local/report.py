"""What the platform tells the person at the terminal while it starts and runs."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

_QUIET_SECONDS = 5.0
_WIDTH = 100


class Report:
    """Plain lines; a long step rewrites its line on a terminal, and repeats it rarely in a file."""

    def __init__(self) -> None:
        self._terminal = sys.stdout.isatty()
        self._lock = threading.Lock()
        self._moving = False
        self._last = 0.0

    def say(self, text: str) -> None:
        """Prints a line that stays."""
        with self._lock:
            self._clear()
            print(text, flush=True)

    def moving(self, text: str) -> None:
        """Shows how far a long step is."""
        with self._lock:
            if self._terminal:
                print(f"\r  … {text[:_WIDTH]:<{_WIDTH}}", end="", flush=True)
                self._moving = True
            elif time.monotonic() - self._last > _QUIET_SECONDS:
                print(f"  … {text}", flush=True)
                self._last = time.monotonic()

    @contextmanager
    def step(self, name: str) -> Generator[None]:
        """Prints the name of a step with the seconds it took, when it is done."""
        begun = time.monotonic()
        self.moving(name)
        yield
        self.say(f"  {name:<34} {time.monotonic() - begun:6.1f} s")

    def _clear(self) -> None:
        if self._moving:
            print("\r" + " " * (_WIDTH + 4), end="\r")
            self._moving = False
