"""Builders of callers for tests: a person with one role and the usual scope of that role."""

from __future__ import annotations

from typing import Any

from facet_kit.ids import Uuid7Ids
from facet_kit.principal import Principal, PrincipalKind

_FULL = frozenset(
    {"executive", "administrator", "finance", "commercial_reviewer", "analyst", "marketing_manager", "system"}
)
_SETS = ("roles", "department_ids", "region_ids")
_EXTERNAL = {"customer": PrincipalKind.CUSTOMER, "partner": PrincipalKind.PARTNER}


def a_principal(role: str = "executive", **fields: Any) -> Principal:
    """Somebody with the role; every other field of `Principal` can be given. Each call makes another person."""
    id = str(fields.pop("id", "") or Uuid7Ids().new())
    values: dict[str, Any] = {
        "kind": _EXTERNAL.get(role, PrincipalKind.STAFF),
        "person_id": id,
        "name": role.replace("_", " "),
        "roles": frozenset({role}),
        "full_scope": role in _FULL,
    }
    for name, value in fields.items():
        values[name] = frozenset[str](value) if name in _SETS else value
    return Principal(id=id, **values)


def an_executive(**fields: Any) -> Principal:
    """Sees everything, changes nothing."""
    return a_principal("executive", **fields)


def an_administrator(**fields: Any) -> Principal:
    """May do everything that separation of duties allows one person."""
    return a_principal("administrator", **fields)


def a_sales_rep(**fields: Any) -> Principal:
    """Sees a region: pass `region_ids`, and `department_id` and `region_id` for the home."""
    return a_principal("sales_rep", **fields)


def an_api_key_of(person: Principal, **fields: Any) -> Principal:
    """An API key that acts for a person, with the person's roles and scope."""
    values = {name: getattr(person, name) for name in ("person_id", "roles", "department_id", "region_id")}
    values |= {name: getattr(person, name) for name in ("department_ids", "region_ids", "full_scope")}
    return Principal(id=Uuid7Ids().new(), kind=PrincipalKind.API_KEY, **(values | fields))
