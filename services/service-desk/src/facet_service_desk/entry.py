"""What entering any record of this service needs: known staff, and where a record counts."""

from __future__ import annotations

from sqlalchemy import select

from facet_kit.context import Ctx
from facet_kit.entry import acting_department, known_unit
from facet_kit.errors import Invalid
from facet_kit.refs import CustomerRef, StaffRef


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


async def home(ctx: Ctx, department_id: str, region_id: str, customer: CustomerRef) -> tuple[str, str]:
    """Department and region a record counts in: those asked for; else the caller's department, or the customer's.

    A customer's own user does not choose: it is the customer's.

    Raises:
        Invalid: there is no such department or region.
    """
    if not ctx.principal.internal:
        return customer.department_id, customer.region_id
    department = await known_unit(ctx, department_id, "department", field="department_id")
    region = await known_unit(ctx, region_id, "region", field="region_id")
    return department or acting_department(ctx, customer), region or customer.region_id
