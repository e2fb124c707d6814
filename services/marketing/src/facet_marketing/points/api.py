"""gRPC of the points ledger."""

from __future__ import annotations

from facet_contracts.facet.marketing.v1 import points_service_pb as rpc
from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_marketing.points import service
from facet_marketing.points.mapping import account_map, entry_map


class PointsApi:
    """Serves PointsService."""

    service = "facet.marketing.v1.PointsService"

    async def create_points_entry(self, request: rpc.CreatePointsEntryRequest, ctx: Ctx) -> pb.PointsEntry:
        return entry_map.to_message(await service.create_entry(ctx, request.points_entry or pb.PointsEntry()))

    async def get_points_entry(self, request: rpc.GetPointsEntryRequest, ctx: Ctx) -> pb.PointsEntry:
        return entry_map.to_message(await service.get_entry(ctx, request.points_entry_id))

    async def list_points_entries(
        self, request: rpc.ListPointsEntriesRequest, ctx: Ctx
    ) -> rpc.ListPointsEntriesResponse:
        rows, token = await service.entry_list.page(ctx, request)
        return rpc.ListPointsEntriesResponse(
            points_entries=entry_map.to_messages(rows), next_page_token=token
        )

    async def reverse_points_entry(self, request: rpc.ReversePointsEntryRequest, ctx: Ctx) -> pb.PointsEntry:
        return entry_map.to_message(
            await service.reverse_entry(ctx, request.points_entry_id, reason=request.reason)
        )

    async def get_points_account(self, request: rpc.GetPointsAccountRequest, ctx: Ctx) -> pb.PointsAccount:
        return await service.get_account(ctx, request.customer_id)

    async def list_points_accounts(
        self, request: rpc.ListPointsAccountsRequest, ctx: Ctx
    ) -> rpc.ListPointsAccountsResponse:
        rows, token = await service.account_list.page(ctx, request)
        return rpc.ListPointsAccountsResponse(
            points_accounts=account_map.to_messages(rows), next_page_token=token
        )
