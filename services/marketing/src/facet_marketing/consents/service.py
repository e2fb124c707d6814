"""Use cases of consents, and what holds for a contact that is about to be made."""

from __future__ import annotations

from sqlalchemy import select

from facet_contracts.facet.marketing.v1 import events_pb as events
from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_contracts.facet.marketing.v1.consent_service_pb import ListConsentChangesRequest
from facet_contracts.facet.marketing.v1.resources_pb import ConsentState, ContactChannel, ContactPurpose
from facet_kit.context import Ctx
from facet_kit.entry import require_fields
from facet_kit.errors import Conflict
from facet_kit.paging import ListSpec
from facet_marketing.consents.mapping import consent_map
from facet_marketing.consents.model import Consent, ConsentChange

consent_list = ListSpec(
    Consent,
    fields={
        "customer_id": Consent.customer_id,
        "contact_id": Consent.contact_id,
        "channel": Consent.channel,
        "purpose": Consent.purpose,
        "state": Consent.state,
        "department_id": Consent.department_id,
        "region_id": Consent.region_id,
        "state_time": Consent.state_time,
    },
    order=("state_time",),
)
change_list = ListSpec(
    ConsentChange,
    fields={
        "state": ConsentChange.state,
        "actor_id": ConsentChange.actor_id,
        "change_time": ConsentChange.change_time,
    },
    order=("change_time",),
    default_order="change_time",
)


async def create_consent(ctx: Ctx, asked: pb.Consent) -> Consent:
    """Records the first statement about a channel and purpose.

    Raises:
        Invalid: a field is missing, or the customer is unknown.
        Conflict: there is a statement already.
    """
    require_fields(asked, ("customer_id", "channel", "purpose", "state", "source"), prefix="consent")
    customer = await ctx.customer(asked.customer_id)
    present = await ctx.session.execute(
        select(Consent.id).where(
            Consent.customer_id == asked.customer_id,
            Consent.contact_id == asked.contact_id,
            Consent.channel == asked.channel,
            Consent.purpose == asked.purpose,
        )
    )
    known = present.scalar_one_or_none()
    if known is not None:
        raise Conflict(
            "CONSENT_EXISTS",
            f"There is a statement about this channel and purpose already: grant or withdraw the consent {known!r}.",
            metadata={"consent_id": known},
        )
    consent = Consent(**consent_map.values(asked))
    consent.state_time = ctx.clock.now()
    consent.department_id, consent.region_id = customer.department_id, customer.region_id
    ctx.add(consent)
    await ctx.flush()
    await _tell(ctx, consent)
    return consent


async def turn_consent(ctx: Ctx, consent_id: str, etag: str, state: ConsentState, *, source: str) -> Consent:
    """Takes another statement in place of the present one. The etag is compared where the caller names one.

    Raises:
        NotFound, Stale: see Ctx.get.
        Conflict: that is what holds already.
    """
    consent = await ctx.get(Consent, consent_id, etag=etag or None, for_update=True)
    consent.turn(state, source=source, at=ctx.clock.now())
    await _tell(ctx, consent)
    return consent


async def _tell(ctx: Ctx, consent: Consent) -> None:
    """Keeps the statement in the history and announces it."""
    change = ConsentChange(
        id=ctx.ids.new(),
        consent_id=consent.id,
        state=consent.state,
        source=consent.source,
        actor_id=ctx.principal.person_id,
        actor_name=ctx.principal.name,
        change_time=consent.state_time,
    )
    ctx.add(change)
    if consent.state is ConsentState.GRANTED:
        consent.record(lambda: events.ConsentGranted(consent=consent_map.to_message(consent)))
    else:
        consent.record(lambda: events.ConsentWithdrawn(consent=consent_map.to_message(consent)))
    ctx.touch_account(consent.customer_id)
    await ctx.flush()


async def list_changes(ctx: Ctx, request: ListConsentChangesRequest) -> tuple[list[ConsentChange], str]:
    """A page of everything that was said about a consent.

    Raises:
        NotFound: the caller may not see the consent.
    """
    await ctx.get(Consent, request.consent_id)
    query = select(ConsentChange).where(ConsentChange.consent_id == request.consent_id)
    return await change_list.page(ctx, request, query)


async def statements(
    ctx: Ctx, customer_id: str, contact_id: str, channel: ContactChannel, purpose: ContactPurpose
) -> list[ConsentState]:
    """What holds for a contact: the account's statement and, for a person, everything he said, under whatever account.

    Looks over all statements, also those that the caller may not see: a withdrawal binds everybody.
    """
    table = Consent.__table__.c
    who = (table.customer_id == customer_id) & (table.contact_id == "")
    if contact_id:
        who |= table.contact_id == contact_id
    query = select(table.state).where(
        who, table.channel == channel, table.purpose == purpose, table.delete_time.is_(None)
    )
    return list((await ctx.session.execute(query)).scalars())
