"""Who a sign-in is: the member of staff with the e-mail address, else the contact with the portal subject."""

from __future__ import annotations

from sqlalchemy import func, select

from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_contracts.facet.customer.v1.resources_pb import CustomerRole, CustomerStatus, PrincipalKind
from facet_customer.contacts.model import Contact
from facet_customer.customers.model import Customer
from facet_customer.staff.model import Staff
from facet_customer.staff.service import staff_by_email
from facet_kit.context import Ctx
from facet_kit.errors import NotFound


async def resolve(ctx: Ctx, subject: str) -> pb.PrincipalRecord:
    """What the edge needs to make a principal of a subject.

    Raises:
        NotFound: nobody has the subject.
    """
    person = await staff_by_email(ctx, subject)
    if person is not None:
        return _of_staff(person)
    query = select(Contact).where(Contact.portal_subject == func.lower(subject.strip()))
    contact = (await ctx.session.execute(query)).scalar_one_or_none()
    if contact is None:
        raise NotFound("Principal", subject)
    employer: Customer | None = None
    if contact.customer_id:
        found = await ctx.session.execute(select(Customer).where(Customer.id == contact.customer_id))
        employer = found.scalar_one_or_none()
    return _of_contact(contact, employer)


def _of_staff(person: Staff) -> pb.PrincipalRecord:
    grants = person.grants
    return pb.PrincipalRecord(
        person_id=person.id,
        kind=PrincipalKind.STAFF,
        display_name=person.display_name,
        roles=sorted(person.roles),
        department_id=person.department_id,
        region_id=person.region_id,
        department_ids=sorted(grants.department_ids),
        region_ids=sorted(grants.region_ids),
        full_scope=grants.full_scope,
        active=person.active,
    )


def _of_contact(contact: Contact, employer: Customer | None) -> pb.PrincipalRecord:
    """A contact between two jobs, or of a customer out of use, may not sign in."""
    buys = employer is not None and CustomerRole.END_CUSTOMER in employer.roles
    outside = employer is not None and not buys
    return pb.PrincipalRecord(
        person_id=contact.id,
        kind=PrincipalKind.PARTNER if outside else PrincipalKind.CUSTOMER,
        display_name=contact.display_name,
        roles=["partner" if outside else "customer"],
        group_id=employer.group_id if employer is not None and buys else "",
        channel_id=employer.id if employer is not None and outside else "",
        active=employer is not None and employer.status is CustomerStatus.ACTIVE,
    )
