"""The environment of the platform's child processes."""

from __future__ import annotations

import os

# Without their bytecode on disk, every start of every service would compile all it imports.
_DROPPED = ("PYTHONDONTWRITEBYTECODE", "PYTHONSTARTUP")


def child_environment(**values: str) -> dict[str, str]:
    """This process's environment with the values on top; settings such as FACET_LOG_LEVEL are passed on."""
    inherited = {name: value for name, value in os.environ.items() if name not in _DROPPED}
    return inherited | {"PYTHONUNBUFFERED": "1"} | values
