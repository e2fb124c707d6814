"""Turns the lines of a request into priced order lines, naming every field that breaks an entry rule (SAL-07)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from sqlalchemy import select

from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_kit.errors import FacetError, Invalid
from facet_kit.mapping import parse_decimal
from facet_kit.money import from_money
from facet_sales.catalog.model import Product
from facet_sales.orders.model import Order
from facet_sales.orders.parts import OrderLine
from facet_sales.orders.policy import line_total

_Wrong = list[tuple[str, str]]


async def priced_lines(ctx: Ctx, order: Order, messages: Sequence[pb.OrderLine]) -> list[OrderLine]:
    """The lines of an order in its currency, with totals.

    Raises:
        Invalid: one violation for each unknown or discontinued product, zero quantity, missing or foreign price.
    """
    query = select(Product).where(Product.id.in_({message.product_id for message in messages}))
    products = {product.id: product for product in (await ctx.session.execute(query)).scalars()}
    wrong: _Wrong = []
    lines = [
        line
        for place, message in enumerate(messages)
        if (line := _line(ctx, order.currency, message, place, products, wrong)) is not None
    ]
    if wrong:
        raise Invalid.many(wrong, reason="ORDER_LINES")
    return lines


async def require_sold_products(ctx: Ctx, order: Order) -> None:
    """Raises Invalid for lines whose product has been discontinued since they were written."""
    gone = select(Product.id).where(
        Product.id.in_({line.product_id for line in order.lines}),
        Product.state != pb.ProductState.ACTIVE,
    )
    discontinued = set((await ctx.session.execute(gone)).scalars())
    wrong = [
        (f"order.lines[{place}].product_id", f"{line.model_code} is no longer sold; replace the line")
        for place, line in enumerate(order.lines)
        if line.product_id in discontinued
    ]
    if wrong:
        raise Invalid.many(wrong, reason="PRODUCT_DISCONTINUED")


def _line(
    ctx: Ctx, currency: str, message: pb.OrderLine, place: int, products: Mapping[str, Product], wrong: _Wrong
) -> OrderLine | None:
    path = f"order.lines[{place}]"
    before = len(wrong)
    product = products.get(message.product_id)
    if product is None:
        wrong.append((f"{path}.product_id", f"there is no product {message.product_id!r}"))
    elif product.state is not pb.ProductState.ACTIVE:
        wrong.append((f"{path}.product_id", f"{product.model_code} is no longer sold"))
    quantity = _number(message.quantity, f"{path}.quantity", wrong)
    if quantity is not None and quantity <= 0:
        wrong.append((f"{path}.quantity", "must be more than 0"))
    discount = _number(message.discount_percent or "0", f"{path}.discount_percent", wrong)
    price = _price(message, product, currency, path, wrong)
    if len(wrong) > before or product is None or quantity is None or discount is None or price is None:
        return None
    return OrderLine(
        id=ctx.ids.new(),
        position=place + 1,
        product_id=product.id,
        model_code=product.model_code,
        product_name=product.display_name,
        quantity=quantity,
        unit_price_amount=price,
        discount_percent=discount,
        line_total_amount=line_total(quantity, price, discount, currency),
        currency=currency,
        shipped_quantity=Decimal(0),
        serviceable=product.serviceable,
    )


def _number(text: str, field: str, wrong: _Wrong) -> Decimal | None:
    try:
        return parse_decimal(text, field)
    except FacetError as error:
        wrong.append((field, error.message))
        return None


def _price(
    message: pb.OrderLine, product: Product | None, currency: str, path: str, wrong: _Wrong
) -> Decimal | None:
    """The price given, else the product's list price where that is in the order's currency."""
    field = f"{path}.unit_price"
    if message.unit_price is None:
        if product is None:
            return None
        if product.list_price_amount is None or product.list_price_currency != currency:
            wrong.append((field, f"{product.model_code} has no list price in {currency}; give a price"))
            return None
        return product.list_price_amount
    try:
        amount, price_currency = from_money(message.unit_price, field)
    except FacetError as error:
        wrong.append((field, error.message))
        return None
    if price_currency != currency:
        wrong.append((f"{field}.currency", f"must be the order's currency, {currency}"))
    if amount < 0:
        wrong.append((f"{field}.amount", "must not be negative"))
    return amount
