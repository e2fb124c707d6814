"""What entering any record of this service needs: required fields, known references, and where a record counts."""

from __future__ import annotations

from collections.abc import Sequence

from protobuf import Message
from sqlalchemy import select

from facet_kit.context import Ctx
from facet_kit.errors import Invalid
from facet_kit.principal import PrincipalKind
from facet_kit.refs import CustomerRef, OrgRef, StaffRef


def require_fields(message: Message, names: Sequence[str], *, prefix: str) -> None:
    """Raises Invalid, naming each of the fields that the message leaves empty."""
    missing = [name for name in names if not message.has_field(name)]
    if missing:
        raise Invalid.many([(f"{prefix}.{name}", "is required") for name in missing], reason="REQUIRED")


def require_text(value: str, *, field: str) -> None:
    """Raises Invalid, naming the field, when an update empties a text that must be there."""
    if not value.strip():
        raise Invalid("REQUIRED", "is required", field=field)


async def known_staff(ctx: Ctx, staff_id: str, *, field: str) -> str:
    """The id of an active member of staff.

    Raises:
        Invalid: nobody active has it; names the field.
    """
    found = await ctx.session.execute(select(StaffRef.active).where(StaffRef.staff_id == staff_id))
    if not found.scalar_one_or_none():
        message = f"There is no active member of staff {staff_id!r}. Look the person up in the staff list."
        raise Invalid("STAFF_UNKNOWN", message, field=field)
    return staff_id


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


async def home(ctx: Ctx, department_id: str, region_id: str, customer: CustomerRef) -> tuple[str, str]:
    """Department and region a record counts in: those asked for; else the staff caller's department, or the customer's.

    A customer's own user does not choose: it is the customer's.

    Raises:
        Invalid: there is no such department or region.
    """
    if not ctx.principal.internal:
        return customer.department_id, customer.region_id
    department = await known_unit(ctx, department_id, "department", field="department_id")
    region = await known_unit(ctx, region_id, "region", field="region_id")
    own = ctx.principal.department_id if ctx.principal.kind is PrincipalKind.STAFF else ""
    return department or own or customer.department_id, region or customer.region_id
