"""Use cases that write an order: drafting, changing and reading it. What happens to it afterwards is in flow.py."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from facet_contracts.facet.sales.v1 import order_service_pb as rpc
from facet_kit.context import Ctx
from facet_kit.entry import require_fields, require_filled
from facet_kit.errors import Forbidden, Invalid, NotFound
from facet_kit.paging import ListSpec
from facet_kit.principal import PrincipalKind
from facet_kit.refs import CustomerRef
from facet_sales.contracts.model import Contract
from facet_sales.entry import ORDER_NUMBERS, department_for, next_number, updated_names
from facet_sales.orders.lines import priced_lines
from facet_sales.orders.model import Order, order_map
from facet_sales.orders.parts import OrderDecision
from facet_sales.orders.policy import require_state
from facet_sales.pipeline.model import Opportunity
from facet_sales.summary.booking import rebook
from facet_sales.valuation import rate_into

ORDERS = ListSpec(
    Order,
    fields={
        "order_number": Order.order_number,
        "customer_id": Order.customer_id,
        "department_id": Order.department_id,
        "region_id": Order.region_id,
        "owner_id": Order.owner_id,
        "channel_id": Order.channel_id,
        "opportunity_id": Order.opportunity_id,
        "contract_id": Order.contract_id,
        "state": Order.state,
        "total": Order.total_amount,
        "currency": Order.currency,
        "required_ship_date": Order.required_ship_date,
        "receipt_date": Order.receipt_date,
        "submitted_by": Order.submitted_by,
        "submit_time": Order.submit_time,
    },
    order=("create_time", "total", "required_ship_date", "order_number"),
    custom_fields=True,
)
DECISIONS = ListSpec(
    OrderDecision,
    fields={
        "round": OrderDecision.round,
        "duty": OrderDecision.duty,
        "decision": OrderDecision.decision,
        "person_id": OrderDecision.person_id,
        "decide_time": OrderDecision.decide_time,
    },
    order=("decide_time",),
    default_order="decide_time",
)
WITH_PARTS = (
    selectinload(Order.lines),
    selectinload(Order.shipments),
    selectinload(Order.duty_holders),
)

_ALWAYS_CHANGEABLE = ("owner_id", "customer_reference", "custom_fields")
_DRAFT_CHANGEABLE = ("opportunity_id", "contract_id", "required_ship_date")
_EMPTY_MEANS_NONE = ("channel_id", "opportunity_id", "contract_id")


async def create_order(ctx: Ctx, request: rpc.CreateOrderRequest, reporting: str) -> Order:
    """Drafts an order, entered by whoever calls (SAL-07). `reporting` is the reporting currency.

    Raises:
        Invalid: names every field that breaks an entry rule.
        Forbidden: a partner names another channel than its own (SAL-18).
    """
    message = request.order
    assert message is not None  # the contract requires it
    require_fields(message, ["customer_id", "currency"], prefix="order")
    customer = await ctx.customer(message.customer_id, field="order.customer_id")
    order = Order(id=ctx.ids.new(), **order_map.values(message, prefix="order."))
    order.reporting_currency = reporting
    order.exchange_rate = rate_into(reporting, order.currency, order.exchange_rate)
    order.channel_id = _channel(ctx, message.channel_id)
    order.region_id = customer.region_id
    order.department_id = await department_for(ctx, "", customer)
    order.owner_id = _owner(ctx, message.owner_id, customer)
    order.order_number = await next_number(ctx, ORDER_NUMBERS, "SO", ctx.clock.today())
    _clear_empty(order)
    await _check_references(ctx, order)
    lines = await priced_lines(ctx, order, message.lines)
    ctx.add(order)
    order.draft(lines)
    await ctx.flush()
    await rebook(ctx, None, order.share())
    return order


async def get_order(ctx: Ctx, order_id: str) -> Order:
    """One order with lines and shipments."""
    return await ctx.get(Order, order_id, options=WITH_PARTS)


async def update_order(ctx: Ctx, request: rpc.UpdateOrderRequest) -> Order:
    """Changes an order; lines, dates and references only while it is a draft.

    Raises:
        Conflict: the change needs a draft and the order is none.
        Invalid: names every field that breaks an entry rule.
    """
    message = request.order
    assert message is not None
    order = await ctx.get(Order, message.id, etag=request.etag, for_update=True, options=WITH_PARTS)
    before = order.share()
    names = updated_names(message, request.update_mask, (*_ALWAYS_CHANGEABLE, *_DRAFT_CHANGEABLE, "lines"))
    if names & {*_DRAFT_CHANGEABLE, "lines"}:
        require_state(order.state, "edit")
    with ctx.session.no_autoflush:
        allowed = (*_ALWAYS_CHANGEABLE, *_DRAFT_CHANGEABLE, "lines")
        changed = order_map.apply(order, message, request.update_mask, allowed=allowed, prefix="order.")
        _clear_empty(order)
        require_filled(order, ["owner_id"], prefix="order")
        await _check_references(ctx, order)
        if "lines" in names:
            order.write_lines(await priced_lines(ctx, order, message.lines))
            changed.add("lines")
    if changed:
        order.updated()
        await ctx.flush()
        await rebook(ctx, before, order.share())
    await ctx.flush()
    return order


async def list_decisions(
    ctx: Ctx, request: rpc.ListOrderDecisionsRequest
) -> tuple[Sequence[OrderDecision], str]:
    """A page of an order's decision log, oldest first (SAL-08, SAL-10). Raises NotFound outside the caller's scope."""
    order = await ctx.get(Order, request.order_id)
    log = select(OrderDecision).where(OrderDecision.order_id == order.id)
    return await DECISIONS.page(ctx, request, log)


def _channel(ctx: Ctx, wanted: str) -> str | None:
    """A partner's orders carry its channel, whatever it asks for; staff may name the channel (SAL-18)."""
    if ctx.principal.kind is not PrincipalKind.PARTNER:
        return wanted or None
    own = ctx.principal.channel_id
    if not own or wanted not in ("", own):
        raise Forbidden(
            "FOREIGN_CHANNEL",
            "A partner enters orders of its own channel only. Leave channel_id empty.",
            metadata={"channel_id": wanted},
        )
    return own


def _owner(ctx: Ctx, wanted: str, customer: CustomerRef) -> str:
    """Staff look after what they enter unless they name somebody; a partner's orders go to the customer's owner."""
    if ctx.principal.internal:
        return wanted or ctx.principal.person_id
    return customer.owner_id or ctx.principal.person_id


def _clear_empty(order: Order) -> None:
    for name in _EMPTY_MEANS_NONE:
        if not getattr(order, name):
            setattr(order, name, None)


async def _check_references(ctx: Ctx, order: Order) -> None:
    """The opportunity and the contract must be the customer's, and visible to the caller."""
    for name, entity in (("opportunity_id", Opportunity), ("contract_id", Contract)):
        id: str | None = getattr(order, name)
        if not id:
            continue
        try:
            found = await ctx.get(entity, id)
        except NotFound as missing:
            raise Invalid(
                "REFERENCE_UNKNOWN", "does not exist, or you may not see it", field=f"order.{name}"
            ) from missing
        if found.customer_id != order.customer_id:
            raise Invalid("REFERENCE_FOREIGN", "belongs to another customer", field=f"order.{name}")
