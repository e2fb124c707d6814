"""Use cases that move an order on: duties, shipping, receipt, settlement. The rules are the model's; this does the I/O.

Every verb locks the order's row first, so that parallel requests of one person are decided one after the other.
"""

from __future__ import annotations

from facet_contracts.facet.sales.v1 import order_service_pb as rpc
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_kit.errors import Invalid
from facet_kit.mapping import parse_date, parse_decimal
from facet_sales.orders.lines import require_sold_products
from facet_sales.orders.model import Actor, Order
from facet_sales.orders.parts import OrderDecision, Shipment, ShipmentLine
from facet_sales.orders.service import WITH_PARTS
from facet_sales.summary.booking import book_year, rebook
from facet_sales.summary.model import Share


async def submit_order(ctx: Ctx, request: rpc.SubmitOrderRequest) -> Order:
    """Hands a draft in. Raises Conflict, Invalid (no lines, discontinued products), Forbidden (duties)."""
    order = await _locked(ctx, request.order_id, request.etag)
    before = order.share()
    decision = order.submit(_actor(ctx), request.comment)
    await require_sold_products(ctx, order)
    return await _decided(ctx, order, decision, before)


async def approve_order(ctx: Ctx, request: rpc.ApproveOrderRequest) -> Order:
    """Approves commercially (SAL-08). Raises Conflict (state), Forbidden (duties)."""
    order = await _locked(ctx, request.order_id, request.etag)
    before = order.share()
    return await _decided(ctx, order, order.approve(_actor(ctx), request.comment), before)


async def finance_approve_order(ctx: Ctx, request: rpc.FinanceApproveOrderRequest) -> Order:
    """Approves for finance (SAL-08). Raises Conflict (state), Forbidden (duties)."""
    order = await _locked(ctx, request.order_id, request.etag)
    before = order.share()
    return await _decided(ctx, order, order.finance_approve(_actor(ctx), request.comment), before)


async def reject_order(ctx: Ctx, request: rpc.RejectOrderRequest) -> Order:
    """Sends an order back to draft. Raises Conflict (state), Forbidden (duties)."""
    order = await _locked(ctx, request.order_id, request.etag)
    before = order.share()
    return await _decided(ctx, order, order.reject(_actor(ctx), request.reason), before)


async def reopen_order(ctx: Ctx, request: rpc.ReopenOrderRequest) -> Order:
    """Takes an approved order back to draft (SAL-08). Raises Conflict (state, invoiced), Forbidden (duties)."""
    order = await _locked(ctx, request.order_id, request.etag)
    before = order.share()
    return await _decided(ctx, order, order.reopen(_actor(ctx), request.reason), before)


async def ship_order(ctx: Ctx, request: rpc.ShipOrderRequest) -> Order:
    """Records a shipment; without lines, of everything still open. Raises Conflict (state), Invalid (lines)."""
    order = await _locked(ctx, request.order_id, request.etag)
    before, worth = order.share(), order.shipped_worth()
    shipment = _shipment(ctx, order, request.shipment or pb.Shipment())
    order.ship(shipment)
    await ctx.flush()
    after = order.share()
    await rebook(ctx, before, after)
    await book_year(ctx, after, shipment.ship_date, shipped=order.shipped_worth() - worth)
    return order


async def receive_order(ctx: Ctx, request: rpc.ReceiveOrderRequest) -> Order:
    """Records that the goods arrived. Raises Conflict (state), Invalid (before the last shipment)."""
    order = await _locked(ctx, request.order_id, request.etag)
    before = order.share()
    day = parse_date(request.receipt_date, "receipt_date")
    if day is None:
        raise Invalid("REQUIRED", "say on which day the goods arrived", field="receipt_date")
    order.receive(day)
    return await _moved(ctx, order, before)


async def settle_order(ctx: Ctx, request: rpc.SettleOrderRequest) -> Order:
    """Closes an order that is received, invoiced and paid. Raises Conflict."""
    order = await _locked(ctx, request.order_id, request.etag)
    before = order.share()
    order.settle(ctx.clock.now())
    return await _moved(ctx, order, before)


async def cancel_order(ctx: Ctx, request: rpc.CancelOrderRequest) -> Order:
    """Gives an order up. Raises Conflict once goods have left or while an invoice stands."""
    order = await _locked(ctx, request.order_id, request.etag)
    before = order.share()
    order.cancel(request.reason, ctx.clock.now())
    return await _moved(ctx, order, before)


async def _locked(ctx: Ctx, order_id: str, etag: str) -> Order:
    return await ctx.get(Order, order_id, etag=etag, for_update=True, options=WITH_PARTS)


def _actor(ctx: Ctx) -> Actor:
    return Actor(ctx.principal.person_id, ctx.principal.id, ctx.clock.now())


async def _decided(ctx: Ctx, order: Order, decision: OrderDecision, before: Share) -> Order:
    """Writes the duty before the log entry that refers to it."""
    await ctx.flush()
    decision.id = ctx.ids.new()
    ctx.add(decision)
    return await _moved(ctx, order, before)


async def _moved(ctx: Ctx, order: Order, before: Share) -> Order:
    await ctx.flush()
    await rebook(ctx, before, order.share())
    return order


def _shipment(ctx: Ctx, order: Order, message: pb.Shipment) -> Shipment:
    lines = [
        ShipmentLine(
            order_line_id=part.order_line_id,
            quantity=parse_decimal(part.quantity, f"shipment.lines[{place}].quantity"),
        )
        for place, part in enumerate(message.lines)
    ]
    return Shipment(
        id=ctx.ids.new(),
        ship_date=parse_date(message.ship_date, "shipment.ship_date") or ctx.clock.today(),
        carrier=message.carrier,
        tracking_number=message.tracking_number,
        lines=lines or order.open_lines(),
    )
