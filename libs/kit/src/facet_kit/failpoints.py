"""Named points where a test may let the process die, fail or pause; without FACET_FAILPOINT they do nothing.

`FACET_FAILPOINT="relay.after_publish:kill,consumer.after_fetch:delay=250"` arms two of them.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from functools import cache
from typing import Final

NAMES: Final = frozenset(
    {
        "unit_of_work.before_commit",
        "unit_of_work.after_commit",
        "relay.before_publish",
        "relay.mid_batch",
        "relay.after_publish",
        "consumer.after_fetch",
        "consumer.before_commit",
        "consumer.after_commit",
    }
)


class FailpointReached(RuntimeError):
    """The error that an armed failpoint with the action `error` raises."""


async def failpoint(name: str) -> None:
    """Acts as FACET_FAILPOINT says for this name: `kill` (SIGKILL), `error`, `delay=<milliseconds>`.

    Raises:
        FailpointReached: the point is armed with `error`.
        ValueError: FACET_FAILPOINT names an unknown point or action.
    """
    action = _armed().get(name)
    if action is None:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "error":
        raise FailpointReached(name)
    await asyncio.sleep(int(action.removeprefix("delay=")) / 1000)


@cache
def _armed() -> Mapping[str, str]:
    """The armed points, read once: the environment of a process does not change."""
    return parse(os.environ.get("FACET_FAILPOINT", ""))


def parse(text: str) -> Mapping[str, str]:
    """Reads `name:action[,name:action]`.

    Raises:
        ValueError: an unknown point or action; the message lists what there is.
    """
    armed: dict[str, str] = {}
    for item in filter(None, text.split(",")):
        name, _, action = item.strip().partition(":")
        if name not in NAMES:
            raise ValueError(f"FACET_FAILPOINT names {name!r}; there are {', '.join(sorted(NAMES))}")
        if action not in {"kill", "error"} and not action.removeprefix("delay=").isdecimal():
            raise ValueError(
                f"FACET_FAILPOINT gives {name} the action {action!r}; use kill, error or delay=<ms>"
            )
        armed[name] = action
    return armed
