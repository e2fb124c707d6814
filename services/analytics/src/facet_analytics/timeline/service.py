"""Use cases of timelines: writing entries, and reading the latest of an account."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from facet_analytics.timeline.lines import Told
from facet_analytics.timeline.model import TimelineRow
from facet_kit.context import Ctx
from facet_kit.messaging.envelope import EventMeta
from facet_kit.principal import PrincipalKind
from facet_kit.summary import account_members


async def tell(ctx: Ctx, told: Iterable[Told], meta: EventMeta, *, customer_visible: bool) -> None:
    """Writes what an event says; an event that was told already says nothing new."""
    rows: list[dict[str, Any]] = [
        {
            "id": f"{meta.id}:{each.customer_id}",
            "time": meta.time,
            "service": meta.source,
            "event": meta.subject.split(".", 2)[2],
            "title": each.title,
            "resource_id": each.resource_id,
            "customer_id": each.customer_id,
            "department_id": each.department_id,
            "region_id": each.region_id,
            "customer_visible": customer_visible,
        }
        for each in told
    ]
    if rows:
        await ctx.session.execute(insert(TimelineRow).values(rows).on_conflict_do_nothing())
        ctx.touch_account(*(row["customer_id"] for row in rows))


async def latest(ctx: Ctx, customer_id: str, *, limit: int) -> list[TimelineRow]:
    """The latest entries of a customer and everything below it, the latest first, within the caller's scope."""
    query = select(TimelineRow).where(TimelineRow.customer_id.in_(account_members(customer_id)))
    if ctx.principal.kind in (PrincipalKind.CUSTOMER, PrincipalKind.PARTNER):
        query = query.where(TimelineRow.customer_visible)
    query = query.order_by(TimelineRow.time.desc(), TimelineRow.id.desc()).limit(limit)
    return list(await ctx.session.scalars(query))
