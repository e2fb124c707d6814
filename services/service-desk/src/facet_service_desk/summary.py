"""The service desk's sections of the unified view: open tickets and the installed base of an account (GTW-01)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta

from sqlalchemy import func, select

from facet_contracts.facet.service_desk.v1 import summary_service_pb as pb
from facet_contracts.facet.service_desk.v1.resources_pb import AssetState
from facet_contracts.facet.type.v1.account_pb import GetAccountSummaryRequest
from facet_kit.context import Ctx
from facet_kit.mapping import Mapper
from facet_kit.summary import account_members, org_names, require_account, summary_time
from facet_service_desk.assets.model import Asset, AssetSummaryRow
from facet_service_desk.assets.policy import WARRANTY_ENDING_DAYS
from facet_service_desk.tickets.model import WORKED_ON, Ticket, TicketSummaryRow

_ITEMS = 10
_TICKET_MEASURES = (
    "open_p1_count",
    "open_p2_count",
    "open_p3_count",
    "open_p4_count",
    "breached_count",
    "pending_customer_count",
)
Figures = dict[str, int]
Place = tuple[str, str]

_ticket_line = Mapper(Ticket, pb.TicketLine, compute={"ticket_id": lambda ticket: ticket.id})
_asset_line = Mapper(Asset, pb.AssetLine, compute={"asset_id": lambda asset: asset.id})


class SummaryApi:
    """Serves SummaryService."""

    service = "facet.service_desk.v1.SummaryService"

    async def get_account_summary(self, request: GetAccountSummaryRequest, ctx: Ctx) -> pb.AccountSummary:
        as_of = await summary_time(ctx)
        await require_account(ctx, request.customer_id)
        return pb.AccountSummary(
            as_of=as_of,
            tickets=await _tickets(ctx, request.customer_id),
            assets=await _assets(ctx, request.customer_id),
        )


async def _tickets(ctx: Ctx, customer_id: str) -> pb.TicketSection:
    members = account_members(customer_id)
    rows = (
        await ctx.session.execute(select(TicketSummaryRow).where(TicketSummaryRow.customer_id.in_(members)))
    ).scalars()
    found = [
        ((row.department_id, row.region_id), {name: getattr(row, name) for name in _TICKET_MEASURES})
        for row in rows
    ]
    query = (
        select(Ticket)
        .where(Ticket.customer_id.in_(members), Ticket.state.in_(WORKED_ON))
        .order_by(Ticket.priority, Ticket.breached.desc(), Ticket.create_time)
        .limit(_ITEMS)
    )
    items = (await ctx.session.execute(query)).scalars()
    names = await org_names(ctx, _units(found))
    return pb.TicketSection(
        totals=_ticket_totals(_added(found, lambda _: "").get("", {})),
        by_department=[
            pb.TicketSlice(department_id=id, display_name=names.get(id, ""), totals=_ticket_totals(figures))
            for id, figures in _slices(found, 0)
        ],
        by_region=[
            pb.TicketSlice(region_id=id, display_name=names.get(id, ""), totals=_ticket_totals(figures))
            for id, figures in _slices(found, 1)
        ],
        items=[_ticket_line.to_message(ticket) for ticket in items],
    )


def _ticket_totals(figures: Figures) -> pb.TicketTotals:
    open_count = sum(value for name, value in figures.items() if name.startswith("open_"))
    return pb.TicketTotals(open_count=open_count, **figures)


async def _assets(ctx: Ctx, customer_id: str) -> pb.AssetSection:
    members = account_members(customer_id)
    rows = (
        await ctx.session.execute(select(AssetSummaryRow).where(AssetSummaryRow.customer_id.in_(members)))
    ).scalars()
    found = [
        (
            (row.department_id, row.region_id),
            {"in_service_count": row.in_service_count, "delivered_count": row.delivered_count},
        )
        for row in rows
    ]
    ending, items = await _warranties_ending(ctx, customer_id)
    found += ending
    names = await org_names(ctx, _units(found))
    return pb.AssetSection(
        totals=pb.AssetTotals(**_added(found, lambda _: "").get("", {})),
        by_department=[
            pb.AssetSlice(department_id=id, display_name=names.get(id, ""), totals=pb.AssetTotals(**figures))
            for id, figures in _slices(found, 0)
        ],
        by_region=[
            pb.AssetSlice(region_id=id, display_name=names.get(id, ""), totals=pb.AssetTotals(**figures))
            for id, figures in _slices(found, 1)
        ],
        warranty_ending=[_asset_line.to_message(asset) for asset in items],
    )


async def _warranties_ending(ctx: Ctx, customer_id: str) -> tuple[list[tuple[Place, Figures]], list[Asset]]:
    """Units whose warranty ends soon by place, and the first of them.

    Which they are depends on the day: they are counted from the index of assets in service, not from kept rows.
    """
    today = ctx.clock.today()
    ending = (
        Asset.customer_id.in_(account_members(customer_id)),
        Asset.state == AssetState.IN_SERVICE,
        Asset.warranty_end_date.between(today, today + timedelta(days=WARRANTY_ENDING_DAYS)),
    )
    counted = (
        select(Asset.department_id, Asset.region_id, func.sum(Asset.quantity))
        .where(*ending)
        .group_by(Asset.department_id, Asset.region_id)
    )
    found = [
        ((department_id, region_id), {"warranty_ending_count": int(count)})
        for department_id, region_id, count in await ctx.session.execute(counted)
    ]
    query = select(Asset).where(*ending).order_by(Asset.warranty_end_date, Asset.id).limit(_ITEMS)
    return found, list((await ctx.session.execute(query)).scalars())


def _units(found: Iterable[tuple[Place, Figures]]) -> set[str]:
    return {unit for place, _ in found for unit in place}


def _slices(found: Sequence[tuple[Place, Figures]], part: int) -> list[tuple[str, Figures]]:
    """Sums by department (0) or region (1), the largest first; slices without anything in them are left out."""
    sums = _added(found, lambda place: place[part])
    kept = [(id, figures) for id, figures in sums.items() if any(figures.values())]
    return sorted(kept, key=lambda pair: (-sum(pair[1].values()), pair[0]))


def _added(found: Iterable[tuple[Place, Figures]], key: Callable[[Place], str]) -> dict[str, Figures]:
    sums: dict[str, dict[str, int]] = {}
    for place, figures in found:
        total = sums.setdefault(key(place), {})
        for name, value in figures.items():
            total[name] = total.get(name, 0) + value
    return sums
