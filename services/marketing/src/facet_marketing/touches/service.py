"""Use cases of touches and of the frequency policy."""

from __future__ import annotations

from protobuf.wkt import Timestamp
from sqlalchemy import select

from facet_contracts.facet.marketing.v1 import events_pb as events
from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_contracts.facet.marketing.v1.resources_pb import ContactPurpose, DenialReason, TouchState
from facet_kit.context import Ctx
from facet_kit.entry import acting_department, require_fields
from facet_kit.errors import Invalid
from facet_kit.paging import ListSpec
from facet_kit.refs import CustomerRef
from facet_marketing.campaigns.model import Campaign
from facet_marketing.campaigns.policy import DO_NOT_PURSUE
from facet_marketing.campaigns.service import campaign_for_touch, is_addressed
from facet_marketing.consents.policy import refusal
from facet_marketing.consents.service import statements
from facet_marketing.touches import ledger
from facet_marketing.touches.mapping import policy_map, touch_map
from facet_marketing.touches.model import FrequencyPolicy, Touch
from facet_marketing.touches.policy import BUILT_IN, Frequency, Verdict, frequency_verdict

touch_list = ListSpec(
    Touch,
    fields={
        "customer_id": Touch.customer_id,
        "contact_id": Touch.contact_id,
        "channel": Touch.channel,
        "purpose": Touch.purpose,
        "campaign_id": Touch.campaign_id,
        "state": Touch.state,
        "denial_reason": Touch.denial_reason,
        "sender_id": Touch.sender_id,
        "department_id": Touch.department_id,
        "region_id": Touch.region_id,
        "touch_time": Touch.touch_time,
    },
    order=("touch_time",),
    default_order="touch_time desc",
)
policy_list = ListSpec(FrequencyPolicy, fields={"author_id": FrequencyPolicy.author_id})

_MESSAGES = {
    DenialReason.CAMPAIGN_NOT_ACTIVE: "The campaign is not running.",
    DenialReason.DO_NOT_PURSUE: "The strategy for this customer is not to pursue it.",
    DenialReason.OUTSIDE_AUDIENCE: "The campaign does not address this customer.",
    DenialReason.NO_CONSENT: "Nobody agreed to marketing through this channel.",
    DenialReason.CONSENT_WITHDRAWN: "The consent for this channel and purpose was withdrawn.",
}


async def create_touch(ctx: Ctx, asked: pb.Touch) -> Touch:
    """Asks to contact somebody: decides, and keeps the decision in the ledger, also when it is a denial (MKT-04).

    Decisions about one account or person are made one after the other, so that no two together exceed a cap.

    Raises:
        Invalid: a field is missing, or customer or campaign are unknown.
    """
    require_fields(asked, ("customer_id",), prefix="touch")
    customer = await ctx.customer(asked.customer_id)
    campaign = await _campaign(ctx, asked.campaign_id)
    touch = Touch(**touch_map.values(asked))
    if campaign is not None:
        touch.channel, touch.purpose = asked.channel or campaign.channel, asked.purpose or campaign.purpose
    missing = [name for name in ("channel", "purpose") if not getattr(touch, name)]
    if missing:
        raise Invalid.many(
            [(f"touch.{name}", "is required without a campaign") for name in missing], reason="REQUIRED"
        )
    touch.touch_time, touch.sender_id = ctx.clock.now(), ctx.principal.person_id
    touch.department_id, touch.region_id = acting_department(ctx, customer), customer.region_id
    await ledger.lock(ctx, touch.customer_id, touch.contact_id)
    _settle(touch, await _verdict(ctx, touch, customer, campaign))
    ctx.add(touch)
    if touch.state is TouchState.SENT:
        touch.record(lambda: events.TouchRecorded(touch=touch_map.to_message(touch)))
    else:
        touch.record(lambda: events.TouchDenied(touch=touch_map.to_message(touch)))
    ctx.touch_account(touch.customer_id)
    await ctx.flush()
    return touch


async def _campaign(ctx: Ctx, campaign_id: str) -> Campaign | None:
    if not campaign_id:
        return None
    campaign = await campaign_for_touch(ctx, campaign_id)
    if campaign is None:
        raise Invalid("CAMPAIGN_UNKNOWN", f"There is no campaign {campaign_id!r}.", field="touch.campaign_id")
    return campaign


