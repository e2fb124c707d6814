"""How old open receivables are, as of any day (SAL-15): a report over invoices and payments, not a summary."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from sqlalchemy import func, or_, select

from facet_contracts.facet.sales.v1 import receivables_service_pb as rpc
from facet_kit.context import Ctx
from facet_kit.mapping import parse_date
from facet_kit.money import minor_units, to_money
from facet_kit.refs import CustomerRef
from facet_kit.summary import account_members, org_names, require_account
from facet_sales.receivables.model import Invoice, Payment
from facet_sales.receivables.policy import Bucket, bucket_of, overdue_days

_MOST_CUSTOMERS = 100


@dataclass(slots=True)
class _Ages:
    """Open amounts by bucket."""

    amounts: dict[Bucket, Decimal] = field(default_factory=dict)
    count: int = 0

    def add(self, bucket: Bucket, amount: Decimal, count: int) -> None:
        self.amounts[bucket] = self.amounts.get(bucket, Decimal(0)) + amount
        self.count += count

    @property
    def total(self) -> Decimal:
        return sum(self.amounts.values(), Decimal(0))

    def message(self, currency: str) -> rpc.AgeingBuckets:
        money = {bucket.value: to_money(self.amounts.get(bucket, Decimal(0)), currency) for bucket in Bucket}
        return rpc.AgeingBuckets(**money, total=to_money(self.total, currency), invoice_count=self.count)


@dataclass(frozen=True, slots=True)
class _Open:
    """What was open for one customer in one department and region, due on one day."""

    customer_id: str
    department_id: str
    region_id: str
    due_date: date
    amount: Decimal
    count: int


async def age_receivables(
    ctx: Ctx, request: rpc.AgeReceivablesRequest, reporting: str
) -> rpc.ReceivablesAgeing:
    """Sorts what was open on a day by how long it was overdue.

    Raises:
        Invalid: no such day.
        NotFound: no such customer for this caller.
    """
    as_of = parse_date(request.as_of, "as_of") or ctx.clock.today()
    if request.customer_id:
        await require_account(ctx, request.customer_id)
    rows = await _open_on(ctx, as_of, request.customer_id, minor_units(reporting))
    total = _Ages()
    for row in rows:
        total.add(bucket_of(overdue_days(row.due_date, as_of)), row.amount, row.count)
    by_customer = _by(rows, lambda row: row.customer_id, as_of)[:_MOST_CUSTOMERS]
    names = await org_names(ctx, {row.department_id for row in rows} | {row.region_id for row in rows})
    customers = await _customer_names(ctx, {id for id, _ in by_customer})
    return rpc.ReceivablesAgeing(
        as_of=as_of.isoformat(),
        total=total.message(reporting),
        by_department=_slices(_by(rows, lambda row: row.department_id, as_of), names, reporting),
        by_region=_slices(_by(rows, lambda row: row.region_id, as_of), names, reporting),
        by_customer=_slices(by_customer, customers, reporting),
    )


async def _open_on(ctx: Ctx, as_of: date, customer_id: str, digits: int) -> list[_Open]:
    paid = (
        select(func.coalesce(func.sum(Payment.amount_amount), 0))
        .where(Payment.invoice_id == Invoice.id, Payment.payment_date <= as_of)
        .scalar_subquery()
    )
    open_then = select(
        Invoice.customer_id,
        Invoice.department_id,
        Invoice.region_id,
        Invoice.due_date,
        func.round((Invoice.amount_amount - paid) * Invoice.exchange_rate, digits).label("open"),
    ).where(
        Invoice.issue_date <= as_of,
        or_(Invoice.void_date.is_(None), Invoice.void_date > as_of),
        or_(Invoice.paid_date.is_(None), Invoice.paid_date > as_of),
    )
    if customer_id:
        open_then = open_then.where(Invoice.customer_id.in_(account_members(customer_id)))
    found = open_then.subquery()
    keys = (found.c.customer_id, found.c.department_id, found.c.region_id, found.c.due_date)
    query = select(*keys, func.sum(found.c.open), func.count()).where(found.c.open > 0).group_by(*keys)
    return [_Open(*row) for row in await ctx.session.execute(query)]


def _by(rows: Iterable[_Open], key: Callable[[_Open], str], as_of: date) -> list[tuple[str, _Ages]]:
    ages: dict[str, _Ages] = {}
    for row in rows:
        bucket = bucket_of(overdue_days(row.due_date, as_of))
        ages.setdefault(key(row), _Ages()).add(bucket, row.amount, row.count)
    return sorted(ages.items(), key=lambda item: (-item[1].total, item[0]))


def _slices(
    ages: Iterable[tuple[str, _Ages]], names: Mapping[str, str], reporting: str
) -> list[rpc.AgeingSlice]:
    return [
        rpc.AgeingSlice(id=id, display_name=names.get(id, ""), buckets=each.message(reporting))
        for id, each in ages
    ]


async def _customer_names(ctx: Ctx, ids: set[str]) -> dict[str, str]:
    query = select(CustomerRef.customer_id, CustomerRef.name).where(CustomerRef.customer_id.in_(ids))
    return {row.customer_id: row.name for row in await ctx.session.execute(query)}
