"""The analytics service's sections of the unified view: what an account is worth, and what happened last (GTW-01)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import Select, func, select

from facet_analytics.facts.model import Fact
from facet_analytics.months import first_of, shifted
from facet_analytics.timeline import service as timeline
from facet_analytics.timeline.model import timeline_map
from facet_analytics.values import policy
from facet_analytics.values.service import Rankings, sums_of, value_message
from facet_contracts.facet.analytics.v1 import summary_service_pb as rpc
from facet_contracts.facet.analytics.v1.resources_pb import FactKind
from facet_contracts.facet.type.v1.account_pb import GetAccountSummaryRequest, SliceTotal
from facet_kit.context import Ctx
from facet_kit.money import to_money
from facet_kit.summary import account_members, org_names, require_account, slices, summary_time

_ENTRIES = 20


class SummaryApi:
    """Serves facet.analytics.v1.SummaryService."""

    service = "facet.analytics.v1.SummaryService"

    def __init__(self, *, currency: str, rankings: Rankings) -> None:
        self._currency = currency
        self._rankings = rankings

    async def get_account_summary(self, request: GetAccountSummaryRequest, ctx: Ctx) -> rpc.AccountSummary:
        """Sections of a customer and everything below it.

        Raises:
            NotFound: no part of the account is in the caller's scope.
        """
        members = await require_account(ctx, request.customer_id)
        as_of = await summary_time(ctx)
        name = next((each.name for each in members if each.customer_id == request.customer_id), "")
        entries = await timeline.latest(ctx, request.customer_id, limit=_ENTRIES)
        return rpc.AccountSummary(
            as_of=as_of,
            value=await self._value(ctx, request.customer_id, name) if ctx.principal.internal else None,
            timeline=rpc.TimelineSection(entries=timeline_map.to_messages(entries)),
        )

    async def _value(self, ctx: Ctx, customer_id: str, name: str) -> rpc.ValueSection:
        month = first_of(ctx.clock.today())
        ranking = await self._rankings.at(ctx, month)
        sums = await sums_of(ctx, customer_id, month)
        found = policy.measure(sums, month)
        by_department, by_region = await _revenue_slices(ctx, customer_id, month, self._currency)
        return rpc.ValueSection(
            totals=rpc.ValueTotals(
                revenue=to_money(found.revenue, self._currency),
                previous_revenue=to_money(found.previous_revenue, self._currency),
                receipts=to_money(found.receipts, self._currency),
                ticket_count=found.tickets,
                touch_count=found.touches,
            ),
            by_department=by_department,
            by_region=by_region,
            account_value=value_message(customer_id, name, month, sums, ranking),
        )


async def _revenue_slices(
    ctx: Ctx, customer_id: str, month: date, currency: str
) -> tuple[list[SliceTotal], list[SliceTotal]]:
    """Revenue of the last twelve months by department and by region, within the caller's scope."""
    query: Select[str, str, int, Decimal] = (
        select(
            Fact.department_id,
            Fact.region_id,
            func.sum(Fact.count).label("invoices"),
            func.sum(Fact.reporting_amount).label("revenue"),
        )
        .where(
            Fact.customer_id.in_(account_members(customer_id)),
            Fact.kind == FactKind.REVENUE,
            Fact.month.between(shifted(month, -11), month),
        )
        .group_by(Fact.department_id, Fact.region_id)
    )
    rows = (await ctx.session.execute(query)).all()
    names = await org_names(ctx, [id for row in rows for id in (row.department_id, row.region_id)])
    return (
        slices(rows, "department_id", names=names, count="invoices", amount="revenue", currency=currency),
        slices(rows, "region_id", names=names, count="invoices", amount="revenue", currency=currency),
    )
