"""Small JSON files that several processes share: read, replaced atomically, changed under a lock."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias, cast

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


def write_atomically(path: Path, content: str, *, mode: int = 0o600) -> None:
    """Replaces the file in one step, so that a reader sees the old text or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    draft.replace(path)


def read_json(path: Path) -> dict[str, Json]:
    """The object in the file; empty when there is no file or it holds no JSON object."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return cast("dict[str, Json]", document) if isinstance(document, dict) else {}


def write_json(path: Path, document: dict[str, Json], *, mode: int = 0o600) -> None:
    """Writes the object, indented, atomically."""
    write_atomically(path, json.dumps(document, indent=2, ensure_ascii=False) + "\n", mode=mode)


@contextmanager
def exclusively(path: Path) -> Generator[None]:
    """Holds the lock that belongs to the file, against other threads and processes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_name(f".{path.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def changing(path: Path) -> Generator[dict[str, Json]]:
    """Read, change, write back under the lock: `with changing(path) as document: document["x"] = 1`."""
    with exclusively(path):
        document = read_json(path)
        yield document
        write_json(path, document)
