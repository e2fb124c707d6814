"""What the branches of the product tree sold (SAL-05): a report over the lines of approved orders."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import aliased

from facet_contracts.facet.sales.v1 import catalog_service_pb as rpc
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_kit.errors import Invalid
from facet_kit.mapping import parse_date
from facet_kit.money import minor_units, to_money
from facet_sales.catalog.model import Product, ProductCategory
from facet_sales.orders.model import Order
from facet_sales.orders.parts import OrderLine


async def roll_up_sales(
    ctx: Ctx, request: rpc.RollUpProductSalesRequest, reporting: str
) -> list[pb.ProductSales]:
    """The category asked for and its children, or all roots, each with the sales of everything below it.

    Raises:
        NotFound: no such category.
        Invalid: no such day, or the period is reversed.
    """
    start, end = parse_date(request.from_, "from"), parse_date(request.to, "to")
    if start is None or end is None or end < start:
        raise Invalid("PERIOD_REVERSED", "say a first day and a last day that is not before it", field="to")
    branches = await _branches(ctx, request.category_id)
    branch = aliased(ProductCategory)
    query = (
        select(
            branch.id,
            func.count(Order.id.distinct()),
            func.sum(OrderLine.quantity),
            func.sum(func.round(OrderLine.line_total_amount * Order.exchange_rate, minor_units(reporting))),
        )
        .select_from(OrderLine)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Product, Product.id == OrderLine.product_id)
        .join(ProductCategory, ProductCategory.id == Product.category_id)
        .join(branch, branch.id == func.any(ProductCategory.ancestor_ids))
        .where(
            branch.id.in_([category.id for category in branches]),
            Order.state != pb.OrderState.CANCELLED,
            Order.finance_approve_time >= datetime.combine(start, time(), UTC),
            Order.finance_approve_time < datetime.combine(end + timedelta(days=1), time(), UTC),
        )
        .group_by(branch.id)
    )
    sums = {id: (count, quantity, amount) for id, count, quantity, amount in await ctx.session.execute(query)}
    nothing = (0, Decimal(0), Decimal(0))
    return [_sales(category, *sums.get(category.id, nothing), reporting) for category in branches]


def _sales(
    category: ProductCategory, count: int, quantity: Decimal, amount: Decimal, reporting: str
) -> pb.ProductSales:
    return pb.ProductSales(
        category_id=category.id,
        display_name=category.display_name,
        order_count=count,
        quantity=f"{quantity.normalize():f}",
        amount=to_money(amount, reporting),
    )


async def _branches(ctx: Ctx, category_id: str) -> list[ProductCategory]:
    wanted: ColumnElement[bool] = ProductCategory.parent_id.is_(None)
    if category_id:
        await ctx.get(ProductCategory, category_id)
        wanted = or_(ProductCategory.id == category_id, ProductCategory.parent_id == category_id)
    query = select(ProductCategory).where(wanted).order_by(ProductCategory.display_name, ProductCategory.id)
    branches = list((await ctx.session.execute(query)).scalars())
    return sorted(branches, key=lambda category: category.id != category_id)
