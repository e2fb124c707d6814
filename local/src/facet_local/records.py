"""Which process is ours: ids are written down with start times, so that a reused id is not mistaken."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

import psutil

from facet_local.jsonfile import read_json, write_json

# The kernel counts start times in hundredths of a second from boot; the conversion may differ by a little.
_START_TOLERANCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class ProcessRecord:
    """One process of this machine, named so that nobody else's can be taken for it."""

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> ProcessRecord | None:
        """The record of a living process; None when there is none with the id."""
        try:
            return cls(pid, psutil.Process(pid).create_time())
        except psutil.NoSuchProcess:
            return None

    @classmethod
    def read(cls, path: Path) -> ProcessRecord | None:
        """The record in the file; None when there is none."""
        document = read_json(path)
        pid, started = document.get("pid"), document.get("started")
        if not isinstance(pid, int) or not isinstance(started, int | float):
            return None
        return cls(pid, float(started))

    def write(self, path: Path) -> None:
        """Keeps the record for a later run of the platform."""
        write_json(path, {"pid": self.pid, "started": self.started})

    def process(self) -> psutil.Process | None:
        """The living process that this record is about; None when it ended and its id may be another's."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < _START_TOLERANCE_SECONDS
            alive = same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return None
        return process if alive else None

    def end(self, number: signal.Signals, *, seconds: float) -> None:
        """Stops the process if it lives: the signal first, SIGKILL for it and its children later."""
        process = self.process()
        if process is None or process.pid == os.getpid():
            return
        try:
            family = process.children(recursive=True)
            process.send_signal(number)
            _, alive = psutil.wait_procs([process, *family], timeout=seconds)
            for survivor in alive:
                survivor.kill()
            psutil.wait_procs(alive, timeout=seconds)
        except psutil.NoSuchProcess:
            return


def end_recorded(path: Path, *, seconds: float = 20.0) -> None:
    """Stops the process that the file records, if it still lives, and forgets it."""
    record = ProcessRecord.read(path)
    if record is not None:
        record.end(signal.SIGTERM, seconds=seconds)
        path.unlink(missing_ok=True)
