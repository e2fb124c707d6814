"""Invoices, payments and ageing on a real database."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from facet_contracts.facet.sales.v1 import events_pb as facts
from facet_contracts.facet.sales.v1 import receivables_service_pb as rpc
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.errors import Conflict, Forbidden, Invalid, NotFound
from facet_kit.testing.principals import a_principal

State = pb.InvoiceState


async def call(desk: Any, name: str, request: Any, principal: Any = None) -> Any:
    return await desk.call("Receivables", name, request, principal or desk.finance)


async def read(desk: Any, invoice: pb.Invoice) -> pb.Invoice:
    return await call(desk, "get_invoice", rpc.GetInvoiceRequest(invoice_id=invoice.id))


async def an_order_worth(desk: Any, amount: str, **customer: Any) -> pb.Order:
    product = await desk.a_product(price=amount)
    return await desk.an_approved_order(
        await desk.a_customer(**customer), pb.OrderLine(product_id=product.id, quantity="1")
    )


async def ageing(desk: Any, customer_id: str, as_of: str, principal: Any = None) -> rpc.ReceivablesAgeing:
    request = rpc.AgeReceivablesRequest(customer_id=customer_id, as_of=as_of)
    return await call(desk, "age_receivables", request, principal)


async def test_invoices_never_exceed_the_order_also_at_once(desk: Any) -> None:
    order = await an_order_worth(desk, "100.00")
    outcomes = await asyncio.gather(
        *(desk.an_invoice(order, "40.00") for _ in range(4)), return_exceptions=True
    )
    assert sum(isinstance(outcome, pb.Invoice) for outcome in outcomes) == 2
    assert all(isinstance(outcome, pb.Invoice | Invalid) for outcome in outcomes)
    assert (await desk.an_invoice(order)).amount.amount == "20.00"
    with pytest.raises(Invalid) as refused:
        await desk.an_invoice(order, "0.01")
    assert refused.value.reason == "INVOICES_TOO_MUCH"


async def test_an_order_is_invoiced_only_after_finance_approved_it(desk: Any) -> None:
    order = await desk.submit(await desk.an_order(await desk.a_customer()))
    with pytest.raises(Conflict) as refused:
        await desk.an_invoice(order)
    assert refused.value.reason == "ILLEGAL_TRANSITION"
    with pytest.raises(Forbidden):
        await call(
            desk, "create_invoice", rpc.CreateInvoiceRequest(invoice=pb.Invoice(order_id=order.id)), desk.rep
        )


async def test_payments_fill_an_invoice_and_never_overflow_it(desk: Any) -> None:
    order = await an_order_worth(desk, "100.00")
    invoice = await desk.an_invoice(order, issue_date="2026-03-01", due_date="2026-03-15")
    first = await desk.pay(invoice, "30.00", "2026-03-10")
    part = await read(desk, invoice)
    assert (part.state, part.paid.amount, part.open.amount) == (State.PARTLY_PAID, "30.00", "70.00")
    with pytest.raises(Invalid) as refused:
        await desk.pay(invoice, "70.01")
    assert refused.value.reason == "OVERPAYMENT"
    with pytest.raises(Invalid):
        await desk.pay(invoice, "1.00", "2026-02-28")
    with pytest.raises(Invalid):
        await desk.pay(invoice, "1.00", currency="USD")
    await desk.pay(invoice, "70.00", "2026-04-01")
    paid = await read(desk, invoice)
    assert (paid.state, paid.open.amount, paid.paid_date) == (State.PAID, "0.00", "2026-04-01")
    with pytest.raises(Conflict):
        await desk.pay(invoice, "0.01")
    received = [
        event for event in await desk.service.events(facts.PaymentReceived) if event.invoice.id == invoice.id
    ]
    assert [(event.payment.amount.amount, event.invoice.open.amount) for event in received] == [
        ("30.00", "70.00"),
        ("70.00", "0.00"),
    ]
    assert (received[0].customer_id, received[0].region_id) == (order.customer_id, "reg-1")
    completed = [
        event for event in await desk.service.events(facts.InvoicePaid) if event.invoice.id == invoice.id
    ]
    assert len(completed) == 1
    page = await call(
        desk,
        "list_payments",
        rpc.ListPaymentsRequest(filter=f'invoice_id = "{invoice.id}"', order_by="payment_date"),
    )
    assert [payment.payment_date for payment in page.payments] == ["2026-03-10", "2026-04-01"]
    shown = await call(desk, "get_payment", rpc.GetPaymentRequest(payment_id=first.id))
    assert shown.amount.amount == "30.00"


async def test_payments_at_once_never_overpay(desk: Any) -> None:
    invoice = await desk.an_invoice(await an_order_worth(desk, "100.00"))
    outcomes = await asyncio.gather(*(desk.pay(invoice, "30.00") for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(outcome, pb.Payment) for outcome in outcomes) == 3
    assert (await read(desk, invoice)).open.amount == "10.00"


async def test_a_voided_invoice_frees_its_amount(desk: Any) -> None:
    order = await an_order_worth(desk, "100.00")
    invoice = await desk.an_invoice(order, issue_date="2026-03-01")
    assert invoice.due_date == "2026-03-31"
    request = rpc.VoidInvoiceRequest(
        invoice_id=invoice.id, etag=invoice.etag, reason="wrong address", void_date="2026-03-05"
    )
    void = await call(desk, "void_invoice", request)
    assert (void.state, void.open.amount, void.void_date) == (State.VOID, "0.00", "2026-03-05")
    assert (await desk.read(order)).invoiced.amount == "0.00"
    assert (await desk.an_invoice(order)).amount.amount == "100.00"
    assert (await ageing(desk, order.customer_id, "2026-03-04")).total.total.amount == "100.00"
    assert (await ageing(desk, order.customer_id, "2026-03-05")).total.total.amount == "0.00"


async def test_a_due_date_can_be_moved_while_the_invoice_is_open(desk: Any) -> None:
    invoice = await desk.an_invoice(await an_order_worth(desk, "10.00"), issue_date="2026-03-01")
    change = pb.Invoice(id=invoice.id, due_date="2026-05-01")
    moved = await call(desk, "update_invoice", rpc.UpdateInvoiceRequest(invoice=change, etag=invoice.etag))
    assert moved.due_date == "2026-05-01"
    early = pb.Invoice(id=invoice.id, due_date="2026-02-01")
    with pytest.raises(Invalid):
        await call(desk, "update_invoice", rpc.UpdateInvoiceRequest(invoice=early, etag=moved.etag))
    await desk.pay(invoice, "10.00")
    paid = await read(desk, invoice)
    late = pb.Invoice(id=invoice.id, due_date="2026-06-01")
    with pytest.raises(Conflict):
        await call(desk, "update_invoice", rpc.UpdateInvoiceRequest(invoice=late, etag=paid.etag))


async def test_ageing_sorts_what_was_open_on_any_day(desk: Any) -> None:
    group = await desk.a_customer(region_id="reg-a", department_id="dep-a")
    member = await desk.a_customer(
        group_id=group.customer_id,
        region_id="reg-b",
        customer_id=(id := desk.unique("member")),
        ancestor_ids=[group.customer_id, id],
    )
    due = date(2026, 1, 31)
    for customer, amount, currency in ((group, "100.00", "CNY"), (member, "10.00", "USD")):
        product = await desk.a_product(list_price=desk.money(amount, currency))
        rate = {"exchange_rate": "7.123"} if currency == "USD" else {}
        order = await desk.an_approved_order(
            customer, pb.OrderLine(product_id=product.id, quantity="1"), currency=currency, **rate
        )
        invoice = await desk.an_invoice(order, issue_date="2026-01-01", due_date=due.isoformat())
        if currency == "CNY":
            await desk.pay(invoice, "40.00", "2026-02-20")

    async def buckets(day: date) -> dict[str, str]:
        found = (await ageing(desk, group.customer_id, day.isoformat())).total
        names = ["not_due", "overdue_1_to_30", "overdue_31_to_60", "overdue_61_to_90", "overdue_over_90"]
        return {name: money.amount for name in names if Decimal((money := getattr(found, name)).amount)}

    assert await buckets(date(2025, 12, 31)) == {}
    assert await buckets(due) == {"not_due": "171.23"}
    assert await buckets(due + timedelta(days=1)) == {"overdue_1_to_30": "171.23"}
    assert await buckets(due + timedelta(days=30)) == {"overdue_1_to_30": "131.23"}
    assert await buckets(due + timedelta(days=31)) == {"overdue_31_to_60": "131.23"}
    assert await buckets(due + timedelta(days=61)) == {"overdue_61_to_90": "131.23"}
    assert await buckets(due + timedelta(days=91)) == {"overdue_over_90": "131.23"}
    answer = await ageing(desk, group.customer_id, "2026-03-31")
    assert {row.id: row.buckets.total.amount for row in answer.by_region} == {
        "reg-a": "60.00",
        "reg-b": "71.23",
    }
    assert [row.display_name for row in answer.by_customer] == [member.name, group.name]
    assert answer.total.invoice_count == 2
    only_b = a_principal("sales_rep", region_ids=["reg-b"])
    assert (await ageing(desk, group.customer_id, "2026-03-31", only_b)).total.total.amount == "71.23"
    with pytest.raises(NotFound):
        await ageing(desk, group.customer_id, "2026-03-31", a_principal("sales_rep"))


async def test_invoices_and_payments_are_scoped_and_shown_to_their_customer(desk: Any) -> None:
    customer = await desk.a_customer()
    invoice = await desk.an_invoice(await desk.an_approved_order(customer))
    payment = await desk.pay(invoice, "5.00")
    nobody = a_principal("sales_rep")
    assert not (await call(desk, "list_invoices", rpc.ListInvoicesRequest(), nobody)).invoices
    assert not (await call(desk, "list_payments", rpc.ListPaymentsRequest(), nobody)).payments
    with pytest.raises(NotFound):
        await call(desk, "get_payment", rpc.GetPaymentRequest(payment_id=payment.id), nobody)
    user = a_principal("customer", group_id=customer.group_id)
    page = await call(desk, "list_invoices", rpc.ListInvoicesRequest(order_by="due_date"), user)
    assert [(seen.id, seen.open.amount, seen.department_id) for seen in page.invoices] == [
        (invoice.id, "195.00", "")
    ]
    seen = await call(desk, "get_payment", rpc.GetPaymentRequest(payment_id=payment.id), user)
    assert (seen.amount.amount, seen.region_id) == ("5.00", "")
