"""A year of selling to each account: opportunities, orders to payment, contracts. Three different people pass an order
through submission, commercial and finance approval.
"""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from facet_contracts.facet.sales.v1.contract_service_pb import ActivateContractRequest, CreateContractRequest
from facet_contracts.facet.sales.v1.contract_service_pb_grpc import ContractServiceClient
from facet_contracts.facet.sales.v1.order_service_pb import (
    ApproveOrderRequest,
    CreateOrderRequest,
    FinanceApproveOrderRequest,
    GetOrderRequest,
    ReceiveOrderRequest,
    SettleOrderRequest,
    ShipOrderRequest,
    SubmitOrderRequest,
)
from facet_contracts.facet.sales.v1.order_service_pb_grpc import OrderServiceClient
from facet_contracts.facet.sales.v1.pipeline_service_pb import (
    AdvanceOpportunityRequest,
    CreateOpportunityRequest,
    CreatePipelineRequest,
    LoseOpportunityRequest,
    WinOpportunityRequest,
)
from facet_contracts.facet.sales.v1.pipeline_service_pb_grpc import PipelineServiceClient
from facet_contracts.facet.sales.v1.receivables_service_pb import CreateInvoiceRequest, CreatePaymentRequest
from facet_contracts.facet.sales.v1.receivables_service_pb_grpc import ReceivablesServiceClient
from facet_contracts.facet.sales.v1.resources_pb import (
    Contract,
    ContractParty,
    ContractPartyRole,
    ContractType,
    Invoice,
    Opportunity,
    Order,
    OrderLine,
    Payment,
    Pipeline,
    PipelineStage,
    Shipment,
    ShipmentLine,
)
from facet_contracts.facet.type.v1.money_pb import Money
from facet_local.demo.desk import Desk, moment, workday
from facet_local.demo.enterprise import Account, Enterprise, Group, Person

_STAGES = (("初步接触", 10), ("需求确认", 30), ("方案报价", 55), ("商务谈判", 80))
_UNDELIVERED_DAYS = 6
"""So many days ago an order was approved that is not delivered yet: a commitment that the first view shows."""
_REASONS = ("方案最合适", "价格有优势", "服务响应快", "长期合作")
_LOSSES = ("价格过高", "预算取消", "选择竞争对手")


