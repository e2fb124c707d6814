"""Use cases of customers: creation, changes, lifecycle, owners, in and out of use. Groups are in `hierarchy`."""

from __future__ import annotations

from protobuf.wkt import FieldMask
from sqlalchemy import select, update

from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_contracts.facet.customer.v1.resources_pb import (
    CustomerKind,
    CustomerRole,
    CustomerStatus,
    LifecycleStage,
)
from facet_customer.communication import HOME_REGION, email_list, phone_list, tax_number
from facet_customer.contacts.model import Contact
from facet_customer.customers.hierarchy import lock_groups, parent_of, store
from facet_customer.customers.model import Customer, LifecycleChange, customer_map
from facet_customer.customers.policy import FIRST_STAGE
from facet_customer.organisation.service import DEPARTMENTS, REGIONS, require_unit
from facet_customer.staff.model import Staff
from facet_customer.staff.service import require_staff
from facet_kit.context import Ctx
from facet_kit.errors import Conflict, Invalid

CHANGEABLE = (
    "display_name",
    "alias",
    "roles",
    "department_id",
    "region_id",
    "key_account",
    "relationship_strategy",
    "tax_id",
    "phones",
    "emails",
    "website",
    "country_code",
    "province",
    "city",
    "street_address",
    "postal_code",
    "employee_count",
    "annual_revenue",
    "credit_limit",
    "birth_date",
    "source",
    "description",
    "custom_fields",
)
_READ_SENSITIVE = "customer.customers.read_sensitive"


async def create(ctx: Ctx, message: pb.Customer) -> Customer:
    """Creates a customer as a prospect, alone or below a parent (CUS-01, CUS-22).

    Department, region and owner are the caller's own unless they are given.

    Raises:
        Invalid: a field is missing or wrong; parent, department, region or owner is unknown.
        Conflict: the tax number is taken.
        Forbidden: a credit limit from somebody who may not see it.
    """
    if message.kind is CustomerKind.UNSPECIFIED:
        raise Invalid("FIELD_MISSING", "say ORGANISATION or PERSON", field="customer.kind")
    await lock_groups(ctx, message.parent_id, shared=True)
    parent = await parent_of(ctx, message.parent_id, "customer.parent_id")
    now = ctx.clock.now()
    customer = Customer(id=ctx.ids.new(), **customer_map.values(message, prefix="customer."))
    customer.lifecycle_stage, customer.lifecycle_stage_time = FIRST_STAGE, now
    customer.status = CustomerStatus.ACTIVE
    customer.roles = customer.roles or [CustomerRole.END_CUSTOMER]
    customer.department_id = customer.department_id or ctx.principal.department_id
    customer.region_id = customer.region_id or ctx.principal.region_id
    customer.owner_id = await _first_owner(ctx, customer.owner_id)
    given = {name for name in CHANGEABLE if message.has_field(name)} | {"department_id", "region_id"}
    await _settle(ctx, customer, given)
    customer.hang_under(parent)
    customer.group_id = customer.root_id
    customer.created()
    ctx.add(customer)
    await ctx.flush()
    ctx.add(
        LifecycleChange(
            id=ctx.ids.new(),
            customer_id=customer.id,
            from_stage=LifecycleStage.UNSPECIFIED,
            to_stage=FIRST_STAGE,
            changed_by=ctx.principal.person_id,
            change_time=now,
            seconds_in_stage=0,
        )
    )
    await store(ctx, [customer])
    return customer


async def update_customer(ctx: Ctx, message: pb.Customer, mask: FieldMask | None, etag: str) -> Customer:
    """Changes a customer's data, roles, key-account flag, strategy (CUS-17), department or region.

    Raises:
        Invalid: a field is wrong or cannot be changed here; department or region is unknown.
        Conflict: the tax number is taken; the record is merged into another one.
        Forbidden: a credit limit from somebody who may not see it.
    """
    customer = await ctx.get(Customer, message.id, etag=etag)
    if customer.status is CustomerStatus.MERGED:
        customer.require_status(CustomerStatus.ACTIVE, "update")
    changed = customer_map.apply(customer, message, mask, allowed=CHANGEABLE, prefix="customer.")
    if changed:
        await _settle(ctx, customer, changed)
        customer.updated(changed)
        await store(ctx, [customer])
        if changed & {"department_id", "region_id"}:
            await _copy_place_to_contacts(ctx, customer)
    return customer


