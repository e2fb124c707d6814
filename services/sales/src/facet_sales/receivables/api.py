"""gRPC servicer of invoices and payments: messages in, use case, messages out."""

from __future__ import annotations

from facet_contracts.facet.sales.v1 import receivables_service_pb as rpc
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_sales.receivables import service
from facet_sales.receivables.ageing import age_receivables
from facet_sales.receivables.model import Invoice, Payment, invoice_map, payment_map


class ReceivablesApi:
    """Invoices, payments, ageing. `reporting` is the reporting currency."""

    service = "facet.sales.v1.ReceivablesService"

    def __init__(self, reporting: str) -> None:
        self._reporting = reporting

    async def create_invoice(self, request: rpc.CreateInvoiceRequest, ctx: Ctx) -> pb.Invoice:
        return invoice_map.to_message(await service.create_invoice(ctx, request))

    async def get_invoice(self, request: rpc.GetInvoiceRequest, ctx: Ctx) -> pb.Invoice:
        return invoice_map.to_message(await ctx.get(Invoice, request.invoice_id))

    async def list_invoices(self, request: rpc.ListInvoicesRequest, ctx: Ctx) -> rpc.ListInvoicesResponse:
        rows, token = await service.INVOICES.page(ctx, request)
        return rpc.ListInvoicesResponse(invoices=invoice_map.to_messages(rows), next_page_token=token)

    async def update_invoice(self, request: rpc.UpdateInvoiceRequest, ctx: Ctx) -> pb.Invoice:
        return invoice_map.to_message(await service.update_invoice(ctx, request))

    async def void_invoice(self, request: rpc.VoidInvoiceRequest, ctx: Ctx) -> pb.Invoice:
        return invoice_map.to_message(await service.void_invoice(ctx, request))

    async def create_payment(self, request: rpc.CreatePaymentRequest, ctx: Ctx) -> pb.Payment:
        return payment_map.to_message(await service.create_payment(ctx, request))

    async def get_payment(self, request: rpc.GetPaymentRequest, ctx: Ctx) -> pb.Payment:
        return payment_map.to_message(await ctx.get(Payment, request.payment_id))

    async def list_payments(self, request: rpc.ListPaymentsRequest, ctx: Ctx) -> rpc.ListPaymentsResponse:
        rows, token = await service.PAYMENTS.page(ctx, request)
        return rpc.ListPaymentsResponse(payments=payment_map.to_messages(rows), next_page_token=token)

    async def age_receivables(self, request: rpc.AgeReceivablesRequest, ctx: Ctx) -> rpc.ReceivablesAgeing:
        return await age_receivables(ctx, request, self._reporting)
