"""The analytics service on a database of its own, and builders of the events it counts."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest_asyncio
from protobuf import Message
from protobuf.wkt import Timestamp

from facet_analytics.main import build
from facet_analytics.settings import Settings
from facet_contracts.facet.analytics.v1 import report_service_pb as report_rpc
from facet_contracts.facet.analytics.v1 import value_service_pb as value_rpc
from facet_contracts.facet.marketing.v1.events_pb import TouchRecorded
from facet_contracts.facet.marketing.v1.resources_pb import ContactChannel, Touch
from facet_contracts.facet.project.v1.events_pb import ProjectWon
from facet_contracts.facet.project.v1.resources_pb import Project
from facet_contracts.facet.sales.v1.events_pb import InvoiceIssued, InvoiceVoided, PaymentReceived
from facet_contracts.facet.sales.v1.resources_pb import Invoice, Payment
from facet_contracts.facet.service_desk.v1.events_pb import TicketCreated
from facet_contracts.facet.service_desk.v1.resources_pb import Ticket
from facet_contracts.facet.type.v1.account_pb import GetAccountSummaryRequest
from facet_contracts.facet.type.v1.money_pb import Money
from facet_kit.ids import Uuid7Ids
from facet_kit.principal import Principal
from facet_kit.testing.harness import ServiceHarness, service_fixtures
from facet_kit.testing.principals import an_executive


class TestSettings(Settings):
    """Ranks every time, so that tests see what they just did."""

    __test__ = False
    ranking_seconds: float = 0.0


globals().update(service_fixtures("facet_analytics", build, TestSettings))

_ids = Uuid7Ids()


def cny(amount: object) -> Money:
    return Money(currency="CNY", amount=f"{amount}.00")


def midday(day: str) -> Timestamp:
    return Timestamp.from_datetime(datetime.fromisoformat(f"{day}T12:00:00+00:00"))


def an_invoice(
    customer_id: str, day: str, amount: object, *, department: str = "d1", region: str = "r1"
) -> Invoice:
    return Invoice(
        id=_ids.new(),
        invoice_number=f"I-{day}",
        customer_id=customer_id,
        department_id=department,
        region_id=region,
        issue_date=day,
        due_date="2999-01-01",
        amount=cny(amount),
        exchange_rate="1",
    )


def issued(*args: Any, **fields: Any) -> InvoiceIssued:
    return InvoiceIssued(invoice=an_invoice(*args, **fields))


def voided(event: InvoiceIssued) -> InvoiceVoided:
    return InvoiceVoided(invoice=event.invoice)


def paid(customer_id: str, day: str, amount: object, *, due: str = "2999-01-01") -> PaymentReceived:
    payment = Payment(
        id=_ids.new(),
        customer_id=customer_id,
        department_id="d1",
        region_id="r1",
        payment_date=day,
        amount=cny(amount),
    )
    return PaymentReceived(payment=payment, invoice=Invoice(id=_ids.new(), due_date=due, exchange_rate="1"))


def a_ticket(customer_id: str, day: str, *, region: str = "r1") -> TicketCreated:
    ticket = Ticket(
        id=_ids.new(),
        number="T-1",
        subject="Fan is loud",
        customer_id=customer_id,
        department_id="d1",
        region_id=region,
        create_time=midday(day),
    )
    return TicketCreated(ticket=ticket)


def a_touch(customer_id: str, day: str) -> TouchRecorded:
    touch = Touch(
        id=_ids.new(),
        customer_id=customer_id,
        department_id="d1",
        region_id="r1",
        channel=ContactChannel(1),
        subject="Visit",
        touch_time=midday(day),
    )
    return TouchRecorded(touch=touch)


def won(customer_id: str, day: str, amount: object) -> ProjectWon:
    project = Project(
        id=_ids.new(),
        display_name="Chiller plant",
        customer_id=customer_id,
        department_id="d1",
        region_id="r1",
        expected_revenue=cny(amount),
        end_time=midday(day),
    )
    return ProjectWon(project=project)


@dataclass
class Analyst:
    """Speaks to the service in the words of its users."""

    service: ServiceHarness
    reader: Principal

    async def hear(self, *events: Message) -> list[str]:
        """Events as they arrive from the streams; returns their ids."""
        return await asyncio.gather(*(self.service.deliver(event) for event in events))

    async def call(self, api: str, rpc: str, request: Message, *, by: Principal | None = None) -> Any:
        return await self.service.call(api, rpc, request, principal=by or self.reader)

    async def report(self, metric: str, *group_by: str, by: Principal | None = None, **fields: Any) -> Any:
        request = report_rpc.QueryMetricRequest(metric=metric, group_by=list(group_by), **fields)
        return await self.call("ReportService", "query_metric", request, by=by)

    async def value(self, customer_id: str, month: str, **options: Any) -> Any:
        request = value_rpc.GetAccountValueRequest(customer_id=customer_id, month=month)
        return await self.call("ValueService", "get_account_value", request, **options)

    async def ranking(self, month: str, **options: Any) -> Any:
        request = value_rpc.GetKeyAccountRankingRequest(month=month)
        return await self.call("ValueService", "get_key_account_ranking", request, **options)

    async def summary(self, customer_id: str, **options: Any) -> Any:
        request = GetAccountSummaryRequest(customer_id=customer_id)
        return await self.call("SummaryService", "get_account_summary", request, **options)


def this_month(day: int = 1) -> str:
    return datetime.now(UTC).date().replace(day=day).isoformat()


@pytest_asyncio.fixture
async def analyst(service: ServiceHarness) -> Analyst:
    return Analyst(service, reader=an_executive())


@pytest_asyncio.fixture
async def tell() -> Any:
    """The builders of events, by name."""

    class Tell:
        issued, voided, paid = staticmethod(issued), staticmethod(voided), staticmethod(paid)
        ticket, touch, won = staticmethod(a_ticket), staticmethod(a_touch), staticmethod(won)
        this_month = staticmethod(this_month)

    return Tell
