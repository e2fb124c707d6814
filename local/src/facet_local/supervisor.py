"""Keeps programs running: restarts what dies, with back-off, and leaves alone what was stopped on purpose."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from facet_local.daemon import Daemon, StartFailed
from facet_local.jsonfile import Json

_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 15.0
_STEADY_AFTER_SECONDS = 30.0
_LOOK_EVERY_SECONDS = 0.2


class UnknownProgram(LookupError):
    """No program of that name belongs to the platform."""


@dataclass(slots=True)
class _Unit:
    """A supervised program and what is wanted of it. The lock is held while it starts or stops."""

    daemon: Daemon
    wanted: bool = True
    pause: float = _FIRST_PAUSE_SECONDS
    restarts: int = 0
    ready_since: float = 0.0
    not_before: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Supervisor:
    """Watches started programs in threads of its own until it is closed."""

    def __init__(
        self,
        daemons: Sequence[Daemon],
        *,
        say: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        """`say` receives what happens in words; `changed` is called after a process id changed."""
        self._units = {daemon.name: _Unit(daemon, ready_since=time.monotonic()) for daemon in daemons}
        self._say = say
        self._changed = changed
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=self._watch, args=(unit,), name=f"watch-{name}", daemon=True)
            for name, unit in self._units.items()
        ]

    def open(self) -> None:
        """Begins to watch."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Watches no more; programs that run are left as they are, one that is just starting is ended."""
        self._closing.set()
        for unit, thread in zip(self._units.values(), self._threads, strict=True):
            unit.wanted = False
            while thread.is_alive():
                if unit.lock.locked():
                    unit.daemon.kill()
                thread.join(timeout=0.5)

    def stop(self, name: str) -> None:
        """Stops the program until `start` is called for it. Raises UnknownProgram."""
        unit = self._unit(name)
        unit.wanted = False
        with unit.lock:
            unit.daemon.stop()
        self._say(f"{name} stopped on request")
        self._changed()

    def start(self, name: str) -> None:
        """Starts the program and watches it again; nothing if it runs. Raises UnknownProgram, StartFailed."""
        unit = self._unit(name)
        with unit.lock:
            if unit.daemon.pid is None:
                unit.daemon.start()
                unit.ready_since = time.monotonic()
                self._say(f"{name} started on request")
            unit.wanted, unit.pause, unit.not_before = True, _FIRST_PAUSE_SECONDS, 0.0
        self._changed()

    def status(self) -> dict[str, Json]:
        """For each program: `state` (running, stopped, restarting), `pid`, `restarts`."""
        return {name: _describe(unit) for name, unit in self._units.items()}

    def _unit(self, name: str) -> _Unit:
        if name not in self._units:
            raise UnknownProgram(f"there is no {name!r} here, but {', '.join(self._units)}")
        return self._units[name]

    def _watch(self, unit: _Unit) -> None:
        while not self._closing.wait(_LOOK_EVERY_SECONDS):
            if unit.wanted and unit.daemon.pid is None and time.monotonic() >= unit.not_before:
                self._revive(unit)

    def _revive(self, unit: _Unit) -> None:
        with unit.lock:
            if not unit.wanted or unit.daemon.pid is not None:
                return
            name, code = unit.daemon.name, unit.daemon.exit_code
            if unit.ready_since and time.monotonic() - unit.ready_since > _STEADY_AFTER_SECONDS:
                unit.pause = _FIRST_PAUSE_SECONDS
            unit.restarts += 1
            try:
                unit.daemon.start()
            except (StartFailed, OSError) as error:
                self._say(f"{name} does not start: {error}")
                unit.daemon.kill()
            else:
                unit.ready_since = time.monotonic()
                self._say(f"{name} ended with code {code} and was started again")
            unit.not_before = time.monotonic() + unit.pause
            unit.pause = min(unit.pause * 2, _LONGEST_PAUSE_SECONDS)
        self._changed()


def _describe(unit: _Unit) -> dict[str, Json]:
    pid = unit.daemon.pid
    state = "running" if pid is not None else "restarting" if unit.wanted else "stopped"
    return {"state": state, "pid": pid, "restarts": unit.restarts}
