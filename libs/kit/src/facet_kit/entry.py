"""What entering any record needs: required fields, known departments and regions, and where a record counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from protobuf import Message
from sqlalchemy import select

from facet_kit.context import Ctx
from facet_kit.database.base import Base
from facet_kit.errors import Invalid
from facet_kit.refs import CustomerRef, OrgRef

_EMPTY = "is required"


def require_fields(message: Message[Any], names: Sequence[str], *, prefix: str) -> None:
    """Refuses a message for a new record that leaves required fields empty.

    Args:
        prefix: name of the resource in the request, for the field paths.

    Raises:
        Invalid: names every field that is missing.
    """
    missing = [name for name in names if not message.has_field(name)]
    if missing:
        raise Invalid.many([(f"{prefix}.{name}", _EMPTY) for name in missing], reason="REQUIRED")


def require_filled(entity: Base, names: Sequence[str], *, prefix: str) -> None:
    """Refuses a record whose required attributes are empty, typically after an update has been applied.

    Unset values, blank texts and empty lists are empty; zero is a value.

    Args:
        prefix: name of the resource in the request, for the field paths.

    Raises:
        Invalid: names every attribute that is empty.
    """
    empty = [name for name in names if _is_empty(getattr(entity, name))]
    if empty:
        raise Invalid.many([(f"{prefix}.{name}", _EMPTY) for name in empty], reason="REQUIRED")


def _is_empty(value: object) -> bool:
    return not value.strip() if isinstance(value, str) else value is None or value == []


async def known_unit(ctx: Ctx, unit_id: str, kind: Literal["department", "region"], *, field: str) -> str:
    """The id of a department or region; the empty id stays empty.

    Raises:
        Invalid: there is no such unit; names the field.
    """
    if not unit_id:
        return ""
    known = select(OrgRef.id).where(OrgRef.id == unit_id, OrgRef.kind == kind)
    with ctx.session.no_autoflush:  # the record that names it is only half entered
        found = (await ctx.session.execute(known)).scalar_one_or_none()
    if found is None:
        raise Invalid(f"{kind.upper()}_UNKNOWN", f"There is no {kind} {unit_id!r}.", field=field)
    return unit_id


def acting_department(ctx: Ctx, customer: CustomerRef) -> str:
    """The department that acts: the internal caller's own, else the customer's.

    A customer's or partner's own user belongs to none, and so do keys and services that stand for no department.
    """
    own = ctx.principal.department_id if ctx.principal.internal else ""
    return own or customer.department_id
