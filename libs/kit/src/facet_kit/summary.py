"""Account summaries: rows kept by customer, department and region, and the account that a view asks for (GTW-01)."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, cast

from protobuf.wkt import Timestamp
from sqlalchemy import Select, Table, case, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.type.v1.account_pb import SliceTotal
from facet_kit.context import Ctx
from facet_kit.database.base import Base, Scope
from facet_kit.errors import NotFound
from facet_kit.money import to_money
from facet_kit.refs import CustomerRef, OrgRef


class AccountSummaryRow(Base):
    """A service's summary rows: measures of one customer in one department and region, changed by `bump` only."""

    __abstract__ = True
    __scope__ = Scope(owner=None)

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    department_id: Mapped[str] = mapped_column(primary_key=True, default="")
    region_id: Mapped[str] = mapped_column(primary_key=True, default="")


async def bump(
    ctx: Ctx,
    row: type[AccountSummaryRow],
    *,
    customer_id: str,
    department_id: str,
    region_id: str,
    **deltas: int | Decimal,
) -> None:
    """Adds to measures of a summary row, making it where it is missing, and marks the account as changed.

    The addition happens in the database, so that concurrent changes never lose each other.
    """
    keys = {"customer_id": customer_id, "department_id": department_id, "region_id": region_id}
    table = cast(Table, row.__table__)
    statement = insert(table).values(**keys, **deltas)
    added = {name: table.c[name] + statement.excluded[name] for name in deltas}
    await ctx.session.execute(statement.on_conflict_do_update(index_elements=list(keys), set_=added))
    ctx.touch_account(customer_id)


def account_members(customer_id: str) -> Select[str]:
    """Ids of the customer and of everything below it in its group, as a subquery for `.in_()`; row scope applies."""
    return select(CustomerRef.customer_id).where(CustomerRef.ancestor_ids.contains([customer_id]))


async def require_account(ctx: Ctx, customer_id: str) -> list[CustomerRef]:
    """The members of the account that the caller may see, the account itself first where it is among them.

    Raises:
        NotFound: none of them, or no such customer.
    """
    query = select(CustomerRef).where(CustomerRef.ancestor_ids.contains([customer_id]))
    ordered = query.order_by(case((CustomerRef.customer_id == customer_id, 0), else_=1), CustomerRef.name)
    members = list((await ctx.session.execute(ordered)).scalars())
    if not members:
        raise NotFound("Customer", customer_id)
    return members


async def summary_time(ctx: Ctx) -> Timestamp:
    """The database's time before the summary is read: it orders two answers about one account (newest wins)."""
    moment = (await ctx.session.execute(select(func.clock_timestamp()))).scalar_one()
    return Timestamp.from_datetime(moment)


async def org_names(ctx: Ctx, ids: Iterable[str]) -> dict[str, str]:
    """Names of departments and regions by id; unknown ids are left out."""
    wanted = {id for id in ids if id}
    if not wanted:
        return {}
    found = await ctx.session.execute(select(OrgRef.id, OrgRef.name).where(OrgRef.id.in_(wanted)))
    return {row.id: row.name for row in found}


def slices(
    rows: Iterable[Any],
    by: str,
    *,
    names: Mapping[str, str],
    count: str,
    amount: str = "",
    currency: str = "",
) -> list[SliceTotal]:
    """Totals of summary rows by "department_id" or "region_id", largest amount (else count) first.

    `count` and `amount` are names of measures; `amount` needs the `currency` its sums are in. Empty slices are
    left out.
    """
    counts: dict[str, int] = {}
    amounts: dict[str, Decimal] = {}
    for row in rows:
        key = getattr(row, by)
        counts[key] = counts.get(key, 0) + int(getattr(row, count))
        amounts[key] = amounts.get(key, Decimal(0)) + (
            Decimal(getattr(row, amount)) if amount else Decimal(0)
        )
    kept = [key for key in counts if counts[key] or amounts[key]]
    kept.sort(key=lambda key: (-amounts[key], -counts[key], key))
    return [
        SliceTotal(
            department_id=key if by == "department_id" else "",
            region_id=key if by == "region_id" else "",
            display_name=names.get(key, ""),
            count=counts[key],
            amount=to_money(amounts[key], currency) if amount else None,
        )
        for key in kept
    ]
