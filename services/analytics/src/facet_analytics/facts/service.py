"""Use cases of facts: counting what events tell, reports, and dropping everything for a rebuild (ANA-03)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from protobuf.wkt import Timestamp
from sqlalchemy import Select, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert

from facet_analytics.facts.model import Fact
from facet_analytics.facts.policy import Counted
from facet_analytics.months import first_of, parsed, shifted, written
from facet_analytics.timeline.model import TimelineRow
from facet_contracts.facet.analytics.v1 import report_service_pb as rpc
from facet_contracts.facet.analytics.v1 import resources_pb as pb
from facet_contracts.facet.analytics.v1.resources_pb import FactKind
from facet_kit.context import Ctx
from facet_kit.errors import Invalid
from facet_kit.filtering import descendants
from facet_kit.messaging.envelope import EventMeta
from facet_kit.messaging.tables import ConsumerRow, InboxRow, ParkedEvent
from facet_kit.money import to_money
from facet_kit.paging import ListSpec
from facet_kit.refs import CustomerRef, OrgRef
from facet_kit.summary import account_members, org_names, require_account

_LONGEST_MONTHS = 120
_WITHOUT_AMOUNT = frozenset({FactKind.TICKETS, FactKind.SLA_BREACHES, FactKind.TOUCHES, FactKind.COMPLAINTS})
_GROUPS = {"MONTH": Fact.month, "DEPARTMENT": Fact.department_id, "REGION": Fact.region_id}
fact_list = ListSpec(
    Fact,
    fields={
        "kind": Fact.kind,
        "customer_id": descendants(
            Fact.customer_id, node=CustomerRef.customer_id, ancestors=CustomerRef.ancestor_ids
        ),
        "department_id": descendants(Fact.department_id, node=OrgRef.id, ancestors=OrgRef.ancestor_ids),
        "region_id": descendants(Fact.region_id, node=OrgRef.id, ancestors=OrgRef.ancestor_ids),
        "fact_date": Fact.fact_date,
        "source": Fact.source,
        "resource_id": Fact.resource_id,
    },
    order=("fact_date",),
    default_order="fact_date desc",
)


async def count(ctx: Ctx, counted: Iterable[Counted], meta: EventMeta, *, currency: str) -> None:
    """Writes what an event counts. An event that was counted already counts nothing (exactly once by its id).

    Args:
        currency: the reporting currency.
    """
    rows = [_row(each, meta, currency) for each in counted]
    if rows:
        await ctx.session.execute(insert(Fact).values(rows).on_conflict_do_nothing())
        ctx.touch_account(*(row["customer_id"] for row in rows))


def _row(counted: Counted, meta: EventMeta, currency: str) -> dict[str, Any]:
    worth = counted.worth
    return {
        "id": f"{meta.id}:{counted.kind.name}",
        "event_id": meta.id,
        "kind": counted.kind,
        "customer_id": counted.customer_id,
        "department_id": counted.department_id,
        "region_id": counted.region_id,
        "fact_date": counted.day,
        "month": first_of(counted.day),
        "count": counted.count,
        "amount": worth.amount if worth else Decimal(0),
        "currency": worth.currency if worth else "",
        "reporting_amount": worth.reporting(currency) if worth else Decimal(0),
        "reporting_currency": currency if worth else "",
        "source": meta.source,
        "resource_id": counted.resource_id,
    }


async def query_metric(ctx: Ctx, request: rpc.QueryMetricRequest, *, currency: str) -> pb.MetricReport:
    """A metric over months, grouped, within the caller's row scope.

    Raises:
        NotFound: the customer asked for is outside the scope.
        Invalid: the months are the wrong way round, or more than ten years.
    """
    last = parsed(request.to_month, "to_month", ctx.clock.today())
    first = parsed(request.from_month, "from_month", shifted(last, -11))
    if first > last:
        raise Invalid("MONTHS_REVERSED", "the first month lies after the last one", field="from_month")
    if shifted(first, _LONGEST_MONTHS) <= last:
        raise Invalid(
            "PERIOD_TOO_LONG", f"a report covers at most {_LONGEST_MONTHS} months", field="from_month"
        )
    if request.customer_id:
        await require_account(ctx, request.customer_id)
    kind = FactKind[request.metric]
    groups = [name for name in _GROUPS if name in request.group_by]
    found = (await ctx.session.execute(_grouped(request, kind, groups, first, last))).all()
    report = _Report(kind, groups, currency)
    rows = [report.row(each) for each in found]
    await report.name(ctx, rows)
    return pb.MetricReport(
        metric=request.metric,
        from_month=written(first),
        to_month=written(last),
        group_by=groups,
        rows=rows if groups else [],
        total=report.total(found),
        as_of=Timestamp.from_datetime(ctx.clock.now()),
    )


def _grouped(
    request: rpc.QueryMetricRequest, kind: FactKind, groups: Sequence[str], first: date, last: date
) -> Select[*tuple[Any, ...]]:
    columns = [_GROUPS[name] for name in groups]
    sums = (func.sum(Fact.count).label("number"), func.sum(Fact.reporting_amount).label("total"))
    query: Select[*tuple[Any, ...]] = select(*columns, *sums).where(
        Fact.kind == kind, Fact.month.between(first, last)
    )
    if request.customer_id:
        query = query.where(Fact.customer_id.in_(account_members(request.customer_id)))
    for column, id in ((Fact.department_id, request.department_id), (Fact.region_id, request.region_id)):
        if id:
            below = select(OrgRef.id).where(OrgRef.ancestor_ids.contains([id]))
            query = query.where((column == id) | column.in_(below))
    return query.group_by(*columns).order_by(*columns) if columns else query


@dataclass(frozen=True, slots=True)
class _Report:
    kind: FactKind
    groups: Sequence[str]
    currency: str

    def row(self, found: Any) -> pb.MetricRow:
        month = found.month if "MONTH" in self.groups else None
        return pb.MetricRow(
            department_id=found.department_id if "DEPARTMENT" in self.groups else "",
            region_id=found.region_id if "REGION" in self.groups else "",
            month=written(month) if month else "",
            count=found.number or 0,
            amount=self._money(found.total),
        )

    def total(self, found: Sequence[Any]) -> pb.MetricRow:
        return pb.MetricRow(
            count=sum(each.number or 0 for each in found),
            amount=self._money(sum((each.total or Decimal(0) for each in found), Decimal(0))),
        )

    def _money(self, amount: Decimal | None) -> Any:
        return None if self.kind in _WITHOUT_AMOUNT else to_money(amount or Decimal(0), self.currency)

    async def name(self, ctx: Ctx, rows: Sequence[pb.MetricRow]) -> None:
        names = await org_names(ctx, [id for row in rows for id in (row.department_id, row.region_id)])
        for row in rows:
            row.department_display_name = names.get(row.department_id, "")
            row.region_display_name = names.get(row.region_id, "")


async def drop_everything(ctx: Ctx) -> tuple[int, int]:
    """Drops facts and timelines, and forgets that their events were handled, so that the streams can tell them again.

    Replicas of customers and of the organisation stay: what the streams tell of them again is no news. Handlers that
    run at this moment finish first, later ones wait for the commit; none is counted and forgotten at once.

    Returns:
        How many facts and how many timeline entries were dropped.
    """
    session = ctx.session
    await session.execute(text("SET LOCAL lock_timeout = '3s'"))
    await session.execute(text("LOCK TABLE inbox, facts, timeline_entries IN ACCESS EXCLUSIVE MODE"))
    facts = await session.scalar(select(func.count()).select_from(Fact)) or 0
    entries = await session.scalar(select(func.count()).select_from(TimelineRow)) or 0
    for table in (Fact, TimelineRow):
        await session.execute(delete(table), execution_options={"synchronize_session": False})
    for own in (InboxRow, ParkedEvent, ConsumerRow):
        await session.execute(
            delete(own).where(own.consumer == ctx.service), execution_options={"synchronize_session": False}
        )
    return facts, entries