class Business:
    """The sales history of the enterprise up to `today`."""

    def __init__(self, desk: Desk, enterprise: Enterprise, today: date) -> None:
        self._desk = desk
        self._enterprise = enterprise
        self._today = today
        self._people = {person.key: person for person in enterprise.people}
        self._reviewers = enterprise.of_role("commercial_reviewer")
        self._clerks = enterprise.of_role("finance")
        self._orders = desk.client("sales", OrderServiceClient)
        self._receivables = desk.client("sales", ReceivablesServiceClient)
        self._pipeline = desk.client("sales", PipelineServiceClient)
        self._contracts = desk.client("sales", ContractServiceClient)
        self._stages: list[str] = []
        self._pipeline_id = ""

    async def pipeline(self) -> None:
        """The one pipeline that everybody sells in."""
        stages = [PipelineStage(display_name=name, win_probability=chance) for name, chance in _STAGES]
        request = CreatePipelineRequest(pipeline=Pipeline(display_name="标准销售流程", stages=stages))
        made = await self._desk.act(self._pipeline.create_pipeline, request, by=None, at=self._noon(400))
        self._pipeline_id = made.id
        self._stages = [stage.id for stage in made.stages]

    def _noon(self, days_ago: int) -> Any:
        return moment(workday(self._today - timedelta(days=days_ago)), 12)

    async def year(self, group: Group, account: Account) -> None:
        """Everything sold to one account; the same for the same account on the same day."""
        source = random.Random(f"business:{account.key}")
        root = account is group.root
        shown = account.key.startswith("g00-")
        orders = source.choice((2, 3)) if shown or root else source.choice((0, 1, 1, 1, 2))
        for number in range(orders):
            days_ago = 345 - number * (330 // max(orders, 1)) - source.randrange(25)
            await self._order(account, source, max(days_ago, 2))
        if root or shown:
            await self._contract(account, source)
        if account.strategy != "DO_NOT_PURSUE":
            for _ in range(source.choice((1, 1, 2)) if shown else source.choice((0, 1, 1))):
                await self._opportunity(account, source)
        if shown:
            await self._order(account, source, _UNDELIVERED_DAYS)

    async def _order(self, account: Account, source: random.Random, days_ago: int) -> None:
        seller = self._people[account.owner]
        ordered = workday(self._today - timedelta(days=days_ago))
        lines = [self._line(source) for _ in range(source.randrange(1, 4))]
        wanted = Order(
            customer_id=self._desk.directory.customers[account.key],
            currency="CNY",
            required_ship_date=(ordered + timedelta(days=10)).isoformat(),
            lines=lines,
        )
        order = await self._act(
            self._orders.create_order, CreateOrderRequest(order=wanted), seller, ordered, 9
        )
        request: Any = SubmitOrderRequest(order_id=order.id, etag=order.etag)
        order = await self._act(self._orders.submit_order, request, seller, ordered, 10)
        if days_ago < 4:
            return
        request = ApproveOrderRequest(order_id=order.id, etag=order.etag)
        order = await self._act(
            self._orders.approve_order, request, source.choice(self._reviewers), ordered, 14
        )
        request = FinanceApproveOrderRequest(order_id=order.id, etag=order.etag)
        checked = workday(ordered + timedelta(days=1))
        order = await self._act(
            self._orders.finance_approve_order, request, source.choice(self._clerks), checked, 10
        )
        if days_ago > 10:
            await self._deliver(order, source, ordered)

    def _line(self, source: random.Random) -> OrderLine:
        product = source.choice(self._enterprise.products)
        return OrderLine(
            product_id=self._desk.directory.products[product.model_code],
            quantity=str(source.randrange(1, 4)),
            unit_price=Money(currency="CNY", amount=format(product.price, ".2f")),
            discount_percent=source.choice(("0", "0", "3", "5", "8")),
        )

    async def _deliver(self, order: Order, source: random.Random, ordered: date) -> None:
        reviewer = source.choice(self._reviewers)
        shipped = workday(ordered + timedelta(days=5))
        lines = [ShipmentLine(order_line_id=line.id, quantity=line.quantity) for line in order.lines]
        shipment = Shipment(ship_date=shipped.isoformat(), carrier="顺丰", lines=lines)
        request: Any = ShipOrderRequest(order_id=order.id, etag=order.etag, shipment=shipment)
        order = await self._act(self._orders.ship_order, request, reviewer, shipped, 15)
        received = workday(ordered + timedelta(days=8))
        request = ReceiveOrderRequest(order_id=order.id, etag=order.etag, receipt_date=received.isoformat())
        order = await self._act(self._orders.receive_order, request, reviewer, received, 16)
        await self._collect(order, source, received)

    async def _collect(self, order: Order, source: random.Random, received: date) -> None:
        clerk = source.choice(self._clerks)
        due = received + timedelta(days=30)
        invoice = Invoice(
            order_id=order.id, amount=order.total, issue_date=received.isoformat(), due_date=due.isoformat()
        )
        made = await self._act(
            self._receivables.create_invoice, CreateInvoiceRequest(invoice=invoice), clerk, received, 17
        )
        paid_on = workday(due + timedelta(days=source.choice((-8, -3, 0, 2, 9, 25, 70, 400))))
        if paid_on >= self._today or order.total is None:
            return
        total = Decimal(order.total.amount)
        partial = source.random() < 0.12
        amount = (total / 2).quantize(Decimal("0.01")) if partial else total
        payment = Payment(
            invoice_id=made.id,
            amount=Money(currency="CNY", amount=format(amount, "f")),
            payment_date=paid_on.isoformat(),
            reference=f"银行转账 {order.id[-6:]}",
        )
        await self._act(
            self._receivables.create_payment, CreatePaymentRequest(payment=payment), clerk, paid_on, 11
        )
        if not partial:
            request = SettleOrderRequest(order_id=order.id, etag=await self._etag(order.id, clerk, paid_on))
            await self._act(self._orders.settle_order, request, clerk, paid_on, 12)

    async def _etag(self, order_id: str, reader: Person, day: date) -> str:
        order = await self._act(self._orders.get_order, GetOrderRequest(order_id=order_id), reader, day, 12)
        return str(order.etag)

    async def _contract(self, account: Account, source: random.Random) -> None:
        seller = self._people[account.owner]
        signed = workday(self._today - timedelta(days=source.randrange(40, 300)))
        customer_id = self._desk.directory.customers[account.key]
        parties = [
            ContractParty(
                role=ContractPartyRole.CUSTOMER, display_name=account.name, customer_id=customer_id
            ),
            ContractParty(role=ContractPartyRole.OWN, display_name="Facet 示范企业"),
        ]
        contract = Contract(
            display_name=f"{account.name} 年度供货协议",
            type=source.choice((ContractType.FRAMEWORK, ContractType.SALES, ContractType.SERVICE)),
            customer_id=customer_id,
            parties=parties,
            sign_date=signed.isoformat(),
            valid_from=signed.isoformat(),
            valid_to=(signed + timedelta(days=source.choice((365, 365, 730)))).isoformat(),
            amount=Money(currency="CNY", amount=f"{source.randrange(20, 900) * 10000}.00"),
        )
        made = await self._act(
            self._contracts.create_contract, CreateContractRequest(contract=contract), seller, signed, 11
        )
        request = ActivateContractRequest(contract_id=made.id, etag=made.etag)
        await self._act(
            self._contracts.activate_contract, request, source.choice(self._reviewers), signed, 15
        )

    async def _opportunity(self, account: Account, source: random.Random) -> None:
        seller = self._people[account.owner]
        found = workday(self._today - timedelta(days=source.randrange(10, 200)))
        opportunity = Opportunity(
            display_name=f"{account.name} {source.choice(('扩建', '更新', '升级', '新建'))}项目",
            customer_id=self._desk.directory.customers[account.key],
            pipeline_id=self._pipeline_id,
            amount=Money(currency="CNY", amount=f"{source.randrange(5, 400) * 5000}.00"),
            expected_close_date=(self._today + timedelta(days=source.randrange(5, 150))).isoformat(),
            source=source.choice(("客户推荐", "展会", "官网", "老客户")),
        )
        made = await self._act(
            self._pipeline.create_opportunity,
            CreateOpportunityRequest(opportunity=opportunity),
            seller,
            found,
            10,
        )
        for number in range(1, source.randrange(1, len(self._stages) + 1)):
            day = workday(found + timedelta(days=2 * number))
            request: Any = AdvanceOpportunityRequest(
                opportunity_id=made.id, etag=made.etag, stage_id=self._stages[number]
            )
            made = await self._act(self._pipeline.advance_opportunity, request, seller, day, 10)
        ended = workday(found + timedelta(days=9))
        match source.randrange(4):
            case 0:
                request = WinOpportunityRequest(
                    opportunity_id=made.id, etag=made.etag, reason=source.choice(_REASONS)
                )
                await self._act(self._pipeline.win_opportunity, request, seller, ended, 17)
            case 1:
                request = LoseOpportunityRequest(
                    opportunity_id=made.id,
                    etag=made.etag,
                    reason=source.choice(_LOSSES),
                    competitor="恒泰科技",
                )
                await self._act(self._pipeline.lose_opportunity, request, seller, ended, 17)

    async def _act(self, rpc: Any, request: Any, by: Person, day: date, hour: int) -> Any:
        return await self._desk.act(rpc, request, by=by, at=moment(day, hour))
