"""Checks of fields that a resource cannot do without, after a create or an update has been applied."""

from __future__ import annotations

from collections.abc import Sequence

from facet_kit.database.base import Base
from facet_kit.errors import Invalid


def require_filled(entity: Base, resource: str, names: Sequence[str]) -> None:
    """Refuses an entity whose required texts, dates or lists are empty.

    Args:
        resource: name of the resource in the request, for the field paths.

    Raises:
        Invalid: names every empty field.
    """
    empty = [name for name in names if getattr(entity, name) in (None, "", [])]
    if empty:
        raise Invalid.many([(f"{resource}.{name}", "fill it in") for name in empty], reason="REQUIRED")
