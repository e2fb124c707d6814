"""Use cases of campaigns and their audiences."""

from __future__ import annotations

from collections.abc import Sequence

from protobuf.wkt import FieldMask, Timestamp
from sqlalchemy import func, select

from facet_contracts.facet.marketing.v1 import events_pb as events
from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_contracts.facet.marketing.v1.campaign_service_pb import (
    Audience,
    AudienceRegion,
    ListAudienceMembersRequest,
)
from facet_contracts.facet.marketing.v1.resources_pb import CampaignState
from facet_contracts.facet.type.v1.account_pb import AccountSummaryChanged
from facet_kit.context import Ctx
from facet_kit.entry import known_unit, require_fields
from facet_kit.errors import Conflict
from facet_kit.paging import ListSpec
from facet_kit.refs import CustomerRef
from facet_kit.summary import org_names
from facet_marketing.campaigns.audience import addressed
from facet_marketing.campaigns.mapping import campaign_map, stored_audience
from facet_marketing.campaigns.model import Campaign
from facet_marketing.campaigns.policy import AudienceRule

campaign_list = ListSpec(
    Campaign,
    fields={
        "display_name": Campaign.display_name,
        "state": Campaign.state,
        "channel": Campaign.channel,
        "purpose": Campaign.purpose,
        "owner_id": Campaign.owner_id,
        "department_id": Campaign.department_id,
        "region_id": Campaign.region_id,
        "start_date": Campaign.start_date,
        "end_date": Campaign.end_date,
    },
    order=("start_date", "display_name"),
    custom_fields=True,
)
member_list = ListSpec(
    CustomerRef,
    fields={
        "customer_id": CustomerRef.customer_id,
        "display_name": CustomerRef.name,
        "region_id": CustomerRef.region_id,
        "department_id": CustomerRef.department_id,
        "key_account": CustomerRef.key_account,
    },
    order=("customer_id", "display_name"),
    default_order="customer_id",
)
_EDITABLE = (
    "display_name",
    "goal",
    "segment_goal",
    "value_hypothesis",
    "stop_rule",
    "channel",
    "purpose",
    "budget",
    "start_date",
    "end_date",
    "owner_id",
    "department_id",
    "region_id",
    "custom_fields",
)
_ACCOUNTS_A_FACT = 1000


async def create_campaign(ctx: Ctx, asked: pb.Campaign) -> Campaign:
    """Drafts a campaign.

    Raises:
        Invalid: a field is missing or wrong, or department or region are unknown.
    """
    require_fields(asked, ("display_name", "channel", "purpose"), prefix="campaign")
    campaign = Campaign(**campaign_map.values(asked))
    campaign.state = CampaignState.DRAFT
    campaign.audience = stored_audience(asked.audience)
    campaign.owner_id = asked.owner_id or ctx.principal.person_id
    await _check_units(ctx, campaign)
    campaign.department_id = campaign.department_id or ctx.principal.department_id
    campaign.region_id = campaign.region_id or ctx.principal.region_id
    campaign.check()
    ctx.add(campaign)
    campaign.record(lambda: events.CampaignCreated(campaign=campaign_map.to_message(campaign)))
    await ctx.flush()
    return campaign


async def _check_units(ctx: Ctx, campaign: Campaign) -> None:
    await known_unit(ctx, campaign.department_id, "department", field="campaign.department_id")
    await known_unit(ctx, campaign.region_id, "region", field="campaign.region_id")


async def update_campaign(ctx: Ctx, asked: pb.Campaign, mask: FieldMask | None, etag: str) -> Campaign:
    """Changes a campaign; a running one keeps its strategy.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Conflict: it is over.
        Invalid: the mask names a field that cannot be changed, or a value is wrong.
    """
    campaign = await ctx.get(Campaign, asked.id, etag=etag, for_update=True)
    if campaign.state is CampaignState.COMPLETED:
        raise Conflict(
            "CAMPAIGN_COMPLETED",
            f"The campaign {campaign.display_name!r} is over; make a new one.",
            metadata={"state": campaign.state.name, "verb": "update"},
        )
    before = campaign.rule()
    with ctx.session.no_autoflush:
        changed = campaign_map.apply(
            campaign, asked, _without_audience(mask), allowed=_EDITABLE, prefix="campaign."
        )
        if _names_audience(asked, mask) and stored_audience(asked.audience) != campaign.audience:
            campaign.audience = stored_audience(asked.audience)
            changed.add("audience")
        if changed & {"department_id", "region_id"}:
            await _check_units(ctx, campaign)
        campaign.check()
    if changed:
        names = sorted(changed)
        campaign.record(
            lambda: events.CampaignUpdated(campaign=campaign_map.to_message(campaign), changed_fields=names)
        )
        if campaign.state is CampaignState.ACTIVE:
            await _tell_accounts(ctx, before, campaign.rule())
    await ctx.flush()
    return campaign