def _settle(touch: Touch, verdict: Verdict) -> None:
    touch.state = TouchState.DENIED if verdict.denied else TouchState.SENT
    touch.weight, touch.denial_reason = verdict.weight, verdict.reason
    touch.denial_message, touch.next_allowed_time = verdict.message, verdict.next_allowed


async def _verdict(ctx: Ctx, touch: Touch, customer: CustomerRef, campaign: Campaign | None) -> Verdict:
    """Campaign and strategy first, then what the customer said, then how much he was told of late."""
    reason = await _strategy_refusal(ctx, touch, customer, campaign)
    if reason is None:
        said = await statements(ctx, touch.customer_id, touch.contact_id, touch.channel, touch.purpose)
        reason = refusal(touch.purpose, said)
    if reason is not None:
        return Verdict(reason=reason, message=_MESSAGES[reason])
    policy = await frequency(ctx)
    received = await ledger.read(ctx, policy, touch.customer_id, touch.contact_id, now=touch.touch_time)
    return frequency_verdict(
        policy,
        received,
        now=touch.touch_time,
        channel=touch.channel,
        purpose=touch.purpose,
        to_person=bool(touch.contact_id),
    )


async def _strategy_refusal(
    ctx: Ctx, touch: Touch, customer: CustomerRef, campaign: Campaign | None
) -> DenialReason | None:
    if campaign is not None and not campaign.runs_on(touch.touch_time.date()):
        return DenialReason.CAMPAIGN_NOT_ACTIVE
    wooing = campaign is not None or touch.purpose is ContactPurpose.MARKETING
    if wooing and customer.relationship_strategy == DO_NOT_PURSUE:
        return DenialReason.DO_NOT_PURSUE
    if campaign is not None and not await is_addressed(ctx, campaign, customer.customer_id):
        return DenialReason.OUTSIDE_AUDIENCE
    return None


async def complain(ctx: Ctx, touch_id: str, etag: str, *, complaint: str) -> Touch:
    """Notes that the person complained; contacts stop until the cool-down is over.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Conflict: nobody was contacted, or the complaint is noted already.
    """
    touch = await ctx.get(Touch, touch_id, etag=etag, for_update=True)
    # A decision under way must not miss the complaint.
    await ledger.lock(ctx, touch.customer_id, touch.contact_id)
    touch.complain(ctx.clock.now(), complaint=complaint)
    until = Timestamp.from_datetime(ctx.clock.now() + (await frequency(ctx)).cool_down)
    touch.record(lambda: events.TouchComplained(touch=touch_map.to_message(touch), cool_down_end_time=until))
    ctx.touch_account(touch.customer_id)
    await ctx.flush()
    return touch


async def create_policy(ctx: Ctx, asked: pb.FrequencyPolicy) -> FrequencyPolicy:
    """Sets a new frequency policy, which holds at once.

    Raises:
        Invalid: a channel is weighed twice, or a cap lets nothing through that it should.
    """
    weights: dict[str, int] = {}
    for place, each in enumerate(asked.channel_weights):
        if each.channel.name in weights:
            field = f"frequency_policy.channel_weights[{place}].channel"
            raise Invalid("CHANNEL_TWICE", "the channel has a weight already", field=field)
        weights[each.channel.name] = each.weight
    if asked.account_cap < asked.person_cap:
        message = "an account cannot receive less than one of its people"
        raise Invalid("CAPS", message, field="frequency_policy.account_cap")
    policy = FrequencyPolicy(**policy_map.values(asked))
    policy.channel_weights, policy.author_id = weights, ctx.principal.person_id
    ctx.add(policy)
    policy.record(lambda: events.FrequencyPolicyCreated(frequency_policy=policy_map.to_message(policy)))
    await ctx.flush()
    return policy


async def policy_in_force(ctx: Ctx) -> FrequencyPolicy | None:
    """The newest policy; None before any was set."""
    query = (
        select(FrequencyPolicy)
        .where(FrequencyPolicy.create_time <= ctx.clock.now())
        .order_by(FrequencyPolicy.create_time.desc(), FrequencyPolicy.id.desc())
        .limit(1)
    )
    return (await ctx.session.execute(query)).scalar_one_or_none()


async def frequency(ctx: Ctx) -> Frequency:
    """The caps and weights that hold now."""
    policy = await policy_in_force(ctx)
    return BUILT_IN if policy is None else policy.frequency()
