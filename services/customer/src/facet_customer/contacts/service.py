"""Use cases of contacts: creation, changes, and the course of their affiliations (CUS-05)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from protobuf.wkt import FieldMask
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from facet_contracts.facet.customer.v1 import contact_service_pb as rpc
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_contracts.facet.customer.v1.events_pb import ContactAffiliationDue
from facet_contracts.facet.customer.v1.resources_pb import CustomerStatus
from facet_customer.communication import email_list, phone_list
from facet_customer.contacts.model import Affiliation, Contact, affiliation_map, contact_map
from facet_customer.customers.model import Customer
from facet_customer.intervals import next_boundary
from facet_customer.staff.model import Staff
from facet_kit.context import Ctx
from facet_kit.errors import Conflict, Invalid
from facet_kit.mapping import parse_date

CHANGEABLE = (
    "display_name",
    "salutation",
    "phones",
    "emails",
    "portal_subject",
    "language_code",
    "birth_date",
    "description",
    "custom_fields",
)
WITH_AFFILIATIONS = (selectinload(Contact.affiliations),)


async def create(ctx: Ctx, message: pb.Contact) -> Contact:
    """Creates a contact with its first affiliation, which is a main one.

    Raises:
        Invalid: a field is missing or wrong; the employer is unknown to the caller.
        Conflict: the portal subject is taken.
    """
    if message.affiliation is None:
        raise Invalid(
            "FIELD_MISSING",
            "say where the person works: affiliation.customer_id",
            field="contact.affiliation",
        )
    employer = await _employer(ctx, message.affiliation.customer_id, "contact.affiliation.customer_id")
    contact = Contact(id=ctx.ids.new(), affiliations=[], **contact_map.values(message, prefix="contact."))
    await _settle_data(ctx, contact, set(CHANGEABLE))
    contact.affiliate(_affiliation(ctx, message.affiliation, primary=True))
    contact.settle(ctx.clock.today(), announce=False)
    _take_place(contact, employer)
    contact.created()
    ctx.add(contact)
    await _store(ctx, contact)
    return contact


async def update(ctx: Ctx, message: pb.Contact, mask: FieldMask | None, etag: str) -> Contact:
    """Changes a contact's own data.

    Raises:
        Invalid: a field is wrong or cannot be changed here.
        Conflict: the portal subject is taken.
    """
    contact = await ctx.get(Contact, message.id, etag=etag, options=WITH_AFFILIATIONS)
    changed = contact_map.apply(contact, message, mask, allowed=CHANGEABLE, prefix="contact.")
    if changed:
        await _settle_data(ctx, contact, changed)
        contact.updated(changed)
        ctx.touch_account(*filter(None, [contact.customer_id]))
        await ctx.flush()
    return contact


async def change_affiliation(ctx: Ctx, request: rpc.ChangeAffiliationRequest) -> Contact:
    """Ends the main affiliation and starts a new one on the same day; a day to come takes effect then (CUS-05).

    Raises:
        Invalid: the employer is unknown to the caller, or the days overlap others.
    """
    contact = await ctx.get(Contact, request.contact_id, etag=request.etag, options=WITH_AFFILIATIONS)
    employer = await _employer(ctx, request.customer_id, "customer_id")
    contact.change_affiliation(
        Affiliation(
            id=ctx.ids.new(),
            customer_id=employer.id,
            department_name=request.department_name,
            title=request.title,
            role=request.role,
            valid_from=_day(ctx, request.effective_date, "effective_date"),
            primary=True,
            in_force=False,
        )
    )
    await _settle_affiliations(ctx, contact)
    return contact


async def add_affiliation(ctx: Ctx, request: rpc.AddAffiliationRequest) -> Contact:
    """Adds an affiliation beside the main one, or one of the past.

    Raises:
        Invalid: the employer is unknown to the caller, or the days overlap others.
    """
    contact = await ctx.get(Contact, request.contact_id, etag=request.etag, options=WITH_AFFILIATIONS)
    message = request.affiliation or pb.Affiliation()
    await _employer(ctx, message.customer_id, "affiliation.customer_id")
    contact.affiliate(_affiliation(ctx, message, primary=request.primary))
    await _settle_affiliations(ctx, contact)
    return contact


async def end_affiliation(ctx: Ctx, request: rpc.EndAffiliationRequest) -> Contact:
    """Ends an affiliation without starting another.

    Raises:
        NotFound: the contact has no such affiliation.
        Conflict: it has ended already.
    """
    contact = await ctx.get(Contact, request.contact_id, etag=request.etag, options=WITH_AFFILIATIONS)
    today = ctx.clock.today()
    contact.end_affiliation(request.affiliation_id, _day(ctx, request.end_date, "end_date"), today)
    await _settle_affiliations(ctx, contact)
    return contact


async def settle_due(ctx: Ctx, contact_id: str) -> None:
    """Brings into force what begins or ends by today; nothing happens when that is done already."""
    query = select(Contact).where(Contact.id == contact_id).options(*WITH_AFFILIATIONS).with_for_update()
    contact = (await ctx.session.execute(query)).scalar_one_or_none()
    if contact is not None:
        await _settle_affiliations(ctx, contact, planned=False)


async def _settle_affiliations(ctx: Ctx, contact: Contact, *, planned: bool = True) -> None:
    """Applies affiliations as of today and publishes; `planned` publishes also when nothing takes effect yet."""
    before = contact.customer_id
    took_effect = contact.settle(ctx.clock.today())
    if contact.customer_id and contact.customer_id != before:
        query = select(Customer).where(Customer.id == contact.customer_id)
        employer = (await ctx.session.execute(query, execution_options={"unscoped": True})).scalar_one()
        _take_place(contact, employer)
    if took_effect or planned:
        contact.updated({"affiliation", "affiliations"} if took_effect else {"affiliations"})
    ctx.touch_account(*{each for each in (before, contact.customer_id) if each})
    await _store(ctx, contact)


def _take_place(contact: Contact, employer: Customer) -> None:
    """Copies to the contact's row what decides who sees it."""
    contact.department_id, contact.region_id = employer.department_id, employer.region_id
    contact.owner_id = employer.owner_id


