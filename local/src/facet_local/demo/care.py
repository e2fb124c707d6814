"""A year of looking after each account: tickets on a working calendar, service records, consents, touches, points."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from protobuf.wkt import Timestamp

from facet_contracts.facet.marketing.v1.campaign_service_pb import (
    ActivateCampaignRequest,
    CreateCampaignRequest,
)
from facet_contracts.facet.marketing.v1.campaign_service_pb_grpc import CampaignServiceClient
from facet_contracts.facet.marketing.v1.consent_service_pb import CreateConsentRequest
from facet_contracts.facet.marketing.v1.consent_service_pb_grpc import ConsentServiceClient
from facet_contracts.facet.marketing.v1.points_service_pb import CreatePointsEntryRequest
from facet_contracts.facet.marketing.v1.points_service_pb_grpc import PointsServiceClient
from facet_contracts.facet.marketing.v1.resources_pb import (
    AudienceFilter,
    Campaign,
    Consent,
    ConsentState,
    ContactChannel,
    ContactPurpose,
    FrequencyPolicy,
    NodeGroup,
    PointsEntry,
    PointsEntryKind,
    Touch,
)
from facet_contracts.facet.marketing.v1.touch_service_pb import (
    CreateFrequencyPolicyRequest,
    CreateTouchRequest,
)
from facet_contracts.facet.marketing.v1.touch_service_pb_grpc import TouchServiceClient
from facet_contracts.facet.service_desk.v1.asset_service_pb import InstallAssetRequest, ListAssetsRequest
from facet_contracts.facet.service_desk.v1.asset_service_pb_grpc import AssetServiceClient
from facet_contracts.facet.service_desk.v1.calendar_service_pb import (
    CreateSlaPolicyRequest,
    CreateWorkingCalendarRequest,
)
from facet_contracts.facet.service_desk.v1.calendar_service_pb_grpc import CalendarServiceClient
from facet_contracts.facet.service_desk.v1.record_service_pb import CreateServiceRecordRequest
from facet_contracts.facet.service_desk.v1.record_service_pb_grpc import RecordServiceClient
from facet_contracts.facet.service_desk.v1.resources_pb import (
    ServiceRecord,
    ServiceRecordKind,
    SlaPolicy,
    Ticket,
    TicketChannel,
    TicketPriority,
    Weekday,
    WorkingCalendar,
    WorkingInterval,
)
from facet_contracts.facet.service_desk.v1.ticket_service_pb import (
    AssignTicketRequest,
    CloseTicketRequest,
    CreateTicketRequest,
    ResolveTicketRequest,
    RespondTicketRequest,
)
from facet_contracts.facet.service_desk.v1.ticket_service_pb_grpc import TicketServiceClient
from facet_contracts.facet.type.v1.money_pb import Money
from facet_local.demo.desk import Desk, moment, workday
from facet_local.demo.enterprise import Account, Enterprise, Group, Person

_SUBJECTS = (
    "设备报警停机",
    "精度超差",
    "软件无法登录",
    "备件咨询",
    "年度保养预约",
    "发票信息更正",
    "操作培训需求",
)
_TARGETS = (("P1", 30, 240), ("P2", 60, 480), ("P3", 240, 1440), ("P4", 480, 2880))  # working minutes


class Care:
    """The service and marketing history of the enterprise up to `today`."""

    def __init__(self, desk: Desk, enterprise: Enterprise, today: date) -> None:
        self._desk = desk
        self._enterprise = enterprise
        self._today = today
        self._people = {person.key: person for person in enterprise.people}
        self._agents = enterprise.of_role("service_agent")
        self._marketers = enterprise.of_role("marketing_manager")
        self._assets = desk.client("service-desk", AssetServiceClient)
        self._tickets = desk.client("service-desk", TicketServiceClient)
        self._records = desk.client("service-desk", RecordServiceClient)
        self._consents = desk.client("marketing", ConsentServiceClient)
        self._touches = desk.client("marketing", TouchServiceClient)
        self._points = desk.client("marketing", PointsServiceClient)
        self._campaigns: list[Campaign] = []

    async def set_up(self) -> None:
        """Working calendar with its lunch break, service levels, the frequency policy, two campaigns."""
        calendars = self._desk.client("service-desk", CalendarServiceClient)
        days = (Weekday.MONDAY, Weekday.TUESDAY, Weekday.WEDNESDAY, Weekday.THURSDAY, Weekday.FRIDAY)
        hours = (("09:00", "12:00"), ("13:30", "18:00"))
        intervals = [
            WorkingInterval(weekday=day, start=start, end=end) for day in days for start, end in hours
        ]
        calendar = WorkingCalendar(display_name="标准工作日", time_zone="Asia/Shanghai", intervals=intervals)
        made = await self._set_up(
            calendars.create_working_calendar, CreateWorkingCalendarRequest(working_calendar=calendar)
        )
        for name, respond, resolve in _TARGETS:
            policy = SlaPolicy(
                display_name=name,
                priority=TicketPriority[name],
                calendar_id=made.id,
                first_response_minutes=respond,
                resolution_minutes=resolve,
            )
            await self._set_up(calendars.create_sla_policy, CreateSlaPolicyRequest(sla_policy=policy))
        frequency = FrequencyPolicy(window_days=30, person_cap=4, account_cap=40, cool_down_days=60)
        await self._set_up(
            self._touches.create_frequency_policy, CreateFrequencyPolicyRequest(frequency_policy=frequency)
        )
        self._campaigns = [await self._campaign("客户关怀季", "S"), await self._campaign("新品发布会", "XL")]

    async def _campaign(self, name: str, size: str) -> Campaign:
        client = self._desk.client("marketing", CampaignServiceClient)
        marketer = self._marketers[0]
        started = workday(self._today - timedelta(days=80))
        sizes = [self._desk.directory.nodes[f"size:{key}"] for key in ("XL", "L", "M", size)]
        channels = [self._desk.directory.nodes["channel:direct"], self._desk.directory.nodes["channel:agent"]]
        campaign = Campaign(
            display_name=name,
            goal="提高老客户复购",
            segment_goal="直销与代理渠道的中大型客户一年内复购一次",
            value_hypothesis="复购客户年均贡献提高百分之十",
            stop_rule="投诉率超过百分之一即停止",
            channel=ContactChannel.EMAIL,
            purpose=ContactPurpose.MARKETING,
            budget=Money(currency="CNY", amount="200000.00"),
            start_date=started.isoformat(),
            end_date=(self._today + timedelta(days=60)).isoformat(),
            audience=AudienceFilter(include=[NodeGroup(node_ids=sizes), NodeGroup(node_ids=channels)]),
        )
        made = await self._act(
            client.create_campaign, CreateCampaignRequest(campaign=campaign), marketer, started, 9
        )
        request = ActivateCampaignRequest(campaign_id=made.id, etag=made.etag)
        return await self._act(client.activate_campaign, request, marketer, started, 10)

    async def year(self, group: Group, account: Account) -> None:
        """Tickets, consents, touches and points of one account."""
        source = random.Random(f"care:{account.key}")
        shown = account.key.startswith("g00-")
        for _ in range(2 if shown else source.choice((0, 0, 1, 1, 2))):
            await self._ticket(account, source, open=shown and source.random() < 0.5)
        await self._consent(account, source)
        if account is group.root or shown:
            await self._earn(account, source)

    async def install(self, account: Account) -> None:
        """Puts into service what was delivered to an account, ten days after the warranty began at its receipt."""
        agent = self._agents[0]
        customer_id = self._desk.directory.customers[account.key]
        request = ListAssetsRequest(
            page_size=200, filter=f'customer_id = "{customer_id}" AND state = DELIVERED'
        )
        listed = await self._act(self._assets.list_assets, request, agent, self._today, 8)
        for number, asset in enumerate(listed.assets):
            received = date.fromisoformat(asset.warranty_start_date)
            installed = min(workday(received + timedelta(days=10)), self._today)
            wanted = InstallAssetRequest(
                asset_id=asset.id,
                install_date=installed.isoformat(),
                serial_number=f"{account.key}-{number:03d}",
                etag=asset.etag,
            )
            await self._act(self._assets.install_asset, wanted, agent, installed, 9)

    async def _ticket(self, account: Account, source: random.Random, *, open: bool) -> None:
        agent = source.choice(self._agents)
        day = workday(
            self._today - timedelta(days=source.randrange(2, 9) if open else source.randrange(10, 330))
        )
        name = source.choices(("P1", "P2", "P3", "P4"), (1, 3, 5, 2))[0]
        ticket = Ticket(
            customer_id=self._desk.directory.customers[account.key],
            contact_id=self._desk.directory.contacts[account.contacts[0].key],
            channel=source.choice((TicketChannel.PHONE, TicketChannel.EMAIL, TicketChannel.PORTAL)),
            priority=TicketPriority[name],
            subject=source.choice(_SUBJECTS),
        )
        made = await self._act(
            self._tickets.create_ticket, CreateTicketRequest(ticket=ticket), agent, day, 9, 5
        )
        assignee = self._desk.directory.staff[agent.key]
        request: Any = AssignTicketRequest(ticket_id=made.id, assignee_id=assignee, etag=made.etag)
        made = await self._act(self._tickets.assign_ticket, request, agent, day, 9, 15)
        request = RespondTicketRequest(ticket_id=made.id, comment="已收到，工程师正在处理。", etag=made.etag)
        late = source.random() < 0.1
        made = await self._act(self._tickets.respond_ticket, request, agent, day, 17 if late else 9, 25)
        if open:
            return
        await self._visit(account, made.id, agent, source, day)
        solved = workday(day + timedelta(days=1 if name in ("P3", "P4") else 0))
        request = ResolveTicketRequest(ticket_id=made.id, solution="现场处理完毕，客户确认。", etag=made.etag)
        made = await self._act(self._tickets.resolve_ticket, request, agent, solved, 17, 30)
        request = CloseTicketRequest(ticket_id=made.id, etag=made.etag)
        await self._act(self._tickets.close_ticket, request, agent, workday(solved + timedelta(days=2)), 10)

    async def _visit(
        self, account: Account, ticket_id: str, agent: Person, source: random.Random, day: date
    ) -> None:
        record = ServiceRecord(
            customer_id=self._desk.directory.customers[account.key],
            ticket_id=ticket_id,
            kind=source.choice((ServiceRecordKind.VISIT, ServiceRecordKind.REMOTE, ServiceRecordKind.PHONE)),
            engineer_id=self._desk.directory.staff[agent.key],
            start_time=Timestamp.from_datetime(moment(day, 14)),
            end_time=Timestamp.from_datetime(moment(day, 16)),
            work_done="检查、调整并试运行。",
        )
        request = CreateServiceRecordRequest(service_record=record)
        await self._act(self._records.create_service_record, request, agent, day, 16, 30)

    async def _consent(self, account: Account, source: random.Random) -> None:
        owner = self._people[account.owner]
        asked = workday(self._today - timedelta(days=300))
        contact = account.contacts[0]
        granted = source.random() < 0.85
        consent = Consent(
            customer_id=self._desk.directory.customers[account.key],
            contact_id=self._desk.directory.contacts[contact.key],
            channel=ContactChannel.EMAIL,
            purpose=ContactPurpose.MARKETING,
            state=ConsentState.GRANTED if granted else ConsentState.WITHDRAWN,
            source="签约时书面同意" if granted else "电话拒绝",
        )
        await self._act(
            self._consents.create_consent, CreateConsentRequest(consent=consent), owner, asked, 10
        )
        if not granted or account.strategy == "DO_NOT_PURSUE":
            return
        for number in range(source.choice((0, 1, 1, 2))):
            campaign = self._campaigns[number % len(self._campaigns)]
            touch = Touch(
                customer_id=consent.customer_id,
                contact_id=consent.contact_id,
                channel=ContactChannel.EMAIL,
                purpose=ContactPurpose.MARKETING,
                campaign_id=campaign.id,
                subject=campaign.display_name,
            )
            day = workday(self._today - timedelta(days=source.randrange(3, 70)))
            await self._act(
                self._touches.create_touch, CreateTouchRequest(touch=touch), self._marketers[0], day, 11
            )

    async def _earn(self, account: Account, source: random.Random) -> None:
        marketer = source.choice(self._marketers)
        entry = PointsEntry(
            customer_id=self._desk.directory.customers[account.key],
            kind=PointsEntryKind.EARN,
            points=source.randrange(200, 5000),
            reference=f"welcome-{account.key}",
            reason="年度采购奖励",
        )
        day = workday(self._today - timedelta(days=source.randrange(20, 200)))
        await self._act(
            self._points.create_points_entry, CreatePointsEntryRequest(points_entry=entry), marketer, day, 15
        )

    async def _set_up(self, rpc: Any, request: Any) -> Any:
        return await self._desk.act(rpc, request, by=None, at=moment(self._today - timedelta(days=400), 12))

    async def _act(self, rpc: Any, request: Any, by: Person, day: date, hour: int, minute: int = 0) -> Any:
        return await self._desk.act(rpc, request, by=by, at=moment(day, hour, minute))
