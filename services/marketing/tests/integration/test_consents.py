"""Consents through the real pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from facet_contracts.facet.marketing.v1 import consent_service_pb as rpc
from facet_contracts.facet.marketing.v1 import events_pb as events
from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_contracts.facet.marketing.v1.resources_pb import (
    ConsentState,
    ContactChannel,
    DenialReason,
    TouchState,
)
from facet_kit.errors import Conflict, Invalid, NotFound, Stale
from facet_kit.testing.principals import a_principal

if TYPE_CHECKING:
    from conftest import Marketing


async def test_a_consent_keeps_the_whole_history_of_what_was_said(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer(department_id="d", region_id="r")
    consent = await marketing.consent(customer)
    assert (consent.state, consent.department_id, consent.region_id) == (ConsentState.GRANTED, "d", "r")
    consent = await marketing.withdraw(consent)
    again = rpc.GrantConsentRequest(consent_id=consent.id, source="fair", etag=consent.etag)
    consent = await marketing.call("grant_consent", again)
    history = await marketing.call(
        "list_consent_changes", rpc.ListConsentChangesRequest(consent_id=consent.id)
    )
    assert [(c.state.name, c.source, c.actor_id) for c in history.changes] == [
        ("GRANTED", "web form", marketing.manager.id),
        ("WITHDRAWN", "call", marketing.manager.id),
        ("GRANTED", "fair", marketing.manager.id),
    ]
    told = [
        type(e).__name__
        for e in await marketing.service.events()
        if getattr(e, "consent", None) and e.consent.id == consent.id
    ]
    assert told == ["ConsentGranted", "ConsentWithdrawn", "ConsentGranted"]


@pytest.mark.parametrize(
    "statement", ["UPDATE consent_changes SET source = 'forged'", "DELETE FROM consent_changes"]
)
async def test_the_database_refuses_to_rewrite_the_history(marketing: Marketing, statement: str) -> None:
    await marketing.consent(await marketing.service.given_customer())
    async with marketing.service.session() as session:
        with pytest.raises(DBAPIError, match="never changed"):
            await session.execute(text(statement))


async def test_there_is_one_consent_per_channel_and_purpose(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer()
    consent = await marketing.consent(customer)
    with pytest.raises(Conflict) as refused:
        await marketing.consent(customer, state=ConsentState.WITHDRAWN)
    assert refused.value.metadata == {"consent_id": consent.id}
    await marketing.consent(customer, contact_id="someone")
    await marketing.consent(customer, channel=ContactChannel.SMS)


async def test_what_holds_already_is_not_said_again(marketing: Marketing) -> None:
    consent = await marketing.withdraw(await marketing.consent(await marketing.service.given_customer()))
    with pytest.raises(Conflict) as refused:
        await marketing.withdraw(consent)
    assert refused.value.metadata == {"state": "WITHDRAWN", "verb": "withdraw"}


async def test_taking_a_consent_back_needs_no_etag_but_minds_a_stale_one(marketing: Marketing) -> None:
    consent = await marketing.consent(await marketing.service.given_customer())
    with pytest.raises(Stale):
        await marketing.withdraw(consent, etag="v7")
    assert (await marketing.withdraw(consent)).state is ConsentState.WITHDRAWN


async def test_a_withdrawal_blocks_the_very_next_contact(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer()
    consent = await marketing.consent(customer)
    ad = {"purpose": pb.ContactPurpose.MARKETING}
    assert (await marketing.touch(customer, **ad)).state is TouchState.SENT
    await marketing.withdraw(consent)
    blocked = await marketing.touch(customer, **ad)
    assert (blocked.state, blocked.denial_reason) == (TouchState.DENIED, DenialReason.CONSENT_WITHDRAWN)


async def test_a_persons_withdrawal_binds_under_every_account(marketing: Marketing) -> None:
    old, new = await marketing.service.given_customer(), await marketing.service.given_customer()
    await marketing.consent(old, contact_id="ann", state=ConsentState.WITHDRAWN)
    await marketing.consent(new)
    ad = {"purpose": pb.ContactPurpose.MARKETING}
    assert (
        await marketing.touch(new, contact_id="ann", **ad)
    ).denial_reason is DenialReason.CONSENT_WITHDRAWN
    assert (await marketing.touch(new, contact_id="bob", **ad)).state is TouchState.SENT


async def test_a_consent_says_who_what_and_where(marketing: Marketing) -> None:
    with pytest.raises(Invalid) as refused:
        await marketing.call(
            "create_consent",
            rpc.CreateConsentRequest(
                consent=pb.Consent(channel=ContactChannel.EMAIL, purpose=pb.ContactPurpose.MARKETING)
            ),
        )
    assert {v.field for v in refused.value.violations} == {
        "consent.customer_id",
        "consent.state",
        "consent.source",
    }


async def test_a_customers_user_minds_the_consents_of_his_own_group(marketing: Marketing) -> None:
    customer, stranger = await marketing.service.given_customer(), await marketing.service.given_customer()
    user = a_principal("customer", group_id=customer.group_id)
    consent = await marketing.consent(customer, user)
    assert (await marketing.withdraw(consent, user)).state is ConsentState.WITHDRAWN
    foreign = await marketing.consent(stranger)
    with pytest.raises(NotFound):
        await marketing.withdraw(foreign, user)
    with pytest.raises(NotFound):
        await marketing.call(
            "list_consent_changes", rpc.ListConsentChangesRequest(consent_id=foreign.id), user
        )
    listed = await marketing.call("list_consents", rpc.ListConsentsRequest(), user)
    assert [each.id for each in listed.consents] == [consent.id]


async def test_an_empty_scope_sees_no_consent(marketing: Marketing) -> None:
    consent = await marketing.consent(await marketing.service.given_customer(region_id="r"))
    nobody = a_principal("sales_rep")
    assert list((await marketing.call("list_consents", rpc.ListConsentsRequest(), nobody)).consents) == []
    with pytest.raises(NotFound):
        await marketing.call("get_consent", rpc.GetConsentRequest(consent_id=consent.id), nobody)


async def test_consents_are_filtered_by_what_holds(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer()
    await marketing.consent(customer)
    no = await marketing.consent(customer, channel=ContactChannel.PHONE, state=ConsentState.WITHDRAWN)
    request = rpc.ListConsentsRequest(filter=f'customer_id = "{customer.customer_id}" AND state = WITHDRAWN')
    assert list((await marketing.call("list_consents", request)).consents) == [no]
    assert any(e.consent.id == no.id for e in await marketing.service.events(events.ConsentWithdrawn))
