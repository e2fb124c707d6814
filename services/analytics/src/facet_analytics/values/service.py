"""Use cases of values: one account's value with its explanation, and the ranking of key accounts (ANA-07, H4)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from protobuf.wkt import Timestamp
from sqlalchemy import Select, func, select

from facet_analytics.facts.model import Fact
from facet_analytics.months import shifted, written
from facet_analytics.values import policy
from facet_analytics.values.policy import Contribution, Ranked, Sum, Sums
from facet_contracts.facet.analytics.v1 import resources_pb as pb
from facet_contracts.facet.analytics.v1.resources_pb import FactKind
from facet_kit.context import Ctx
from facet_kit.refs import CustomerRef
from facet_kit.summary import account_members, require_account


@dataclass(frozen=True, slots=True)
class Ranking:
    """All key accounts of the enterprise at the end of a month."""

    month: date
    entries: Mapping[str, Ranked]
    names: Mapping[str, str]


class Rankings:
    """The ranking of the present month, kept for a short while: every unified view shows a place in it.

    Scores are always measured afresh; only places may be that much older than the facts.
    """

    def __init__(self, *, max_age_seconds: float) -> None:
        self._max_age = max_age_seconds
        self._made_at = 0.0
        self._kept: Ranking | None = None

    async def at(self, ctx: Ctx, month: date) -> Ranking:
        """The ranking of a month."""
        now = asyncio.get_running_loop().time()
        kept = self._kept
        if kept and kept.month == month and now - self._made_at < self._max_age:
            return kept
        made = await rank_key_accounts(ctx, month)
        self._kept, self._made_at = made, now
        return made


async def rank_key_accounts(ctx: Ctx, month: date) -> Ranking:
    """Ranks the key accounts of the whole enterprise: a place is a fact about all of them, whoever asks.

    Row scope is left aside by reading tables, not entities; who may see which entry is decided by `ranking_message`.
    """
    refs, facts = CustomerRef.__table__.c, Fact.__table__.c
    roots = select(refs.customer_id, refs.name).where(refs.key_account, refs.customer_id == refs.group_id)
    names = {row.customer_id: row.name for row in await ctx.session.execute(roots)}
    member = CustomerRef.__table__.alias()
    query = (
        select(
            member.c.group_id,
            facts.kind,
            facts.month,
            func.sum(facts.count).label("number"),
            func.sum(facts.reporting_amount).label("total"),
        )
        .join_from(Fact.__table__, member, member.c.customer_id == facts.customer_id)
        .where(
            member.c.group_id.in_(
                select(refs.customer_id).where(refs.key_account, refs.customer_id == refs.group_id)
            ),
            facts.month.between(shifted(month, 1 - policy.WINDOW_MONTHS), month),
        )
        .group_by(member.c.group_id, facts.kind, facts.month)
    )
    sums: dict[str, dict[tuple[str, date], Sum]] = {id: {} for id in names}
    for row in await ctx.session.execute(query):
        sums[row.group_id][row.kind.name, row.month] = Sum(row.number, row.total)
    return Ranking(month, {entry.account_id: entry for entry in policy.ranking(sums, month)}, names)


async def sums_of(ctx: Ctx, customer_id: str, month: date) -> Sums:
    """Sums of an account and everything below it, over what the caller may see."""
    query: Select[FactKind, date, int, Decimal] = (
        select(
            Fact.kind,
            Fact.month,
            func.sum(Fact.count).label("number"),
            func.sum(Fact.reporting_amount).label("total"),
        )
        .where(
            Fact.customer_id.in_(account_members(customer_id)),
            Fact.month.between(shifted(month, 1 - policy.WINDOW_MONTHS), month),
        )
        .group_by(Fact.kind, Fact.month)
    )
    found = await ctx.session.execute(query)
    return {(row.kind.name, row.month): Sum(row.number, row.total) for row in found}


async def account_value(ctx: Ctx, customer_id: str, month: date, ranking: Ranking) -> pb.AccountValue:
    """What an account is worth at the end of a month, explained.

    Raises:
        NotFound: no part of the account is in the caller's scope.
    """
    members = await require_account(ctx, customer_id)
    name = next((member.name for member in members if member.customer_id == customer_id), "")
    return value_message(customer_id, name, month, await sums_of(ctx, customer_id, month), ranking)


def value_message(customer_id: str, name: str, month: date, sums: Sums, ranking: Ranking) -> pb.AccountValue:
    """Scores an account's sums."""
    found = policy.measure(sums, month)
    parts = policy.contributions(found)
    previous = policy.contributions(policy.measure(sums, shifted(month, -1)))
    total = policy.score(parts)
    risk, signs = policy.churn(found)
    place = ranking.entries.get(customer_id)
    return pb.AccountValue(
        customer_id=customer_id,
        display_name=name,
        month=written(month),
        score=float(total),
        previous_score=float(policy.score(previous)),
        tier=pb.ValueTier[policy.tier(total)],
        contributions=contribution_messages(parts, previous),
        churn_risk=pb.ChurnRisk[risk.value],
        churn_signs=list(signs),
        rank=place.rank if place else 0,
        previous_rank=place.previous_rank if place else 0,
    )


async def ranking_message(ctx: Ctx, ranking: Ranking) -> pb.KeyAccountRanking:
    """The ranking with the entries that the caller may see."""
    query = select(CustomerRef.customer_id).where(CustomerRef.customer_id.in_(list(ranking.entries)))
    visible = set(await ctx.session.scalars(query))
    return pb.KeyAccountRanking(
        month=written(ranking.month),
        previous_month=written(shifted(ranking.month, -1)),
        entries=[
            _entry(each, ranking.names) for each in ranking.entries.values() if each.account_id in visible
        ],
        total_count=len(ranking.entries),
        as_of=Timestamp.from_datetime(ctx.clock.now()),
    )


def _entry(entry: Ranked, names: Mapping[str, str]) -> pb.KeyAccountRank:
    total = policy.score(entry.contributions)
    return pb.KeyAccountRank(
        customer_id=entry.account_id,
        display_name=names[entry.account_id],
        rank=entry.rank,
        previous_rank=entry.previous_rank,
        movement=entry.movement,
        score=float(total),
        previous_score=float(policy.score(entry.previous)),
        tier=pb.ValueTier[policy.tier(total)],
        reason=policy.reason(entry),
        contributions=contribution_messages(entry.contributions, entry.previous),
    )


def contribution_messages(
    parts: Sequence[Contribution], previous: Sequence[Contribution]
) -> list[pb.ValueContribution]:
    """The explanation of a score, each part with its change against the month before."""
    return [
        pb.ValueContribution(
            characteristic=part.characteristic,
            weight=part.weight,
            measured=part.measured,
            points=float(part.points),
            contribution=float(part.contribution),
            change=float(part.contribution - before.contribution),
        )
        for part, before in zip(parts, previous, strict=True)
    ]
