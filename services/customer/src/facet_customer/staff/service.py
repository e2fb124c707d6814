"""Use cases of staff: hiring, changes of place, line, roles and grants, leaving, and who a sign-in is."""

from __future__ import annotations

from protobuf.wkt import FieldMask
from sqlalchemy import func, select, text

from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_customer.organisation.service import DEPARTMENTS, REGIONS, require_unit
from facet_customer.staff.model import Staff, staff_map
from facet_customer.staff.policy import unknown_roles
from facet_kit.context import Ctx
from facet_kit.errors import Conflict, Invalid
from facet_kit.permissions import role_table
from facet_kit.refs import store_staff
from facet_kit.search import normalise_email, normalise_phone

CHANGEABLE = (
    "display_name",
    "email",
    "phone",
    "title",
    "department_id",
    "region_id",
    "manager_id",
    "mentor_id",
    "roles",
    "scope_department_ids",
    "scope_region_ids",
    "full_scope",
    "hire_date",
)


async def hire(ctx: Ctx, message: pb.Staff) -> Staff:
    """Takes a person on.

    Raises:
        Invalid: something needed is missing, or department, region, role, manager or mentor is unknown.
        Conflict: the e-mail address is taken.
    """
    person = Staff(id=ctx.ids.new(), **staff_map.values(message, prefix="staff."))
    await _settle(ctx, person, set(CHANGEABLE))
    person.hired()
    ctx.add(person)
    await _store(ctx, person)
    return person


async def update(ctx: Ctx, message: pb.Staff, mask: FieldMask | None, etag: str) -> Staff:
    """Changes a person's data, place, line, roles or grants.

    Raises:
        Invalid: as for `hire`.
        Conflict: the e-mail address is taken, or the managers would form a ring.
    """
    person = await ctx.get(Staff, message.id, etag=etag)
    changed = staff_map.apply(person, message, mask, allowed=CHANGEABLE, prefix="staff.")
    if changed:
        await _settle(ctx, person, changed)
        person.updated(changed)
        await _store(ctx, person)
    return person


async def deactivate(ctx: Ctx, staff_id: str, etag: str) -> Staff:
    """Ends a person's work and access.

    Raises:
        Conflict: inactive already.
    """
    person = await ctx.get(Staff, staff_id, etag=etag)
    person.deactivate()
    await _store(ctx, person)
    return person


async def reactivate(ctx: Ctx, staff_id: str, etag: str) -> Staff:
    """Takes a person back.

    Raises:
        Conflict: active already.
    """
    person = await ctx.get(Staff, staff_id, etag=etag)
    person.reactivate()
    await _store(ctx, person)
    return person


async def require_staff(ctx: Ctx, staff_id: str, field: str) -> Staff:
    """An active member of staff, who stays so until this transaction ends.

    Raises:
        Invalid: there is none, or the person has left; names `field`.
    """
    query = select(Staff).where(Staff.id == staff_id).with_for_update(read=True)
    person = (await ctx.session.execute(query)).scalar_one_or_none()
    if person is None or not person.active:
        problem = "is unknown" if person is None else "has left"
        raise Invalid(
            "STAFF_UNKNOWN", f"staff member {staff_id!r} {problem}; name an active one", field=field
        )
    return person


async def _settle(ctx: Ctx, person: Staff, changed: set[str]) -> None:
    """Brings the changed fields into their one form and checks what they refer to."""
    with ctx.session.no_autoflush:
        person.check()
        if "email" in changed:
            await _settle_email(ctx, person)
        if "phone" in changed and person.phone:
            person.phone = normalise_phone(person.phone, field="staff.phone")
        if "roles" in changed and (unknown := unknown_roles(person.roles, role_table())):
            raise Invalid("ROLE_UNKNOWN", f"staff cannot have {', '.join(unknown)}", field="staff.roles")
        if "department_id" in changed:
            await require_unit(ctx, DEPARTMENTS, person.department_id, "staff.department_id")
        if "region_id" in changed:
            await require_unit(ctx, REGIONS, person.region_id, "staff.region_id")
        if "scope_department_ids" in changed:
            for unit_id in person.scope_department_ids or ():
                await require_unit(ctx, DEPARTMENTS, unit_id, "staff.scope_department_ids")
        if "scope_region_ids" in changed:
            for unit_id in person.scope_region_ids or ():
                await require_unit(ctx, REGIONS, unit_id, "staff.scope_region_ids")
        if "mentor_id" in changed and person.mentor_id:
            await require_staff(ctx, person.mentor_id, "staff.mentor_id")
        if "manager_id" in changed and person.manager_id:
            await _require_line(ctx, person)


async def _settle_email(ctx: Ctx, person: Staff) -> None:
    person.email = normalise_email(person.email, field="staff.email")
    taken = select(Staff.id).where(Staff.email == person.email, Staff.id != person.id)
    if (await ctx.session.execute(taken)).scalar_one_or_none():
        raise Conflict(
            "EMAIL_TAKEN",
            f"Somebody has the e-mail address {person.email} already. Use another one, or update that person.",
            metadata={"email": person.email},
        )


async def _require_line(ctx: Ctx, person: Staff) -> None:
    """Refuses a manager who stands below the person; one change of a line at a time, so that no two close a ring."""
    await ctx.session.execute(text("SELECT pg_advisory_xact_lock(hashtext('facet.customer.staff_line'))"))
    await require_staff(ctx, person.manager_id, "staff.manager_id")
    step, managers = person.manager_id, set[str]()
    while step and step not in managers:
        managers.add(step)
        step = (
            await ctx.session.execute(select(Staff.manager_id).where(Staff.id == step))
        ).scalar_one_or_none()
    if person.id in managers:
        raise Conflict(
            "LINE_RING",
            f"{person.manager_id!r} reports to {person.id!r}; the line of managers would close a ring. Choose another.",
            metadata={"manager_id": person.manager_id},
        )


async def staff_by_email(ctx: Ctx, email: str) -> Staff | None:
    """The person with this e-mail address, whatever its case; None when there is none."""
    query = select(Staff).where(Staff.email == func.lower(email.strip()))
    return (await ctx.session.execute(query)).scalar_one_or_none()


async def _store(ctx: Ctx, person: Staff) -> None:
    """Writes changes and this service's own replica."""
    await ctx.flush()
    await store_staff(ctx.session, staff_map.to_message(person))
