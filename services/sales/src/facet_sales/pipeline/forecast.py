"""The weighted forecast of any period, as it is now or was at any past instant (SAL-03)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from protobuf.wkt import Timestamp
from sqlalchemy import func, or_, select

from facet_contracts.facet.sales.v1 import pipeline_service_pb as rpc
from facet_contracts.facet.sales.v1.resources_pb import OpportunityState
from facet_kit.context import Ctx
from facet_kit.errors import Invalid
from facet_kit.mapping import parse_date
from facet_kit.money import to_money
from facet_kit.refs import StaffRef
from facet_kit.summary import org_names
from facet_sales.pipeline.model import OpportunityRevision as Revision


@dataclass(slots=True)
class _Sum:
    count: int = 0
    amount: Decimal = Decimal(0)
    weighted: Decimal = Decimal(0)

    def add(self, other: _Sum) -> None:
        self.count += other.count
        self.amount += other.amount
        self.weighted += other.weighted


@dataclass(frozen=True, slots=True)
class _Cell:
    department_id: str
    region_id: str
    owner_id: str
    sum: _Sum


async def forecast_weighted(
    ctx: Ctx, request: rpc.ForecastWeightedRequest, reporting: str
) -> rpc.WeightedForecast:
    """Adds up what open opportunities count that were expected to close from `from` to `to`, both days included.

    Raises:
        Invalid: no such day, `to` before `from`, or `as_of` in the future.
    """
    start, end = period(request.from_, request.to)
    as_of = request.as_of.to_datetime().replace(tzinfo=UTC) if request.as_of else ctx.clock.now()
    if as_of > ctx.clock.now():
        raise Invalid("AS_OF_FUTURE", "lies in the future; choose an instant that is past", field="as_of")
    cells = await _cells(ctx, start, end, as_of, request.pipeline_id)
    places = [cell.department_id for cell in cells] + [cell.region_id for cell in cells]
    names = await org_names(ctx, places)
    people = await _staff_names(ctx, {cell.owner_id for cell in cells})
    total = _Sum()
    for cell in cells:
        total.add(cell.sum)
    return rpc.WeightedForecast(
        as_of=Timestamp.from_datetime(as_of),
        total=_slice("", "", total, reporting),
        by_department=_slices(cells, lambda cell: cell.department_id, names, reporting),
        by_region=_slices(cells, lambda cell: cell.region_id, names, reporting),
        by_owner=_slices(cells, lambda cell: cell.owner_id, people, reporting),
    )


def period(start: str, end: str) -> tuple[date, date]:
    """First and last day of a period. Raises Invalid: no such day, or the last before the first."""
    first, last = parse_date(start, "from"), parse_date(end, "to")
    if first is None or last is None:
        raise Invalid("REQUIRED", "say the first and the last day", field="from")
    if last < first:
        raise Invalid("PERIOD_REVERSED", "lies before the first day", field="to")
    return first, last


async def _cells(ctx: Ctx, start: date, end: date, as_of: datetime, pipeline_id: str) -> list[_Cell]:
    grouping = (Revision.department_id, Revision.region_id, Revision.owner_id)
    query = (
        select(
            *grouping, func.count(), func.sum(Revision.reporting_amount), func.sum(Revision.weighted_amount)
        )
        .where(
            Revision.state == OpportunityState.OPEN,
            Revision.expected_close_date.between(start, end),
            Revision.valid_from <= as_of,
            or_(Revision.valid_to.is_(None), Revision.valid_to > as_of),
        )
        .group_by(*grouping)
    )
    if pipeline_id:
        query = query.where(Revision.pipeline_id == pipeline_id)
    found = await ctx.session.execute(query)
    return [
        _Cell(department, region, owner, _Sum(count, amount, weighted))
        for department, region, owner, count, amount, weighted in found
    ]


def _slices(
    cells: list[_Cell], key: Callable[[_Cell], str], names: Mapping[str, str], reporting: str
) -> list[rpc.ForecastSlice]:
    sums: dict[str, _Sum] = {}
    for cell in cells:
        sums.setdefault(key(cell), _Sum()).add(cell.sum)
    ordered = sorted(sums.items(), key=lambda item: (-item[1].weighted, item[0]))
    return [_slice(id, names.get(id, ""), total, reporting) for id, total in ordered]


def _slice(id: str, name: str, total: _Sum, reporting: str) -> rpc.ForecastSlice:
    return rpc.ForecastSlice(
        id=id,
        display_name=name,
        count=total.count,
        amount=to_money(total.amount, reporting),
        weighted_amount=to_money(total.weighted, reporting),
    )


async def _staff_names(ctx: Ctx, ids: set[str]) -> dict[str, str]:
    query = select(StaffRef.staff_id, StaffRef.display_name).where(StaffRef.staff_id.in_(ids))
    return {row.staff_id: row.display_name for row in await ctx.session.execute(query)}
