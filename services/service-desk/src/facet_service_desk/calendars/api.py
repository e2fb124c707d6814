"""gRPC of working calendars and service levels."""

from __future__ import annotations

from facet_contracts.facet.service_desk.v1 import calendar_service_pb as rpc
from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_service_desk.calendars import service
from facet_service_desk.calendars.mapping import calendar_map, policy_map
from facet_service_desk.calendars.model import SlaPolicy, WorkingCalendar


class CalendarApi:
    """Serves CalendarService."""

    service = "facet.service_desk.v1.CalendarService"

    async def create_working_calendar(
        self, request: rpc.CreateWorkingCalendarRequest, ctx: Ctx
    ) -> pb.WorkingCalendar:
        asked = request.working_calendar or pb.WorkingCalendar()
        return calendar_map.to_message(await service.create_calendar(ctx, asked))

    async def get_working_calendar(
        self, request: rpc.GetWorkingCalendarRequest, ctx: Ctx
    ) -> pb.WorkingCalendar:
        return calendar_map.to_message(await ctx.get(WorkingCalendar, request.working_calendar_id))

    async def list_working_calendars(
        self, request: rpc.ListWorkingCalendarsRequest, ctx: Ctx
    ) -> rpc.ListWorkingCalendarsResponse:
        rows, token = await service.calendar_list.page(ctx, request)
        return rpc.ListWorkingCalendarsResponse(
            working_calendars=calendar_map.to_messages(rows), next_page_token=token
        )

    async def update_working_calendar(
        self, request: rpc.UpdateWorkingCalendarRequest, ctx: Ctx
    ) -> pb.WorkingCalendar:
        asked = request.working_calendar or pb.WorkingCalendar()
        return calendar_map.to_message(
            await service.update_calendar(ctx, asked, request.update_mask, request.etag)
        )

    async def create_sla_policy(self, request: rpc.CreateSlaPolicyRequest, ctx: Ctx) -> pb.SlaPolicy:
        asked = request.sla_policy or pb.SlaPolicy()
        return policy_map.to_message(await service.create_policy(ctx, asked))

    async def get_sla_policy(self, request: rpc.GetSlaPolicyRequest, ctx: Ctx) -> pb.SlaPolicy:
        return policy_map.to_message(await ctx.get(SlaPolicy, request.sla_policy_id))

    async def list_sla_policies(
        self, request: rpc.ListSlaPoliciesRequest, ctx: Ctx
    ) -> rpc.ListSlaPoliciesResponse:
        rows, token = await service.policy_list.page(ctx, request)
        return rpc.ListSlaPoliciesResponse(sla_policies=policy_map.to_messages(rows), next_page_token=token)

    async def update_sla_policy(self, request: rpc.UpdateSlaPolicyRequest, ctx: Ctx) -> pb.SlaPolicy:
        asked = request.sla_policy or pb.SlaPolicy()
        return policy_map.to_message(
            await service.update_policy(ctx, asked, request.update_mask, request.etag)
        )
