"""Loads the demo enterprise into a running platform, once, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from facet_local.environment import child_environment
from facet_local.home import Home, default_home
from facet_local.jsonfile import read_json, write_json
from facet_local.running import RunningPlatform

_STATE = "state"


class SeedingFailed(RuntimeError):
    """The demo enterprise could not be loaded; the message carries the end of the log."""


def is_loaded(home: Home) -> bool:
    """Whether the demo enterprise is in the services' databases, completely."""
    return read_json(home.demo_file).get(_STATE) == "loaded"


def was_interrupted(home: Home) -> bool:
    """Whether a loading began and never ended: what it left is neither empty nor whole."""
    return read_json(home.demo_file).get(_STATE) == "loading"


def group_id(home: Home) -> str:
    """The group account whose unified view is shown to newcomers; empty without the demo enterprise."""
    return str(read_json(home.demo_file).get("group_id", ""))


def load_in_child(home: Home, progress: Callable[[str], None]) -> None:
    """Loads in a process of its own, handing on its progress line by line. Raises SeedingFailed."""
    log = home.log("demo")
    child = subprocess.Popen(
        [sys.executable, "-m", "facet_local.seeding"],
        env=child_environment(FACET_HOME=str(home.path)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        with child, log.open("w", encoding="utf-8") as kept:
            for line in child.stdout or ():
                kept.write(line)
                progress(line.rstrip())
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    if child.returncode != 0:
        tail = "\n".join(log.read_text(encoding="utf-8").splitlines()[-20:])
        raise SeedingFailed(f"the demo enterprise could not be loaded:\n{tail}")


def main() -> None:
    """Loads the demo enterprise into the platform of the default home and marks it as loaded."""
    from facet_local import demo

    home = default_home()
    write_json(home.demo_file, {_STATE: "loading"})
    facts = demo.load(RunningPlatform.read(home), lambda text: print(text, flush=True))
    write_json(home.demo_file, {**facts, _STATE: "loaded"})


if __name__ == "__main__":
    main()
