"""Identifiers: UUIDv7 text, which sorts by creation and tells its own age."""

from __future__ import annotations

from typing import Protocol
from uuid import UUID

import uuid_utils


class Ids(Protocol):
    """Makes identifiers."""

    def new(self) -> str: ...


class Uuid7Ids:
    """UUIDv7 in its canonical lower-case text form."""

    def new(self) -> str:
        return str(uuid_utils.uuid7())


def created_at_ms(id: str) -> int | None:
    """Milliseconds since the epoch at which a UUIDv7 was made; None for any other text."""
    try:
        parsed = UUID(id)
    except ValueError:
        return None
    return parsed.int >> 80 if parsed.version == 7 else None
