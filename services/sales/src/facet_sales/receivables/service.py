"""Use cases of invoices and payments. They lock the invoice first, then the order, so that no two block each other."""

from __future__ import annotations

from facet_contracts.facet.sales.v1 import receivables_service_pb as rpc
from facet_kit.context import Ctx
from facet_kit.entry import require_fields
from facet_kit.errors import Invalid, NotFound
from facet_kit.mapping import parse_date
from facet_kit.money import from_money
from facet_kit.paging import ListSpec
from facet_sales.entry import INVOICE_NUMBERS, next_number
from facet_sales.orders.model import Order
from facet_sales.receivables.model import Invoice, Payment, invoice_map
from facet_sales.summary.booking import book_year, rebook

INVOICES = ListSpec(
    Invoice,
    fields={
        "invoice_number": Invoice.invoice_number,
        "order_id": Invoice.order_id,
        "customer_id": Invoice.customer_id,
        "department_id": Invoice.department_id,
        "region_id": Invoice.region_id,
        "owner_id": Invoice.owner_id,
        "state": Invoice.state,
        "amount": Invoice.amount_amount,
        "open": Invoice.open_amount,
        "issue_date": Invoice.issue_date,
        "due_date": Invoice.due_date,
    },
    order=("create_time", "due_date", "issue_date", "amount", "invoice_number"),
)
PAYMENTS = ListSpec(
    Payment,
    fields={
        "invoice_id": Payment.invoice_id,
        "order_id": Payment.order_id,
        "customer_id": Payment.customer_id,
        "department_id": Payment.department_id,
        "region_id": Payment.region_id,
        "amount": Payment.amount_amount,
        "payment_date": Payment.payment_date,
    },
    order=("create_time", "payment_date", "amount"),
)


async def create_invoice(ctx: Ctx, request: rpc.CreateInvoiceRequest) -> Invoice:
    """Issues an invoice for an order, for what is named or for all that is not invoiced yet.

    Raises:
        Conflict: finance has not approved the order, or it is settled or cancelled.
        Invalid: no such order; another currency; more than the order's total; due before issued.
    """
    message = request.invoice
    assert message is not None  # the contract requires it
    require_fields(message, ["order_id"], prefix="invoice")
    order = await _order(ctx, message.order_id)
    amount = order.total_amount - order.invoiced_amount
    if message.amount is not None:
        amount, currency = from_money(message.amount, "invoice.amount")
        if currency != order.currency:
            detail = f"must be the order's currency, {order.currency}"
            raise Invalid("CURRENCY_DIFFERS", detail, field="invoice.amount.currency")
    order.invoice(amount)
    issue_date = parse_date(message.issue_date, "invoice.issue_date") or ctx.clock.today()
    invoice = Invoice(
        id=ctx.ids.new(),
        invoice_number=await next_number(ctx, INVOICE_NUMBERS, "IN", issue_date),
        order_id=order.id,
        customer_id=order.customer_id,
        department_id=order.department_id,
        region_id=order.region_id,
        owner_id=order.owner_id,
        currency=order.currency,
        exchange_rate=order.exchange_rate,
        reporting_currency=order.reporting_currency,
        amount_amount=amount,
        issue_date=issue_date,
    )
    invoice.issue(parse_date(message.due_date, "invoice.due_date"))
    ctx.add(invoice)
    await ctx.flush()
    await rebook(ctx, None, invoice.share())
    await book_year(ctx, invoice.share(), issue_date, invoiced=invoice.reporting(amount))
    return invoice


async def update_invoice(ctx: Ctx, request: rpc.UpdateInvoiceRequest) -> Invoice:
    """Changes the due date. Raises Conflict (paid, void), Invalid (before the issue date)."""
    message = request.invoice
    assert message is not None
    invoice = await ctx.get(Invoice, message.id, etag=request.etag, for_update=True)
    with ctx.session.no_autoflush:
        due = parse_date(message.due_date, "invoice.due_date")
        changed = invoice_map.apply(
            invoice, message, request.update_mask, allowed=("due_date",), prefix="invoice."
        )
        if changed and due is None:
            raise Invalid("REQUIRED", "must not become empty", field="invoice.due_date")
        if changed and due is not None:
            invoice.postpone(due)
            ctx.touch_account(invoice.customer_id)
    await ctx.flush()
    return invoice


async def void_invoice(ctx: Ctx, request: rpc.VoidInvoiceRequest) -> Invoice:
    """Withdraws an invoice on which nothing is paid. Raises Conflict, Invalid."""
    invoice = await ctx.get(Invoice, request.invoice_id, etag=request.etag, for_update=True)
    before = invoice.share()
    invoice.void(request.reason, parse_date(request.void_date, "void_date") or ctx.clock.today())
    order = await ctx.get(Order, invoice.order_id, for_update=True)
    order.void_invoice(invoice.amount_amount)
    await ctx.flush()
    await rebook(ctx, before, invoice.share())
    revenue = invoice.reporting(invoice.amount_amount)
    await book_year(ctx, invoice.share(), invoice.issue_date, invoiced=-revenue)
    return invoice


async def create_payment(ctx: Ctx, request: rpc.CreatePaymentRequest) -> Payment:
    """Records money received for an invoice, partly or all of it.

    Raises:
        Conflict: the invoice is paid or void.
        Invalid: no such invoice; more than is open; another currency; paid before issued.
    """
    message = request.payment
    assert message is not None
    require_fields(message, ["invoice_id", "amount"], prefix="payment")
    assert message.amount is not None
    amount, currency = from_money(message.amount, "payment.amount")
    invoice = await _invoice(ctx, message.invoice_id)
    before = invoice.share()
    day = parse_date(message.payment_date, "payment.payment_date") or ctx.clock.today()
    invoice.pay(amount, currency, day)
    order = await ctx.get(Order, invoice.order_id, for_update=True)
    order.pay(amount)
    payment = Payment(
        invoice_id=invoice.id,
        order_id=invoice.order_id,
        customer_id=invoice.customer_id,
        department_id=invoice.department_id,
        region_id=invoice.region_id,
        owner_id=invoice.owner_id,
        amount_amount=amount,
        currency=currency,
        payment_date=day,
        reference=message.reference,
    )
    ctx.add(payment)
    payment.received(invoice)
    await ctx.flush()
    await rebook(ctx, before, invoice.share())
    await book_year(ctx, invoice.share(), day, paid=invoice.reporting(amount))
    return payment


async def _order(ctx: Ctx, order_id: str) -> Order:
    try:
        return await ctx.get(Order, order_id, for_update=True)
    except NotFound as missing:
        raise Invalid(
            "ORDER_UNKNOWN", "does not exist, or you may not see it", field="invoice.order_id"
        ) from missing


async def _invoice(ctx: Ctx, invoice_id: str) -> Invoice:
    try:
        return await ctx.get(Invoice, invoice_id, for_update=True)
    except NotFound as missing:
        raise Invalid(
            "INVOICE_UNKNOWN", "does not exist, or you may not see it", field="payment.invoice_id"
        ) from missing