async def change_stage(ctx: Ctx, customer_id: str, stage: LifecycleStage, reason: str, etag: str) -> Customer:
    """Moves a customer to another stage of its life and notes it in the history (CUS-13).

    Raises:
        Conflict: there is no way to that stage.
    """
    customer = await ctx.get(Customer, customer_id, etag=etag)
    change = customer.change_stage(
        stage,
        reason=reason,
        changed_by=ctx.principal.person_id,
        now=ctx.clock.now(),
        change_id=ctx.ids.new(),
    )
    ctx.add(change)
    await store(ctx, [customer])
    return customer


async def transfer(
    ctx: Ctx, customer_id: str, owner_id: str, *, include_descendants: bool, reason: str, etag: str
) -> Customer:
    """Gives a customer to another owner; with `include_descendants` also what has the same owner below it.

    Raises:
        Invalid: the new owner is unknown or has left.
        Conflict: the new owner has it already.
    """
    customer = await ctx.get(Customer, customer_id, etag=etag)
    await require_staff(ctx, owner_id, "owner_id")
    given = [customer]
    if include_descendants:
        below = select(Customer).where(
            Customer.ancestor_ids.contains([customer.id]),
            Customer.owner_id == customer.owner_id,
            Customer.id != customer.id,
        )
        given += (await ctx.session.execute(below.order_by(Customer.id))).scalars().all()
    for each in given:
        each.transfer(owner_id, reason=reason)
    await store(ctx, given)
    for each in given:
        await _copy_place_to_contacts(ctx, each)
    return customer


async def deactivate(ctx: Ctx, customer_id: str, etag: str) -> Customer:
    """Takes a customer out of use.

    Raises:
        Conflict: it is not in use.
    """
    customer = await ctx.get(Customer, customer_id, etag=etag)
    customer.deactivate()
    await store(ctx, [customer])
    return customer


async def reactivate(ctx: Ctx, customer_id: str, etag: str) -> Customer:
    """Takes a customer into use again.

    Raises:
        Conflict: it is in use, or merged into another one.
    """
    customer = await ctx.get(Customer, customer_id, etag=etag)
    customer.reactivate()
    await store(ctx, [customer])
    return customer


async def _first_owner(ctx: Ctx, owner_id: str) -> str:
    """The owner given, else the caller where he is a member of staff, else nobody."""
    if owner_id:
        return (await require_staff(ctx, owner_id, "customer.owner_id")).id
    query = select(Staff.id).where(Staff.id == ctx.principal.person_id, Staff.active)
    return (await ctx.session.execute(query)).scalar_one_or_none() or ""


async def _settle(ctx: Ctx, customer: Customer, changed: set[str]) -> None:
    """Brings the changed fields into their one form and checks what they refer to."""
    with ctx.session.no_autoflush:
        customer.check()
        if "credit_limit" in changed:
            ctx.principal.require(_READ_SENSITIVE)
        if changed & {"phones", "country_code"}:
            customer.phones = phone_list(
                customer.phones, "customer.phones", region=customer.country_code or HOME_REGION
            )
        if "emails" in changed:
            customer.emails = email_list(customer.emails, "customer.emails")
        if "tax_id" in changed:
            await _settle_tax_id(ctx, customer)
        if "department_id" in changed and customer.department_id:
            await require_unit(ctx, DEPARTMENTS, customer.department_id, "customer.department_id")
        if "region_id" in changed and customer.region_id:
            await require_unit(ctx, REGIONS, customer.region_id, "customer.region_id")
        customer.make_findable()


async def _settle_tax_id(ctx: Ctx, customer: Customer) -> None:
    customer.tax_id = tax_number(customer.tax_id)
    if not customer.tax_id:
        return
    taken = select(Customer.id).where(
        Customer.tax_id == customer.tax_id,
        Customer.id != customer.id,
        Customer.status != CustomerStatus.MERGED,
    )
    found = await ctx.session.execute(taken, execution_options={"unscoped": True})
    if found.scalars().first():
        raise Conflict(
            "TAX_ID_TAKEN",
            f"A customer has the tax number {customer.tax_id} already. Add roles to that one instead.",
            metadata={"tax_id": customer.tax_id},
        )


async def _copy_place_to_contacts(ctx: Ctx, customer: Customer) -> None:
    """Contacts are seen through their employer: its department, region and owner are copied to their rows."""
    await ctx.session.execute(
        update(Contact)
        .where(Contact.customer_id == customer.id)
        .values(
            department_id=customer.department_id, region_id=customer.region_id, owner_id=customer.owner_id
        ),
        execution_options={"unscoped": True, "synchronize_session": False},
    )
