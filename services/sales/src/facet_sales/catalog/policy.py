"""Pure rules of the product tree: when two model codes are the same, and where a category stands."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence


def model_key(model_code: str) -> str:
    """What makes a model code unique: width, case and surrounding blanks do not tell codes apart (SAL-05)."""
    return unicodedata.normalize("NFKC", model_code).strip().casefold()


def lies_below(ancestor_ids: Sequence[str], category_id: str) -> bool:
    """Whether a category with these ancestors (itself included) is the category or stands below it."""
    return category_id in ancestor_ids


def moved_path(path: Sequence[str], category_id: str, new_parent_path: Sequence[str]) -> list[str]:
    """The path of a category in the moved branch: the new parent's, then its own from the branch on."""
    return [*new_parent_path, *path[path.index(category_id) :]]
