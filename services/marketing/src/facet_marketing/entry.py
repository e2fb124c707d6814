"""What entering any record of this service needs: required fields, known units, and where a record counts."""

from __future__ import annotations

from collections.abc import Sequence

from protobuf import Message
from sqlalchemy import select

from facet_kit.context import Ctx
from facet_kit.errors import Invalid
from facet_kit.principal import PrincipalKind
from facet_kit.refs import CustomerRef, OrgRef


def require_fields(message: Message, names: Sequence[str], *, prefix: str) -> None:
    """Raises Invalid, naming each of the fields that the message leaves empty."""
    missing = [name for name in names if not message.has_field(name)]
    if missing:
        raise Invalid.many([(f"{prefix}.{name}", "is required") for name in missing], reason="REQUIRED")


async def known_unit(ctx: Ctx, unit_id: str, kind: str, *, field: str) -> str:
    """The id of a department or region (`kind`); the empty id stays empty.

    Raises:
        Invalid: there is no such unit; names the field.
    """
    if not unit_id:
        return ""
    known = select(OrgRef.id).where(OrgRef.id == unit_id, OrgRef.kind == kind)
    if (await ctx.session.execute(known)).scalar_one_or_none() is None:
        raise Invalid(f"{kind.upper()}_UNKNOWN", f"There is no {kind} {unit_id!r}.", field=field)
    return unit_id


def acting_department(ctx: Ctx, customer: CustomerRef) -> str:
    """The department that acts: the staff caller's own, else the customer's."""
    own = ctx.principal.department_id if ctx.principal.kind is PrincipalKind.STAFF else ""
    return own or customer.department_id
