"""gRPC of the installed base."""

from __future__ import annotations

from facet_contracts.facet.service_desk.v1 import asset_service_pb as rpc
from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_service_desk.assets import service
from facet_service_desk.assets.mapping import asset_map
from facet_service_desk.assets.model import Asset


class AssetApi:
    """Serves AssetService."""

    service = "facet.service_desk.v1.AssetService"

    async def create_asset(self, request: rpc.CreateAssetRequest, ctx: Ctx) -> pb.Asset:
        return asset_map.to_message(await service.create_asset(ctx, request.asset or pb.Asset()))

    async def get_asset(self, request: rpc.GetAssetRequest, ctx: Ctx) -> pb.Asset:
        return asset_map.to_message(await ctx.get(Asset, request.asset_id))

    async def list_assets(self, request: rpc.ListAssetsRequest, ctx: Ctx) -> rpc.ListAssetsResponse:
        rows, token = await service.asset_list.page(ctx, request)
        return rpc.ListAssetsResponse(assets=asset_map.to_messages(rows), next_page_token=token)

    async def update_asset(self, request: rpc.UpdateAssetRequest, ctx: Ctx) -> pb.Asset:
        asked = request.asset or pb.Asset()
        return asset_map.to_message(await service.update_asset(ctx, asked, request.update_mask, request.etag))

    async def install_asset(self, request: rpc.InstallAssetRequest, ctx: Ctx) -> pb.Asset:
        asset = await service.install_asset(
            ctx,
            request.asset_id,
            request.etag,
            day=request.install_date,
            serial_number=request.serial_number,
            location=request.location,
        )
        return asset_map.to_message(asset)

    async def retire_asset(self, request: rpc.RetireAssetRequest, ctx: Ctx) -> pb.Asset:
        return asset_map.to_message(
            await service.retire_asset(ctx, request.asset_id, request.etag, reason=request.reason)
        )
