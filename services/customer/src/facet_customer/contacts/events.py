"""Facts that contacts follow: the days on which their affiliations begin and end."""

from __future__ import annotations

from facet_contracts.facet.customer.v1.events_pb import ContactAffiliationDue
from facet_customer.contacts import service
from facet_kit.context import Ctx
from facet_kit.messaging.envelope import EventMeta
from facet_kit.messaging.handlers import Handlers

handlers = Handlers()


@handlers.on(ContactAffiliationDue)
async def settle_affiliations(ctx: Ctx, event: ContactAffiliationDue, meta: EventMeta) -> None:
    """Brings into force what begins or ends today (CUS-05)."""
    await service.settle_due(ctx, event.contact_id)