def _names_audience(asked: pb.Campaign, mask: FieldMask | None) -> bool:
    paths = list(mask.paths) if mask else []
    return (
        any(path.split(".")[0] in ("audience", "*") for path in paths)
        if paths
        else asked.audience is not None
    )


def _without_audience(mask: FieldMask | None) -> FieldMask | None:
    """The mask for the mapper, which knows nothing of audiences. One that names only that changes nothing."""
    if mask is None or not mask.paths:
        return mask
    rest = [path for path in mask.paths if path.split(".")[0] != "audience"]
    return FieldMask(paths=rest or ["id"])


async def activate(ctx: Ctx, campaign_id: str, etag: str) -> Campaign:
    """Starts a campaign, or goes on with it (MKT-02).

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Conflict: it is running or over.
        Invalid: it has no strategy, or its period is over.
    """
    campaign = await ctx.get(Campaign, campaign_id, etag=etag, for_update=True)
    campaign.activate(ctx.clock.now())
    campaign.record(lambda: events.CampaignActivated(campaign=campaign_map.to_message(campaign)))
    await _tell_accounts(ctx, campaign.rule())
    await ctx.flush()
    return campaign


async def pause(ctx: Ctx, campaign_id: str, etag: str) -> Campaign:
    """Halts a campaign.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Conflict: it does not run.
    """
    campaign = await ctx.get(Campaign, campaign_id, etag=etag, for_update=True)
    campaign.pause()
    campaign.record(lambda: events.CampaignPaused(campaign=campaign_map.to_message(campaign)))
    await _tell_accounts(ctx, campaign.rule())
    await ctx.flush()
    return campaign


async def complete(ctx: Ctx, campaign_id: str, etag: str) -> Campaign:
    """Ends a campaign.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Conflict: it neither runs nor is halted.
    """
    campaign = await ctx.get(Campaign, campaign_id, etag=etag, for_update=True)
    campaign.complete(ctx.clock.now())
    campaign.record(lambda: events.CampaignCompleted(campaign=campaign_map.to_message(campaign)))
    await _tell_accounts(ctx, campaign.rule())
    await ctx.flush()
    return campaign


async def _tell_accounts(ctx: Ctx, *rules: AudienceRule) -> None:
    """Says to the views of all addressed accounts and of the groups above them that their section changed.

    Over all customers, not only those the caller sees; in facts of bounded size, because an audience may be large.
    """
    refs = CustomerRef.__table__.c
    accounts: set[str] = set()
    for rule in set(rules):
        for path in (await ctx.session.execute(select(refs.ancestor_ids).where(addressed(rule)))).scalars():
            accounts.update(path)
    ordered = sorted(accounts)
    for start in range(0, len(ordered), _ACCOUNTS_A_FACT):
        part = ordered[start : start + _ACCOUNTS_A_FACT]
        ctx.publish(AccountSummaryChanged(account_ids=part), aggregate_id=part[0], version=0)


async def count(ctx: Ctx, rule: AudienceRule) -> Audience:
    """How many customers the rule addresses now, among those the caller may see."""
    query = select(CustomerRef.region_id, func.count()).where(addressed(rule)).group_by(CustomerRef.region_id)
    found = {region_id: int(size) for region_id, size in await ctx.session.execute(query)}
    names = await org_names(ctx, found)
    return Audience(
        member_count=sum(found.values()),
        by_region=[
            AudienceRegion(region_id=id, display_name=names.get(id, ""), member_count=size)
            for id, size in sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))
        ],
        as_of=Timestamp.from_datetime(ctx.clock.now()),
    )


async def list_members(ctx: Ctx, request: ListAudienceMembersRequest) -> tuple[list[CustomerRef], str]:
    """A page of whom a campaign addresses now, among those the caller may see.

    Raises:
        NotFound: the caller may not see the campaign.
    """
    campaign = await ctx.get(Campaign, request.campaign_id)
    query = select(CustomerRef).where(addressed(campaign.rule()))
    return await member_list.page(ctx, request, query)


async def campaign_for_touch(ctx: Ctx, campaign_id: str) -> Campaign | None:
    """A campaign by id for whoever touches on its behalf: he need not be allowed to read it."""
    query = select(Campaign).where(Campaign.id == campaign_id)
    return (await ctx.session.execute(query.execution_options(unscoped=True))).scalar_one_or_none()


async def is_addressed(ctx: Ctx, campaign: Campaign, customer_id: str) -> bool:
    """Whether the campaign addresses the customer now."""
    refs = CustomerRef.__table__.c
    query = select(refs.customer_id).where(refs.customer_id == customer_id, addressed(campaign.rule()))
    return (await ctx.session.execute(query)).first() is not None


async def running(ctx: Ctx) -> Sequence[Campaign]:
    """All campaigns that run today, whoever may read them: for what reaches an account."""
    query = select(Campaign).where(Campaign.state == CampaignState.ACTIVE).order_by(Campaign.id)
    campaigns = (await ctx.session.execute(query.execution_options(unscoped=True))).scalars()
    return [campaign for campaign in campaigns if campaign.runs_on(ctx.clock.today())]
