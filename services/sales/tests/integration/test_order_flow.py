"""Orders on a real database: entry rules, the way to settlement, its events and refusals."""

from __future__ import annotations

from typing import Any

import pytest
from protobuf.wkt import FieldMask

from facet_contracts.facet.sales.v1 import events_pb as facts
from facet_contracts.facet.sales.v1 import order_service_pb as rpc
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionMissing, Stale
from facet_kit.testing.principals import a_principal

State = pb.OrderState


async def of_order(desk: Any, kind: type, order: pb.Order) -> list[Any]:
    return [event for event in await desk.service.events(kind) if event.order.id == order.id]


async def test_an_order_is_refused_at_entry_with_every_wrong_field_named(desk: Any) -> None:
    customer = await desk.a_customer()
    dollars = await desk.a_product(list_price=desk.money("10.00", "USD"))
    lines = [
        pb.OrderLine(product_id="nothing", quantity="1"),
        pb.OrderLine(product_id=dollars.id, quantity="0", unit_price=desk.money("5.00", "USD")),
        pb.OrderLine(product_id=dollars.id, quantity="1"),
    ]
    with pytest.raises(Invalid) as refused:
        await desk.an_order(customer, *lines)
    fields = [violation.field for violation in refused.value.violations]
    assert fields == [
        "order.lines[0].product_id",
        "order.lines[1].quantity",
        "order.lines[1].unit_price.currency",
        "order.lines[2].unit_price",
    ]
    with pytest.raises(Invalid) as missing:
        await desk.call(
            "Order", "create_order", rpc.CreateOrderRequest(order=pb.Order(customer_reference="x"))
        )
    assert [violation.field for violation in missing.value.violations] == [
        "order.customer_id",
        "order.currency",
    ]


async def test_a_new_order_takes_list_prices_and_adds_up_exactly(desk: Any) -> None:
    customer = await desk.a_customer(region_id="reg-south")
    product = await desk.a_product(price="33.35")
    order = await desk.an_order(
        customer,
        pb.OrderLine(product_id=product.id, quantity="3", discount_percent="10"),
        pb.OrderLine(product_id=product.id, quantity="0.5", unit_price=desk.money("0.01")),
    )
    assert [line.line_total.amount for line in order.lines] == ["90.05", "0.01"]
    assert (order.total.amount, order.total.currency) == ("90.06", "CNY")
    assert (order.state, order.region_id, order.department_id) == (State.DRAFT, "reg-south", "dep-own")
    assert order.owner_id == desk.rep.person_id
    assert order.lines[0].model_code == product.model_code
    created = (await of_order(desk, facts.OrderCreated, order))[0].order
    assert (created.total.amount, len(created.lines), created.etag) == ("90.06", 2, order.etag)
    assert (await desk.read(order)).etag == order.etag


async def test_an_order_goes_from_draft_to_settled_in_parts(desk: Any) -> None:
    customer = await desk.a_customer()
    product = await desk.a_product(price="10.00")
    order = await desk.an_approved_order(customer, pb.OrderLine(product_id=product.id, quantity="3"))
    assert order.state is State.FINANCE_APPROVED
    part = pb.Shipment(
        ship_date="2026-03-10", lines=[pb.ShipmentLine(order_line_id=order.lines[0].id, quantity="1")]
    )
    order = await desk.ship(order, part)
    assert (order.state, order.lines[0].shipped_quantity) == (State.PARTLY_SHIPPED, "1")
    order = await desk.ship(order, pb.Shipment(ship_date="2026-03-12", carrier="SF", tracking_number="T1"))
    assert (order.state, order.ship_date, len(order.shipments)) == (State.SHIPPED, "2026-03-12", 2)
    assert order.shipments[1].lines[0].quantity == "2"
    with pytest.raises(Invalid) as early:
        await desk.receive(order, "2026-03-11")
    assert early.value.violations[0].field == "receipt_date"
    order = await desk.receive(order, "2026-03-15")
    settle = rpc.SettleOrderRequest(order_id=order.id, etag=order.etag)
    with pytest.raises(Conflict) as unpaid:
        await desk.call("Order", "settle_order", settle, desk.finance)
    assert unpaid.value.reason == "NOT_PAID"
    first = await desk.an_invoice(order, "10.00")
    rest = await desk.an_invoice(order)
    assert rest.amount.amount == "20.00"
    await desk.pay(first, "10.00")
    await desk.pay(rest, "20.00")
    order = await desk.read(order)
    assert (order.invoiced.amount, order.paid.amount) == ("30.00", "30.00")
    order = await desk.call(
        "Order", "settle_order", rpc.SettleOrderRequest(order_id=order.id, etag=order.etag), desk.finance
    )
    assert order.state is State.SETTLED
    received = (await of_order(desk, facts.OrderReceived, order))[0].order
    assert (received.receipt_date, received.lines[0].product_id, received.lines[0].quantity) == (
        "2026-03-15",
        product.id,
        "3",
    )
    assert (await of_order(desk, facts.OrderPartlyShipped, order))[0].shipment.lines[0].quantity == "1"
    assert len(await of_order(desk, facts.OrderShipped, order)) == 1
    assert len(await of_order(desk, facts.OrderSettled, order)) == 1


