"""One long-running program: started, awaited by a condition, written down, stopped gracefully or by force."""

from __future__ import annotations

import os
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from facet_local.accounts import Account
from facet_local.home import Home
from facet_local.records import ProcessRecord
from facet_local.waiting import TooLate, wait_until

_LOG_BYTES = 20_000_000
_TAIL_LINES = 15


class StartFailed(RuntimeError):
    """The program ended, or was not ready in time; the message carries the end of its log."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a program is started."""

    argv: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    account: Account | None = None
    folder: Path = Path("/")


class Daemon(ABC):
    """A child process of the platform. Subclasses say how it starts and when it is ready."""

    start_seconds = 60.0
    stop_seconds = 15.0
    stop_signal = signal.SIGTERM

    def __init__(self, name: str, home: Home) -> None:
        self.name = name
        self.home = home
        self._child: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def launch(self) -> Launch:
        """Prepares what the program needs on disk and says how to start it."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether the running program answers."""

    @property
    def pid(self) -> int | None:
        """The process id while the program runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How the program ended; None while it runs or before its first start."""
        return self._child.poll() if self._child else None

    def start(self) -> None:
        """Starts the program and returns when it is ready. Raises StartFailed."""
        self.spawn()
        self.wait_ready()

    def spawn(self) -> None:
        """Starts the program without waiting; one left over from a crashed run is stopped first."""
        self.end_stale()
        how = self.launch()
        log = self.home.log(self.name)
        log.parent.mkdir(parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > _LOG_BYTES:
            log.replace(log.with_suffix(".log.1"))
        account = how.account
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                list(how.argv),
                env=dict(how.environment),
                cwd=how.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C reaches the platform only, which stops its children in order
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
        record = ProcessRecord.of(self._child.pid)
        if record:
            record.write(self.home.record(self.name))

    def wait_ready(self) -> None:
        """Returns when the program answers. Raises StartFailed with the end of the log when it does not."""
        try:
            wait_until(
                lambda: self.pid is None or self.is_ready(), seconds=self.start_seconds, what=self.name
            )
        except TooLate as error:
            raise StartFailed(f"{error}\n{self.tail()}") from error
        if self.pid is None:
            raise StartFailed(f"{self.name} ended with code {self.exit_code}\n{self.tail()}")

    def stop(self) -> None:
        """Stops the program gracefully, by force when it does not end in time; one not running is left."""
        child = self._child
        if child is None:
            self.end_stale()
            return
        if child.poll() is None:
            child.send_signal(self.stop_signal)
            try:
                child.wait(self.stop_seconds)
            except subprocess.TimeoutExpired:
                self.kill()
        self.home.record(self.name).unlink(missing_ok=True)

    def kill(self) -> None:
        """Ends the program and its children at once, as a crash would."""
        child = self._child
        if child is not None and child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()

    def end_stale(self) -> None:
        """Stops a process of this name that an earlier run left behind, and only if it is really that one."""
        path = self.home.record(self.name)
        record = ProcessRecord.read(path)
        if record is None:
            return
        if self.pid != record.pid:
            record.end(self.stop_signal, seconds=self.stop_seconds)
            path.unlink(missing_ok=True)

    def tail(self, lines: int = _TAIL_LINES) -> str:
        """The last lines of the log."""
        log = self.home.log(self.name)
        if not log.exists():
            return ""
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 20_000))
            text = file.read().decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-lines:])
