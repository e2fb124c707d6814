"""What decision trees hear of contacts: their names and titles, and their moves to another employer."""

from __future__ import annotations

from datetime import date

from facet_contracts.facet.customer.v1.events_pb import (
    ContactAffiliationChanged,
    ContactCreated,
    ContactUpdated,
)
from facet_kit.context import Ctx
from facet_kit.messaging.envelope import EventMeta
from facet_kit.messaging.handlers import Handlers
from facet_project.decision_trees import contacts

handlers = Handlers()


async def keep_contact_names(ctx: Ctx, event: ContactCreated | ContactUpdated, meta: EventMeta) -> None:
    """Shows contacts on their seats as their records say."""
    if event.contact:
        await contacts.remember_contact(ctx, event.contact)


# One function, so that an older event never overwrites what a newer one of the contact has set.
handlers.on(ContactCreated)(keep_contact_names)
handlers.on(ContactUpdated)(keep_contact_names)


@handlers.on(ContactAffiliationChanged, additive=True)
async def mark_seats_vacant(ctx: Ctx, event: ContactAffiliationChanged, meta: EventMeta) -> None:
    """A contact who leaves an employer leaves his seats there. Every move counts, in whatever order."""
    if event.contact is None or event.ended is None:
        return
    today = meta.time.date()
    since = date.fromisoformat(event.ended.valid_to) if event.ended.valid_to else today
    await contacts.vacate_seats_of(
        ctx, event.contact, left_customer_id=event.ended.customer_id, since=since, today=today
    )
