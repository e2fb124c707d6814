"""What becomes of seats when the records of contacts change elsewhere: names, titles, and moves to another employer."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from facet_contracts.facet.customer.v1.resources_pb import Contact
from facet_contracts.facet.project.v1 import events_pb as events
from facet_kit.context import Ctx
from facet_kit.refs import CustomerRef
from facet_project.decision_trees.editing import editing
from facet_project.decision_trees.model import ContactRef, DecisionNode


async def remember_contact(ctx: Ctx, contact: Contact) -> None:
    """Keeps a contact's name and title, here and on the seats that the contact holds."""
    title = contact.affiliation.title if contact.affiliation else ""
    values = {"display_name": contact.display_name, "title": title}
    statement = insert(ContactRef).values(contact_id=contact.id, **values)
    await ctx.session.execute(statement.on_conflict_do_update(index_elements=["contact_id"], set_=values))
    for project_id, seats in (await _seats_by_project(ctx, contact.id)).items():
        if all((seat.contact_name, seat.contact_title) == (contact.display_name, title) for seat in seats):
            continue
        async with editing(ctx, project_id) as edit:
            for seat in edit.seats_of(contact.id):
                seat.contact_name, seat.contact_title = contact.display_name, title
                edit.touch(seat)


async def vacate_seats_of(
    ctx: Ctx, contact: Contact, *, left_customer_id: str, since: date, today: date
) -> None:
    """Marks every seat vacant that the contact holds for an organisation that is no longer his employer (PRJ-03).

    An organisation is left when the contact left it or a member below it, and no running affiliation is with it or a
    member below it. `today` is the day the move became known.
    """
    left = await _lineage(ctx, left_customer_id)
    staying: set[str] = set()
    for affiliation in contact.affiliations:
        if affiliation.valid_from <= today.isoformat() and (
            not affiliation.valid_to or affiliation.valid_to > today.isoformat()
        ):
            staying |= await _lineage(ctx, affiliation.customer_id)
    for project_id in await _seats_by_project(ctx, contact.id):
        async with editing(ctx, project_id) as edit:
            for seat in edit.seats_of(contact.id):
                if edit.organization_of(seat) in left - staying:
                    seat.vacate(since, events.VacancyReason.CONTACT_MOVED, project=edit.project.display_name)
                    edit.touch(seat)


async def _seats_by_project(ctx: Ctx, contact_id: str) -> dict[str, list[DecisionNode]]:
    """The seats a contact holds, by project in a fixed order, so that concurrent handlers lock alike."""
    query = (
        select(DecisionNode).where(DecisionNode.contact_id == contact_id).order_by(DecisionNode.project_id)
    )
    found: dict[str, list[DecisionNode]] = {}
    for seat in await ctx.session.scalars(query):
        found.setdefault(seat.project_id, []).append(seat)
    return found


async def _lineage(ctx: Ctx, customer_id: str) -> set[str]:
    """The customer and all above it in its group."""
    found = await ctx.session.get(CustomerRef, customer_id)
    return {customer_id, *(found.ancestor_ids if found else ())}