async def _store(ctx: Ctx, contact: Contact) -> None:
    """Writes changes and sets the clock for the next day on which an affiliation begins or ends."""
    await ctx.flush()
    key = f"contact-affiliation:{contact.id}"
    due = next_boundary(contact.affiliations, ctx.clock.today())
    if due is not None:
        midnight = datetime.combine(due, time(), UTC)
        await ctx.schedule(ContactAffiliationDue(contact_id=contact.id), deliver_at=midnight, key=key)
    elif contact.version > 1:
        await ctx.cancel(key)
    ctx.touch_account(*filter(None, [contact.customer_id]))


def _affiliation(ctx: Ctx, message: pb.Affiliation, *, primary: bool) -> Affiliation:
    values = affiliation_map.values(message, prefix="affiliation.")
    values["valid_from"] = values["valid_from"] or ctx.clock.today()
    return Affiliation(id=ctx.ids.new(), primary=primary, in_force=False, **values)


def _day(ctx: Ctx, text: str, field: str) -> date:
    return parse_date(text, field) or ctx.clock.today()


async def _employer(ctx: Ctx, customer_id: str, field: str) -> Customer:
    query = select(Customer).where(Customer.id == customer_id)
    employer = (await ctx.session.execute(query)).scalar_one_or_none()
    if employer is None or employer.status is CustomerStatus.MERGED:
        raise Invalid(
            "CUSTOMER_UNKNOWN",
            f"there is no customer {customer_id!r} in use that you may see; search for it",
            field=field,
        )
    return employer


async def _settle_data(ctx: Ctx, contact: Contact, changed: set[str]) -> None:
    """Brings the changed fields into their one form and checks the portal subject."""
    with ctx.session.no_autoflush:
        contact.check()
        if "phones" in changed:
            contact.phones = phone_list(contact.phones, "contact.phones")
        if "emails" in changed:
            contact.emails = email_list(contact.emails, "contact.emails")
        if "portal_subject" in changed:
            contact.portal_subject = contact.portal_subject.strip().lower()
            if contact.portal_subject:
                await _require_free_subject(ctx, contact)
        contact.make_findable()


async def _require_free_subject(ctx: Ctx, contact: Contact) -> None:
    """One subject, one person: neither another contact's nor a member of staff's."""
    others = select(Contact.id).where(
        Contact.portal_subject == contact.portal_subject, Contact.id != contact.id
    )
    staff = select(Staff.id).where(Staff.email == contact.portal_subject)
    for query in (others, staff):
        found = await ctx.session.execute(query, execution_options={"unscoped": True})
        if found.scalars().first():
            raise Conflict(
                "SUBJECT_TAKEN",
                f"Somebody signs in as {contact.portal_subject!r} already. Choose another portal subject.",
                metadata={"portal_subject": contact.portal_subject},
            )