async def test_shipping_more_than_is_open_is_refused(desk: Any) -> None:
    order = await desk.an_approved_order(await desk.a_customer())
    for quantity, line in (("3", order.lines[0].id), ("1", "another")):
        shipment = pb.Shipment(lines=[pb.ShipmentLine(order_line_id=line, quantity=quantity)])
        with pytest.raises(Invalid):
            await desk.ship(order, shipment)
    assert (await desk.read(order)).state is State.FINANCE_APPROVED


async def test_lines_change_in_draft_only(desk: Any) -> None:
    order = await desk.an_order(await desk.a_customer())
    product = await desk.a_product(price="7.00")
    change = pb.Order(id=order.id, lines=[pb.OrderLine(product_id=product.id, quantity="1")])
    request = rpc.UpdateOrderRequest(order=change, update_mask=FieldMask(paths=["lines"]), etag=order.etag)
    changed = await desk.call("Order", "update_order", request, desk.rep)
    assert (changed.total.amount, len(changed.lines)) == ("7.00", 1)
    assert changed.etag != order.etag
    submitted = await desk.submit(changed)
    request = rpc.UpdateOrderRequest(
        order=change, update_mask=FieldMask(paths=["lines"]), etag=submitted.etag
    )
    with pytest.raises(Conflict) as refused:
        await desk.call("Order", "update_order", request, desk.rep)
    assert refused.value.reason == "ILLEGAL_TRANSITION"
    note = pb.Order(id=order.id, customer_reference="PO 7")
    kept = await desk.call(
        "Order", "update_order", rpc.UpdateOrderRequest(order=note, etag=submitted.etag), desk.rep
    )
    assert (kept.customer_reference, kept.total.amount) == ("PO 7", "7.00")


async def test_verbs_demand_the_state_the_caller_saw(desk: Any) -> None:
    order = await desk.an_order(await desk.a_customer())
    with pytest.raises(PreconditionMissing):
        await desk.call("Order", "submit_order", rpc.SubmitOrderRequest(order_id=order.id), desk.rep)
    await desk.submit(order)
    with pytest.raises(Stale):
        await desk.submit(order)


async def test_a_discontinued_product_can_no_longer_be_submitted(desk: Any) -> None:
    from facet_contracts.facet.sales.v1 import catalog_service_pb as catalog

    product = await desk.a_product()
    order = await desk.an_order(await desk.a_customer(), pb.OrderLine(product_id=product.id, quantity="1"))
    gone = catalog.DiscontinueProductRequest(product_id=product.id, etag=product.etag)
    await desk.call("Catalog", "discontinue_product", gone)
    with pytest.raises(Invalid) as refused:
        await desk.submit(order)
    assert refused.value.violations[0].field == "order.lines[0].product_id"
    assert (await desk.read(order)).state is State.DRAFT


async def test_a_cancelled_order_is_over_and_one_with_an_invoice_stays(desk: Any) -> None:
    order = await desk.an_order(await desk.a_customer())
    cancel = rpc.CancelOrderRequest(order_id=order.id, etag=order.etag, reason="changed plans")
    cancelled = await desk.call("Order", "cancel_order", cancel, desk.rep)
    assert (cancelled.state, cancelled.state_reason) == (State.CANCELLED, "changed plans")
    with pytest.raises(Conflict):
        await desk.submit(cancelled)
    assert (await of_order(desk, facts.OrderCancelled, order))[0].reason == "changed plans"
    invoiced = await desk.an_approved_order(await desk.a_customer())
    await desk.an_invoice(invoiced)
    invoiced = await desk.read(invoiced)
    cancel = rpc.CancelOrderRequest(order_id=invoiced.id, etag=invoiced.etag, reason="too late")
    with pytest.raises(Conflict) as refused:
        await desk.call("Order", "cancel_order", cancel)
    assert refused.value.reason == "INVOICE_STANDS"


