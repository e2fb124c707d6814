"""The role → permission table, read once from the contracts package."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files


@cache
def role_table() -> dict[str, tuple[str, ...]]:
    """Every role with its permission patterns (`<service>.<resources>.<verb>`, `*` for any one part)."""
    text = files("facet_contracts").joinpath("permissions.toml").read_text("utf-8")
    roles = tomllib.loads(text)["roles"]
    return {name: tuple(role["permissions"]) for name, role in roles.items()}


def matches(pattern: str, permission: str) -> bool:
    """Whether a pattern covers a permission, part by part."""
    wanted = permission.split(".")
    parts = pattern.split(".")
    return len(parts) == len(wanted) and all(p in ("*", w) for p, w in zip(parts, wanted, strict=True))


@lru_cache(maxsize=8192)
def roles_grant(roles: frozenset[str], permission: str) -> bool:
    """Whether any of the roles holds the permission; unknown roles hold nothing."""
    table = role_table()
    return any(matches(pattern, permission) for role in roles for pattern in table.get(role, ()))


def any_covers(patterns: Iterable[str], permission: str) -> bool:
    """Whether one of the patterns covers the permission."""
    return any(matches(pattern, permission) for pattern in patterns)
