"""Fixtures of the sales tests: the service on a database of its own, and a desk that does its daily work."""

from __future__ import annotations

from typing import Any

import pytest

from facet_contracts.facet.sales.v1 import catalog_service_pb as catalog
from facet_contracts.facet.sales.v1 import contract_service_pb as contracts
from facet_contracts.facet.sales.v1 import order_service_pb as orders
from facet_contracts.facet.sales.v1 import pipeline_service_pb as pipeline
from facet_contracts.facet.sales.v1 import receivables_service_pb as receivables
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_contracts.facet.type.v1.money_pb import Money
from facet_kit.principal import Principal
from facet_kit.refs import CustomerRef
from facet_kit.testing.harness import ServiceHarness, service_fixtures
from facet_kit.testing.principals import a_principal
from facet_sales.main import build
from facet_sales.settings import Settings

globals().update(service_fixtures("facet_sales", build, Settings))


class Desk:
    """Does the sales department's work through the service, each step by whoever has that duty."""

    def __init__(self, service: ServiceHarness) -> None:
        self.service = service
        self.rep = a_principal("sales_rep", full_scope=True, department_id="dep-own")
        self.reviewer = a_principal("commercial_reviewer")
        self.finance = a_principal("finance")
        self.manager = a_principal("sales_manager", full_scope=True, department_id="dep-own")
        self._count = 0

    def unique(self, prefix: str) -> str:
        """A text that no other test uses."""
        return f"{prefix}-{self.service.ids.new()[-12:]}"

    @staticmethod
    def money(amount: str, currency: str = "CNY") -> Money:
        return Money(currency=currency, amount=amount)

    async def call(
        self, api: str, rpc: str, request: Any, principal: Principal | None = None, **more: Any
    ) -> Any:
        return await self.service.call(
            f"{api}Service", rpc, request, principal=principal or self.manager, **more
        )

    async def a_customer(self, **fields: Any) -> CustomerRef:
        # No UUIDv7: for an id that looks brand-new the service would wait for the replica before it refuses.
        values = {"customer_id": self.unique("customer"), "region_id": "reg-1", "department_id": "dep-1"}
        values |= fields
        if "group_id" not in fields:
            values |= {"group_id": values["customer_id"], "ancestor_ids": [values["customer_id"]]}
        return await self.service.given_customer(**values)

    async def a_category(self, parent_id: str = "") -> pb.ProductCategory:
        category = pb.ProductCategory(display_name=self.unique("Category"), parent_id=parent_id)
        return await self.call(
            "Catalog",
            "create_product_category",
            catalog.CreateProductCategoryRequest(product_category=category),
        )

    async def a_product(self, category_id: str = "", price: str = "100.00", **fields: Any) -> pb.Product:
        if not category_id:
            category_id = (await self.a_category()).id
        values: dict[str, Any] = {
            "model_code": self.unique("M"),
            "display_name": "Heat pump",
            "category_id": category_id,
            "list_price": self.money(price),
            "serviceable": True,
        }
        product = pb.Product(**(values | fields))
        return await self.call("Catalog", "create_product", catalog.CreateProductRequest(product=product))

    async def a_pipeline(self, *probabilities: int) -> pb.Pipeline:
        stages = [
            pb.PipelineStage(display_name=f"Stage {place}", win_probability=probability)
            for place, probability in enumerate(probabilities or (10, 40, 80), start=1)
        ]
        request = pipeline.CreatePipelineRequest(
            pipeline=pb.Pipeline(display_name=self.unique("Pipeline"), stages=stages)
        )
        return await self.call("Pipeline", "create_pipeline", request)

    async def an_opportunity(
        self, customer: CustomerRef, line: pb.Pipeline, *, principal: Principal | None = None, **fields: Any
    ) -> pb.Opportunity:
        values: dict[str, Any] = {
            "display_name": "New plant",
            "customer_id": customer.customer_id,
            "pipeline_id": line.id,
            "amount": self.money("1000.00"),
            "expected_close_date": "2026-06-30",
        }
        request = pipeline.CreateOpportunityRequest(opportunity=pb.Opportunity(**(values | fields)))
        return await self.call("Pipeline", "create_opportunity", request, principal or self.rep)

    async def an_order(
        self,
        customer: CustomerRef,
        *lines: pb.OrderLine,
        principal: Principal | None = None,
        **fields: Any,
    ) -> pb.Order:
        wanted = list(lines) or [pb.OrderLine(product_id=(await self.a_product()).id, quantity="2")]
        order = pb.Order(
            **({"customer_id": customer.customer_id, "currency": "CNY", "lines": wanted} | fields)
        )
        return await self.call(
            "Order", "create_order", orders.CreateOrderRequest(order=order), principal or self.rep
        )

    async def submit(self, order: pb.Order, principal: Principal | None = None) -> pb.Order:
        request = orders.SubmitOrderRequest(order_id=order.id, etag=order.etag)
        return await self.call("Order", "submit_order", request, principal or self.rep)

    async def approve(self, order: pb.Order, principal: Principal | None = None) -> pb.Order:
        request = orders.ApproveOrderRequest(order_id=order.id, etag=order.etag)
        return await self.call("Order", "approve_order", request, principal or self.reviewer)

    async def finance_approve(self, order: pb.Order, principal: Principal | None = None) -> pb.Order:
        request = orders.FinanceApproveOrderRequest(order_id=order.id, etag=order.etag)
        return await self.call("Order", "finance_approve_order", request, principal or self.finance)

    async def an_approved_order(self, customer: CustomerRef, *lines: pb.OrderLine, **fields: Any) -> pb.Order:
        order = await self.an_order(customer, *lines, **fields)
        return await self.finance_approve(await self.approve(await self.submit(order)))

    async def ship(self, order: pb.Order, shipment: pb.Shipment | None = None) -> pb.Order:
        request = orders.ShipOrderRequest(order_id=order.id, etag=order.etag, shipment=shipment)
        return await self.call("Order", "ship_order", request, self.reviewer)

    async def receive(self, order: pb.Order, receipt_date: str = "2026-03-20") -> pb.Order:
        request = orders.ReceiveOrderRequest(order_id=order.id, etag=order.etag, receipt_date=receipt_date)
        return await self.call("Order", "receive_order", request, self.reviewer)

    async def read(self, order: pb.Order, principal: Principal | None = None) -> pb.Order:
        return await self.call("Order", "get_order", orders.GetOrderRequest(order_id=order.id), principal)

    async def an_invoice(self, order: pb.Order, amount: str = "", **fields: Any) -> pb.Invoice:
        money = self.money(amount, order.currency) if amount else None
        invoice = pb.Invoice(order_id=order.id, amount=money, **fields)
        request = receivables.CreateInvoiceRequest(invoice=invoice)
        return await self.call("Receivables", "create_invoice", request, self.finance)

    async def pay(self, invoice: pb.Invoice, amount: str, day: str = "", currency: str = "CNY") -> pb.Payment:
        payment = pb.Payment(invoice_id=invoice.id, amount=self.money(amount, currency), payment_date=day)
        request = receivables.CreatePaymentRequest(payment=payment)
        return await self.call("Receivables", "create_payment", request, self.finance)

    async def a_contract(self, customer: CustomerRef, **fields: Any) -> pb.Contract:
        parties = [
            pb.ContractParty(role=pb.ContractPartyRole.CUSTOMER, display_name=customer.name),
            pb.ContractParty(role=pb.ContractPartyRole.OWN, display_name="Facet Industries"),
        ]
        values: dict[str, Any] = {
            "display_name": "Frame 2026",
            "type": pb.ContractType.FRAMEWORK,
            "customer_id": customer.customer_id,
            "amount": self.money("50000.00"),
            "sign_date": "2026-01-10",
            "valid_from": "2026-01-15",
            "valid_to": "2099-12-31",
            "parties": parties,
        }
        request = contracts.CreateContractRequest(contract=pb.Contract(**(values | fields)))
        return await self.call("Contract", "create_contract", request)

    async def activate(self, contract: pb.Contract) -> pb.Contract:
        request = contracts.ActivateContractRequest(contract_id=contract.id, etag=contract.etag)
        return await self.call("Contract", "activate_contract", request)


@pytest.fixture(scope="session")
def desk_of() -> type[Desk]:
    """Makes a desk, for fixtures that outlive one test."""
    return Desk


@pytest.fixture
def desk(service: ServiceHarness) -> Desk:
    """The sales desk of the service under test, with four people of its own."""
    return Desk(service)
