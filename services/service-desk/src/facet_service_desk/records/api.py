"""gRPC of the service history."""

from __future__ import annotations

from facet_contracts.facet.service_desk.v1 import record_service_pb as rpc
from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_service_desk.records import service
from facet_service_desk.records.mapping import record_map
from facet_service_desk.records.model import ServiceRecord


class RecordApi:
    """Serves RecordService."""

    service = "facet.service_desk.v1.RecordService"

    async def create_service_record(
        self, request: rpc.CreateServiceRecordRequest, ctx: Ctx
    ) -> pb.ServiceRecord:
        asked = request.service_record or pb.ServiceRecord()
        return record_map.to_message(await service.create_record(ctx, asked))

    async def get_service_record(self, request: rpc.GetServiceRecordRequest, ctx: Ctx) -> pb.ServiceRecord:
        return record_map.to_message(await ctx.get(ServiceRecord, request.service_record_id))

    async def list_service_records(
        self, request: rpc.ListServiceRecordsRequest, ctx: Ctx
    ) -> rpc.ListServiceRecordsResponse:
        rows, token = await service.record_list.page(ctx, request)
        return rpc.ListServiceRecordsResponse(
            service_records=record_map.to_messages(rows), next_page_token=token
        )

    async def update_service_record(
        self, request: rpc.UpdateServiceRecordRequest, ctx: Ctx
    ) -> pb.ServiceRecord:
        asked = request.service_record or pb.ServiceRecord()
        record = await service.update_record(ctx, asked, request.update_mask, request.etag)
        return record_map.to_message(record)
