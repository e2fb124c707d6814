"""The service desk on a real database, with people, customers and a working week to test with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from protobuf import Message
from protobuf.wkt import Timestamp

from facet_contracts.facet.service_desk.v1 import asset_service_pb as assets
from facet_contracts.facet.service_desk.v1 import calendar_service_pb as calendars
from facet_contracts.facet.service_desk.v1 import record_service_pb as records
from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_contracts.facet.service_desk.v1 import ticket_service_pb as tickets
from facet_kit.principal import Principal
from facet_kit.refs import CustomerRef
from facet_kit.testing.harness import ServiceHarness, service_fixtures
from facet_kit.testing.principals import a_principal
from facet_service_desk.main import build
from facet_service_desk.settings import Settings


def _settings(**values: Any) -> Settings:
    return Settings(**values, backdating=True)


globals().update(service_fixtures("facet_service_desk", build, _settings))

MONDAY_NINE = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # 09:00 in Shanghai


@dataclass
class Desk:
    """Calls of the service desk in a few words, made by a service manager who sees everything unless said."""

    service: ServiceHarness
    manager: Principal
    agent_id: str

    def at(self, moment: datetime, principal: Principal | None = None) -> Principal:
        """The principal, calling at that moment."""
        who = principal or self.manager
        return a_principal(
            id=who.id,
            kind=who.kind,
            roles=who.roles,
            full_scope=who.full_scope,
            region_ids=who.region_ids,
            group_id=who.group_id,
            department_id=who.department_id,
            at=moment,
        )

    async def call(self, rpc: str, request: Message[Any], principal: Principal | None = None) -> Any:
        client = next(
            name
            for name, words in {
                "TicketService": ("ticket",),
                "AssetService": ("asset",),
                "RecordService": ("service_record",),
                "CalendarService": ("calendar", "sla"),
                "SummaryService": ("summary",),
            }.items()
            if any(word in rpc for word in words)
        )
        return await self.service.call(client, rpc, request, principal=principal or self.manager)

    async def ticket(
        self, customer: CustomerRef, principal: Principal | None = None, **fields: Any
    ) -> pb.Ticket:
        """A new P3 ticket, unless said otherwise."""
        values = {"customer_id": customer.customer_id, "subject": "Pump stands still"} | fields
        return await self.call(
            "create_ticket", tickets.CreateTicketRequest(ticket=pb.Ticket(**values)), principal
        )

    async def verb(
        self, name: str, ticket: pb.Ticket, principal: Principal | None = None, **fields: Any
    ) -> pb.Ticket:
        """A verb on the ticket as it was last seen: `assign`, `respond`, `change_priority` …"""
        rpc = "change_ticket_priority" if name == "change_priority" else f"{name}_ticket"
        kind: Callable[..., Message[Any]] = getattr(
            tickets, "".join(part.title() for part in rpc.split("_")) + "Request"
        )
        values: dict[str, Any] = {"ticket_id": ticket.id, "etag": ticket.etag} | fields
        return await self.call(rpc, kind(**values), principal)

    async def asset(
        self, customer: CustomerRef, principal: Principal | None = None, **fields: Any
    ) -> pb.Asset:
        """A new asset, delivered unless a day of installation is given."""
        values = {"customer_id": customer.customer_id, "model_code": "CH-200"} | fields
        return await self.call("create_asset", assets.CreateAssetRequest(asset=pb.Asset(**values)), principal)

    async def record(
        self, customer: CustomerRef, principal: Principal | None = None, **fields: Any
    ) -> pb.ServiceRecord:
        """A visit by the agent, unless said otherwise."""
        values = {
            "customer_id": customer.customer_id,
            "kind": pb.ServiceRecordKind.VISIT,
            "engineer_id": self.agent_id,
            "start_time": Timestamp.from_datetime(MONDAY_NINE),
        } | fields
        request = records.CreateServiceRecordRequest(service_record=pb.ServiceRecord(**values))
        return await self.call("create_service_record", request, principal)


def a_week(**fields: Any) -> pb.WorkingCalendar:
    """Monday to Friday, 09:00–12:00 and 13:00–18:00 in Shanghai."""
    intervals = [
        pb.WorkingInterval(weekday=pb.Weekday(day), start=start, end=end)
        for day in range(1, 6)
        for start, end in (("09:00", "12:00"), ("13:00", "18:00"))
    ]
    values = {"display_name": "Office", "time_zone": "Asia/Shanghai", "intervals": intervals} | fields
    return pb.WorkingCalendar(**values)


@pytest.fixture(scope="module")
def week() -> Callable[..., pb.WorkingCalendar]:
    """Builder of working weeks."""
    return a_week


@pytest_asyncio.fixture(scope="module")
async def desk(service: ServiceHarness) -> Desk:
    """A desk with an agent, and promises for P1 (30 and 120 working minutes) and P3 (60 and 480) only."""
    manager = a_principal("service_manager", full_scope=True)
    agent = await service.given_staff(display_name="Agent")
    made = Desk(service, manager, agent.staff_id)
    calendar = await made.call(
        "create_working_calendar", calendars.CreateWorkingCalendarRequest(working_calendar=a_week())
    )
    for priority, first, last in ((pb.TicketPriority.P1, 30, 120), (pb.TicketPriority.P3, 60, 480)):
        policy = pb.SlaPolicy(
            priority=priority,
            calendar_id=calendar.id,
            first_response_minutes=first,
            resolution_minutes=last,
        )
        await made.call("create_sla_policy", calendars.CreateSlaPolicyRequest(sla_policy=policy))
    return made
