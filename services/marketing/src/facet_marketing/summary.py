"""Marketing's sections of the unified view: campaigns with touches, consents and points of an account (GTW-01).

What reaches an account, what holds and what is left are read from current rows; touches of the last 90 days from their
index, which the caps keep short.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, case, func, select

from facet_contracts.facet.marketing.v1 import summary_service_pb as pb
from facet_contracts.facet.marketing.v1.resources_pb import ConsentState, TouchState
from facet_contracts.facet.type.v1.account_pb import GetAccountSummaryRequest
from facet_kit.context import Ctx
from facet_kit.mapping import Mapper
from facet_kit.refs import CustomerRef, OrgRef
from facet_kit.summary import account_members, org_names, require_account, summary_time
from facet_marketing.campaigns.model import Campaign
from facet_marketing.campaigns.policy import Candidate, addresses
from facet_marketing.campaigns.service import running
from facet_marketing.consents.model import Consent
from facet_marketing.points.model import PointsAccount, PointsEntry
from facet_marketing.touches.model import Touch

_ITEMS = 10
_TOUCH_DAYS = 90
Figures = dict[str, int]
Key = TypeVar("Key")

_campaign_line = Mapper(
    Campaign, pb.CampaignLine, compute={"campaign_id": lambda c: c.id, "reached_count": lambda _: 0}
)
_touch_line = Mapper(Touch, pb.TouchLine, compute={"touch_id": lambda touch: touch.id})
_consent_line = Mapper(Consent, pb.ConsentLine, compute={"consent_id": lambda consent: consent.id})
_points_line = Mapper(PointsEntry, pb.PointsLine, compute={"points_entry_id": lambda entry: entry.id})


class SummaryApi:
    """Serves SummaryService."""

    service = "facet.marketing.v1.SummaryService"

    async def get_account_summary(self, request: GetAccountSummaryRequest, ctx: Ctx) -> pb.AccountSummary:
        as_of = await summary_time(ctx)
        members = await require_account(ctx, request.customer_id)
        return pb.AccountSummary(
            as_of=as_of,
            campaigns=await _campaigns(ctx, request.customer_id, members),
            consents=await _consents(ctx, request.customer_id),
            points=await _points(ctx, request.customer_id),
        )


async def _campaigns(ctx: Ctx, customer_id: str, members: Sequence[CustomerRef]) -> pb.CampaignSection:
    reaching = await _reaching(ctx, members)
    inside = Touch.customer_id.in_(account_members(customer_id))
    found = await _touch_figures(ctx, inside)
    latest = select(Touch).where(inside).order_by(Touch.touch_time.desc(), Touch.id.desc()).limit(_ITEMS)
    names = await org_names(ctx, {unit for place, _ in found for unit in place[:2]})
    return pb.CampaignSection(
        totals=pb.TouchTotals(**_total(found)),
        by_department=[
            pb.TouchSlice(department_id=id, display_name=names.get(id, ""), totals=pb.TouchTotals(**figures))
            for id, figures in _slices(found, lambda place: place[0])
        ],
        by_region=[
            pb.TouchSlice(region_id=id, display_name=names.get(id, ""), totals=pb.TouchTotals(**figures))
            for id, figures in _slices(found, lambda place: place[1])
        ],
        by_channel=[
            pb.ChannelTouches(channel=channel, totals=pb.TouchTotals(**figures))
            for channel, figures in _slices(found, lambda place: place[2])
        ],
        active_count=len(reaching),
        active=reaching[:_ITEMS],
        items=[_touch_line.to_message(touch) for touch in (await ctx.session.execute(latest)).scalars()],
    )


async def _touch_figures(ctx: Ctx, inside: ColumnElement[bool]) -> list[tuple[Any, Figures]]:
    """Touches of the last 90 days by department, region and channel."""
    since = ctx.clock.now() - timedelta(days=_TOUCH_DAYS)
    counted = (
        select(
            Touch.department_id,
            Touch.region_id,
            Touch.channel,
            func.count(case((Touch.state == TouchState.SENT, 1))),
            func.count(case((Touch.state == TouchState.DENIED, 1))),
            func.count(Touch.complaint_time),
        )
        .where(inside, Touch.touch_time > since)
        .group_by(Touch.department_id, Touch.region_id, Touch.channel)
    )
    return [
        (
            (department, region, channel),
            {"sent_count": sent, "denied_count": denied, "complaint_count": complaints},
        )
        for department, region, channel, sent, denied, complaints in await ctx.session.execute(counted)
    ]


async def _reaching(ctx: Ctx, members: Sequence[CustomerRef]) -> list[pb.CampaignLine]:
    """Running campaigns that address members of the account, those that reach most of them first."""
    campaigns = await running(ctx)
    if not campaigns:
        return []
    units = {unit for member in members for unit in (member.region_id, member.department_id) if unit}
    paths = {
        id: frozenset(path)
        for id, path in await ctx.session.execute(
            select(OrgRef.id, OrgRef.ancestor_ids).where(OrgRef.id.in_(units))
        )
    }
    candidates = [_candidate(member, paths) for member in members]
    lines: list[pb.CampaignLine] = []
    for campaign in campaigns:
        reached = sum(addresses(campaign.rule(), candidate) for candidate in candidates)
        if reached:
            line = _campaign_line.to_message(campaign)
            line.reached_count = reached
            lines.append(line)
    return sorted(lines, key=lambda line: (-line.reached_count, line.campaign_id))


def _candidate(member: CustomerRef, paths: dict[str, frozenset[str]]) -> Candidate:
    return Candidate(
        nodes=frozenset(member.node_ids),
        region_path=paths.get(member.region_id, frozenset()) | {member.region_id},
        department_path=paths.get(member.department_id, frozenset()) | {member.department_id},
        key_account=member.key_account,
        relationship_strategy=member.relationship_strategy,
        status=member.status,
    )


async def _consents(ctx: Ctx, customer_id: str) -> pb.ConsentSection:
    inside = Consent.customer_id.in_(account_members(customer_id))
    found = await _consent_figures(ctx, inside)
    latest = (
        select(Consent).where(inside).order_by(Consent.state_time.desc(), Consent.id.desc()).limit(_ITEMS)
    )
    names = await org_names(ctx, {unit for place, _ in found for unit in place[:2]})
    return pb.ConsentSection(
        totals=pb.ConsentTotals(**_total(found)),
        by_department=[
            pb.ConsentSlice(
                department_id=id, display_name=names.get(id, ""), totals=pb.ConsentTotals(**figures)
            )
            for id, figures in _slices(found, lambda place: place[0])
        ],
        by_region=[
            pb.ConsentSlice(region_id=id, display_name=names.get(id, ""), totals=pb.ConsentTotals(**figures))
            for id, figures in _slices(found, lambda place: place[1])
        ],
        by_channel_and_purpose=[
            pb.ConsentMatrixCell(channel=channel, purpose=purpose, totals=pb.ConsentTotals(**figures))
            for (channel, purpose), figures in _slices(found, lambda place: place[2:])
        ],
        items=[
            _consent_line.to_message(consent) for consent in (await ctx.session.execute(latest)).scalars()
        ],
    )


async def _consent_figures(ctx: Ctx, inside: ColumnElement[bool]) -> list[tuple[Any, Figures]]:
    """Consents by department, region, channel and purpose."""
    counted = (
        select(
            Consent.department_id,
            Consent.region_id,
            Consent.channel,
            Consent.purpose,
            func.count(case((Consent.state == ConsentState.GRANTED, 1))),
            func.count(case((Consent.state == ConsentState.WITHDRAWN, 1))),
        )
        .where(inside)
        .group_by(Consent.department_id, Consent.region_id, Consent.channel, Consent.purpose)
    )
    return [
        ((department, region, channel, purpose), {"granted_count": granted, "withdrawn_count": withdrawn})
        for department, region, channel, purpose, granted, withdrawn in await ctx.session.execute(counted)
    ]


async def _points(ctx: Ctx, customer_id: str) -> pb.PointsSection:
    members = account_members(customer_id)
    counted = (
        select(
            PointsAccount.department_id,
            PointsAccount.region_id,
            func.sum(PointsAccount.balance),
            func.sum(PointsAccount.earned),
            func.sum(PointsAccount.burned),
        )
        .where(PointsAccount.customer_id.in_(members))
        .group_by(PointsAccount.department_id, PointsAccount.region_id)
    )
    found = [
        ((department, region), {"balance": int(balance), "earned": int(earned), "burned": int(burned)})
        for department, region, balance, earned, burned in await ctx.session.execute(counted)
    ]
    latest = (
        select(PointsEntry)
        .where(PointsEntry.customer_id.in_(members))
        .order_by(PointsEntry.create_time.desc(), PointsEntry.id.desc())
        .limit(_ITEMS)
    )
    names = await org_names(ctx, {unit for place, _ in found for unit in place})
    return pb.PointsSection(
        totals=pb.PointsTotals(**_total(found)),
        by_department=[
            pb.PointsSlice(
                department_id=id, display_name=names.get(id, ""), totals=pb.PointsTotals(**figures)
            )
            for id, figures in _slices(found, lambda place: place[0])
        ],
        by_region=[
            pb.PointsSlice(region_id=id, display_name=names.get(id, ""), totals=pb.PointsTotals(**figures))
            for id, figures in _slices(found, lambda place: place[1])
        ],
        items=[_points_line.to_message(entry) for entry in (await ctx.session.execute(latest)).scalars()],
    )


def _total(found: Iterable[tuple[Any, Figures]]) -> Figures:
    return _added(found, lambda _: "").get("", {})


def _slices(found: Sequence[tuple[Any, Figures]], key: Callable[[Any], Key]) -> list[tuple[Key, Figures]]:
    """Sums by part of the place, the largest first; slices without anything in them are left out."""
    kept = [pair for pair in _added(found, key).items() if any(pair[1].values())]
    return sorted(kept, key=lambda pair: (-sum(map(abs, pair[1].values())), str(pair[0])))


def _added(found: Iterable[tuple[Any, Figures]], key: Callable[[Any], Key]) -> dict[Key, Figures]:
    sums: dict[Key, Figures] = {}
    for place, figures in found:
        total = sums.setdefault(key(place), {})
        for name, value in figures.items():
            total[name] = total.get(name, 0) + value
    return sums
