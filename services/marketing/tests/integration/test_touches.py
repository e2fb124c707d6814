"""The frequency ledger through the real pipeline: decisions, races, complaints (MKT-04)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import pytest_asyncio

from facet_contracts.facet.marketing.v1 import events_pb as events
from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_contracts.facet.marketing.v1 import touch_service_pb as rpc
from facet_contracts.facet.marketing.v1.resources_pb import (
    ContactChannel,
    ContactPurpose,
    DenialReason,
    TouchState,
)
from facet_kit.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionMissing
from facet_kit.testing.principals import a_principal

if TYPE_CHECKING:
    from conftest import Marketing

NOW = datetime.now(UTC)


@pytest_asyncio.fixture(autouse=True)
async def policy(marketing: Marketing) -> pb.FrequencyPolicy:
    """Thirty days, four a person, twenty an account, a call counts two, ninety days of silence."""
    weights = [pb.ChannelWeight(channel=ContactChannel.PHONE, weight=2)]
    return await marketing.policy(channel_weights=weights)


async def complain(marketing: Marketing, touch: pb.Touch, principal: Any = None) -> pb.Touch:
    request = rpc.ComplainTouchRequest(touch_id=touch.id, complaint="hung up", etag=touch.etag)
    return await marketing.call("complain_touch", request, principal)


@pytest.mark.capability("MKT-04")
async def test_fifty_contacts_at_once_never_exceed_the_persons_cap(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer()
    touches = await asyncio.gather(*(marketing.touch(customer, contact_id="ann-race") for _ in range(50)))
    sent = [touch for touch in touches if touch.state is TouchState.SENT]
    assert len(sent) == 4
    assert {touch.denial_reason for touch in touches if touch not in sent} == {DenialReason.PERSON_CAP}


@pytest.mark.capability("MKT-04")
async def test_fifty_contacts_of_many_people_at_once_never_exceed_the_accounts_cap(
    marketing: Marketing,
) -> None:
    customer = await marketing.service.given_customer()
    touches = await asyncio.gather(
        *(
            marketing.touch(customer, contact_id=f"{customer.customer_id}-{n}", channel=ContactChannel.PHONE)
            for n in range(50)
        )
    )
    sent = [touch for touch in touches if touch.state is TouchState.SENT]
    assert (len(sent), sum(touch.weight for touch in sent)) == (10, 20)
    assert {touch.denial_reason for touch in touches if touch not in sent} == {DenialReason.ACCOUNT_CAP}


async def test_one_person_reached_through_two_accounts_at_once_has_one_cap(marketing: Marketing) -> None:
    accounts = [await marketing.service.given_customer() for _ in range(2)]
    touches = await asyncio.gather(
        *(marketing.touch(accounts[n % 2], contact_id="ann-two-jobs") for n in range(20))
    )
    assert sum(touch.state is TouchState.SENT for touch in touches) == 4


@pytest.mark.capability("MKT-04")
async def test_a_denied_contact_is_kept_with_its_reason(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer(department_id="d", region_id="r")
    for _ in range(4):
        await marketing.touch(customer, contact_id="ann-denied")
    denied = await marketing.touch(customer, contact_id="ann-denied")
    assert (denied.state, denied.denial_reason, denied.weight) == (
        TouchState.DENIED,
        DenialReason.PERSON_CAP,
        0,
    )
    assert "4 of 4" in denied.denial_message
    assert denied.next_allowed_time.to_datetime() > NOW + timedelta(days=29)
    assert (denied.department_id, denied.region_id, denied.sender_id) == ("d", "r", marketing.manager.id)
    kept = await marketing.call("get_touch", rpc.GetTouchRequest(touch_id=denied.id))
    assert kept == denied
    assert denied.id in [e.touch.id for e in await marketing.service.events(events.TouchDenied)]


@pytest.mark.capability("MKT-04")
async def test_what_carries_out_an_order_is_exempt_and_counts_nothing(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer(relationship_strategy="DO_NOT_PURSUE")
    for _ in range(5):
        await marketing.touch(customer, contact_id="ann-invoice")
    invoice = await marketing.touch(customer, contact_id="ann-invoice", purpose=ContactPurpose.TRANSACTIONAL)
    assert (invoice.state, invoice.weight) == (TouchState.SENT, 0)
    recorded = [e.touch.id for e in await marketing.service.events(events.TouchRecorded)]
    assert invoice.id in recorded


@pytest.mark.capability("MKT-04")
async def test_the_window_rolls(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer()
    later = NOW + timedelta(days=365)
    for hour in range(4):
        await marketing.touch(customer, marketing.at(later + timedelta(hours=hour)), contact_id="ann-window")

    async def state(after: timedelta) -> TouchState:
        return (await marketing.touch(customer, marketing.at(later + after), contact_id="ann-window")).state

    assert await state(timedelta(days=29, hours=23)) is TouchState.DENIED
    assert await state(timedelta(days=30)) is TouchState.SENT
    assert await state(timedelta(days=30)) is TouchState.DENIED


@pytest.mark.capability("MKT-04")
async def test_a_complaint_brings_silence(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer()
    touch = await marketing.touch(customer, contact_id="ann-angry")
    complained = await complain(marketing, touch)
    assert complained.complaint == "hung up"
    quiet = await marketing.touch(customer, contact_id="ann-angry")
    assert quiet.denial_reason is DenialReason.COOL_DOWN
    assert (await marketing.touch(customer, contact_id="bob-calm")).state is TouchState.SENT
    after = marketing.at(NOW + timedelta(days=91))
    assert (await marketing.touch(customer, after, contact_id="ann-angry")).state is TouchState.SENT
    told = [e for e in await marketing.service.events(events.TouchComplained) if e.touch.id == touch.id]
    assert told[0].cool_down_end_time.to_datetime() > NOW + timedelta(days=89)
    for again in (complained, quiet):
        with pytest.raises(Conflict):
            await complain(marketing, again)
    with pytest.raises(PreconditionMissing):
        await complain(marketing, pb.Touch(id=touch.id))


async def test_a_complaint_of_the_whole_account_silences_all_its_people(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer()
    await complain(marketing, await marketing.touch(customer))
    assert (await marketing.touch(customer, contact_id="anybody")).denial_reason is DenialReason.COOL_DOWN


async def test_marketing_needs_consent_and_a_strategy_that_wants_the_customer(marketing: Marketing) -> None:
    ad = {"purpose": ContactPurpose.MARKETING}
    customer = await marketing.service.given_customer()
    assert (await marketing.touch(customer, **ad)).denial_reason is DenialReason.NO_CONSENT
    await marketing.consent(customer)
    assert (await marketing.touch(customer, **ad)).state is TouchState.SENT
    unwanted = await marketing.service.given_customer(relationship_strategy="DO_NOT_PURSUE")
    await marketing.consent(unwanted)
    assert (await marketing.touch(unwanted, **ad)).denial_reason is DenialReason.DO_NOT_PURSUE
    assert (await marketing.touch(unwanted)).state is TouchState.SENT, "service is rendered all the same"


async def test_a_campaign_touches_only_while_it_runs_and_only_its_audience(marketing: Marketing) -> None:
    node = marketing.service.ids.new()
    inside = await marketing.service.given_customer(node_ids=[node])
    outside = await marketing.service.given_customer()
    for customer in (inside, outside):
        await marketing.consent(customer)
    campaign = await marketing.campaign(
        audience=pb.AudienceFilter(include=[pb.NodeGroup(node_ids=[node])]), end_date="2099-12-31"
    )
    by_default = {"campaign_id": campaign.id, "channel": 0, "purpose": 0}
    assert (await marketing.touch(inside, **by_default)).denial_reason is DenialReason.CAMPAIGN_NOT_ACTIVE
    await marketing.activate(campaign)
    sent = await marketing.touch(inside, **by_default)
    assert (sent.state, sent.channel, sent.purpose) == (
        TouchState.SENT,
        ContactChannel.EMAIL,
        ContactPurpose.MARKETING,
    )
    assert (await marketing.touch(outside, **by_default)).denial_reason is DenialReason.OUTSIDE_AUDIENCE
    too_late = marketing.at(datetime(2100, 1, 1, tzinfo=UTC))
    assert (
        await marketing.touch(inside, too_late, **by_default)
    ).denial_reason is DenialReason.CAMPAIGN_NOT_ACTIVE


async def test_a_representative_touches_for_a_campaign_he_cannot_read(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer(region_id="reps")
    await marketing.consent(customer)
    campaign = await marketing.activate(await marketing.campaign())
    rep = a_principal("sales_rep", region_ids={"reps"}, department_id="field")
    touch = await marketing.touch(customer, rep, campaign_id=campaign.id, channel=0, purpose=0)
    assert (touch.state, touch.department_id) == (TouchState.SENT, "field")


async def test_the_ledger_counts_contacts_that_the_caller_may_not_read(marketing: Marketing) -> None:
    north = await marketing.service.given_customer(region_id="n1")
    south = await marketing.service.given_customer(region_id="s1")
    for _ in range(4):
        await marketing.touch(north, contact_id="ann-moved")
    rep = a_principal("sales_rep", region_ids={"s1"})
    assert (
        await marketing.touch(south, rep, contact_id="ann-moved")
    ).denial_reason is DenialReason.PERSON_CAP


async def test_a_touch_says_whom_and_how(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer()
    with pytest.raises(Invalid) as refused:
        await marketing.touch(customer, channel=0, purpose=0)
    assert {v.field for v in refused.value.violations} == {"touch.channel", "touch.purpose"}
    with pytest.raises(Invalid) as unknown:
        await marketing.touch(customer, campaign_id="none")
    assert unknown.value.reason == "CAMPAIGN_UNKNOWN"


async def test_an_empty_scope_sees_no_touch_and_a_sender_his_own(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer(region_id="x1")
    sender = a_principal("sales_rep", region_ids={"x1"})
    touch = await marketing.touch(customer, sender)
    nobody = a_principal("sales_rep")
    assert list((await marketing.call("list_touches", rpc.ListTouchesRequest(), nobody)).touches) == []
    with pytest.raises(NotFound):
        await marketing.call("get_touch", rpc.GetTouchRequest(touch_id=touch.id), nobody)
    moved_away = a_principal("sales_rep", id=sender.id)
    listed = await marketing.call("list_touches", rpc.ListTouchesRequest(), moved_away)
    assert [each.id for each in listed.touches] == [touch.id]


async def test_touches_are_filtered_latest_first(marketing: Marketing) -> None:
    customer = await marketing.service.given_customer()
    made = [
        await marketing.touch(customer, marketing.at(NOW + timedelta(hours=hour)), subject=str(hour))
        for hour in (2, 1, 3)
    ]
    assert all(touch.state is TouchState.SENT for touch in made)
    request = rpc.ListTouchesRequest(filter=f'customer_id = "{customer.customer_id}" AND state = SENT')
    assert [t.subject for t in (await marketing.call("list_touches", request)).touches] == ["3", "2", "1"]


async def test_the_newest_policy_holds_and_the_others_are_kept(
    marketing: Marketing, policy: pb.FrequencyPolicy
) -> None:
    newer = await marketing.policy(person_cap=0, account_cap=0)
    effective = await marketing.call(
        "get_effective_frequency_policy", rpc.GetEffectiveFrequencyPolicyRequest()
    )
    assert effective == newer
    denied = await marketing.touch(await marketing.service.given_customer(), contact_id="ann-zero")
    assert denied.denial_reason is DenialReason.PERSON_CAP
    kept = await marketing.call(
        "get_frequency_policy", rpc.GetFrequencyPolicyRequest(frequency_policy_id=policy.id)
    )
    assert kept == policy
    listed = await marketing.call("list_frequency_policies", rpc.ListFrequencyPoliciesRequest(page_size=1))
    assert list(listed.frequency_policies) == [newer]


async def test_a_policy_that_makes_no_sense_is_refused(marketing: Marketing) -> None:
    twice = [pb.ChannelWeight(channel=ContactChannel.SMS, weight=n) for n in (1, 2)]
    for fields in ({"account_cap": 3}, {"channel_weights": twice}, {"window_days": 0}):
        with pytest.raises(Invalid):
            await marketing.policy(**fields)


async def test_only_marketing_sets_the_policy(marketing: Marketing) -> None:
    request = rpc.CreateFrequencyPolicyRequest(
        frequency_policy=pb.FrequencyPolicy(window_days=1, person_cap=99, account_cap=99)
    )
    with pytest.raises(Forbidden):
        await marketing.call("create_frequency_policy", request, a_principal("sales_rep"))
