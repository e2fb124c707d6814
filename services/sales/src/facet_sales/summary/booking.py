"""Keeps the summary rows in step with the records, within the transaction of each change."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from facet_kit.context import Ctx
from facet_kit.summary import bump
from facet_sales.summary.model import SalesSummary, SalesYear, Share, difference


async def rebook(ctx: Ctx, before: Share | None, after: Share) -> None:
    """Books the change of a record's share (`before` is None for a new record) and says that the account changed."""
    for moved in difference(before or Share(*after.key), after):
        await bump(
            ctx,
            SalesSummary,
            customer_id=moved.customer_id,
            department_id=moved.department_id,
            region_id=moved.region_id,
            **moved.measures,
        )
    ctx.touch_account(after.customer_id)


async def book_year(
    ctx: Ctx,
    share: Share,
    day: date,
    *,
    invoiced: Decimal = Decimal(0),
    shipped: Decimal = Decimal(0),
    paid: Decimal = Decimal(0),
) -> None:
    """Adds amounts, in the reporting currency, to the year that `day` lies in; the share says whose year."""
    statement = insert(SalesYear).values(
        customer_id=share.customer_id,
        department_id=share.department_id,
        region_id=share.region_id,
        year=day.year,
        invoiced_amount=invoiced,
        shipped_amount=shipped,
        paid_amount=paid,
        last_payment_date=day if paid else None,
    )
    added = statement.excluded
    await ctx.session.execute(
        statement.on_conflict_do_update(
            index_elements=["customer_id", "department_id", "region_id", "year"],
            set_={
                "invoiced_amount": SalesYear.invoiced_amount + added.invoiced_amount,
                "shipped_amount": SalesYear.shipped_amount + added.shipped_amount,
                "paid_amount": SalesYear.paid_amount + added.paid_amount,
                "last_payment_date": func.greatest(SalesYear.last_payment_date, added.last_payment_date),
            },
        )
    )
    ctx.touch_account(share.customer_id)