async def test_an_order_outside_the_scope_does_not_exist(desk: Any) -> None:
    order = await desk.an_order(await desk.a_customer(region_id="reg-far"))
    stranger = a_principal("sales_rep", region_ids=["reg-other"])
    with pytest.raises(NotFound):
        await desk.read(order, stranger)
    nobody = a_principal("sales_rep")
    page = await desk.call("Order", "list_orders", rpc.ListOrdersRequest(), nobody)
    assert not page.orders
    neighbour = a_principal("sales_rep", region_ids=["reg-far"])
    assert (await desk.read(order, neighbour)).id == order.id


async def test_orders_are_listed_by_filter_order_and_page(desk: Any) -> None:
    customer = await desk.a_customer()
    product = await desk.a_product(price="1.00")
    made = [
        await desk.an_order(customer, pb.OrderLine(product_id=product.id, quantity=str(quantity)))
        for quantity in (5, 1, 3)
    ]
    wanted = f'customer_id = "{customer.customer_id}" AND total > 1'
    request = rpc.ListOrdersRequest(filter=wanted, order_by="total desc", page_size=1)
    first = await desk.call("Order", "list_orders", request, desk.rep)
    request = rpc.ListOrdersRequest(
        filter=wanted, order_by="total desc", page_size=1, page_token=first.next_page_token
    )
    second = await desk.call("Order", "list_orders", request, desk.rep)
    assert [first.orders[0].id, second.orders[0].id] == [made[0].id, made[2].id]
    assert not second.next_page_token
    drafts = rpc.ListOrdersRequest(filter=f'{wanted} AND state = "SUBMITTED"')
    assert not (await desk.call("Order", "list_orders", drafts, desk.rep)).orders


async def test_a_partner_orders_through_its_own_channel_only(desk: Any) -> None:
    dealer = await desk.a_customer(roles=["PARTNER"], owner_id="their-account-manager")
    partner = a_principal("partner", group_id=dealer.group_id, channel_id=dealer.customer_id)
    order = await desk.an_order(dealer, principal=partner)
    assert order.channel_id == dealer.customer_id
    assert (await desk.read(order)).owner_id == "their-account-manager"
    with pytest.raises(Forbidden) as refused:
        await desk.an_order(dealer, principal=partner, channel_id="somebody-else")
    assert refused.value.reason == "FOREIGN_CHANNEL"
    other = await desk.a_customer(roles=["PARTNER"])
    rival = a_principal("partner", group_id=other.group_id, channel_id=other.customer_id)
    with pytest.raises(NotFound):
        await desk.read(order, rival)
    with pytest.raises(Invalid):
        await desk.an_order(dealer, principal=rival)


async def test_a_customer_sees_his_own_order_and_none_of_our_people(desk: Any) -> None:
    customer = await desk.a_customer()
    order = await desk.an_approved_order(customer, channel_id="dealer-1")
    user = a_principal("customer", group_id=customer.group_id)
    seen = await desk.read(order, user)
    assert (seen.order_number, seen.total.amount, seen.lines[0].quantity) == (
        order.order_number,
        "200.00",
        "2",
    )
    assert seen.state is State.FINANCE_APPROVED
    hidden = [seen.submitted_by, seen.approved_by, seen.owner_id, seen.department_id, seen.channel_id]
    assert hidden == [""] * 5
    with pytest.raises(NotFound):
        await desk.read(order, a_principal("customer", group_id="another-group"))


async def test_one_idempotency_key_makes_one_order(desk: Any) -> None:
    customer = await desk.a_customer()
    product = await desk.a_product()
    order = pb.Order(
        customer_id=customer.customer_id,
        currency="CNY",
        lines=[pb.OrderLine(product_id=product.id, quantity="1")],
    )
    request = rpc.CreateOrderRequest(order=order)
    key = desk.unique("key")
    twice = [
        await desk.call("Order", "create_order", request, desk.rep, idempotency_key=key) for _ in range(2)
    ]
    assert twice[0].id == twice[1].id
    mine = rpc.ListOrdersRequest(filter=f'customer_id = "{customer.customer_id}"')
    assert len((await desk.call("Order", "list_orders", mine, desk.rep)).orders) == 1


async def test_references_must_belong_to_the_customer(desk: Any) -> None:
    customer, other = await desk.a_customer(), await desk.a_customer()
    contract = await desk.a_contract(other)
    with pytest.raises(Invalid) as refused:
        await desk.an_order(customer, contract_id=contract.id)
    assert refused.value.violations[0].field == "order.contract_id"
    own = await desk.a_contract(customer)
    assert (await desk.an_order(customer, contract_id=own.id)).contract_id == own.id
