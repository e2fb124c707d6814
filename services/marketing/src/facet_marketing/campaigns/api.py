"""gRPC of campaigns and audiences."""

from __future__ import annotations

from facet_contracts.facet.marketing.v1 import campaign_service_pb as rpc
from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_marketing.campaigns import service
from facet_marketing.campaigns.mapping import campaign_map, member_map, rule_of
from facet_marketing.campaigns.model import Campaign


class CampaignApi:
    """Serves CampaignService."""

    service = "facet.marketing.v1.CampaignService"

    async def create_campaign(self, request: rpc.CreateCampaignRequest, ctx: Ctx) -> pb.Campaign:
        return campaign_map.to_message(await service.create_campaign(ctx, request.campaign or pb.Campaign()))

    async def get_campaign(self, request: rpc.GetCampaignRequest, ctx: Ctx) -> pb.Campaign:
        return campaign_map.to_message(await ctx.get(Campaign, request.campaign_id))

    async def list_campaigns(self, request: rpc.ListCampaignsRequest, ctx: Ctx) -> rpc.ListCampaignsResponse:
        rows, token = await service.campaign_list.page(ctx, request)
        return rpc.ListCampaignsResponse(campaigns=campaign_map.to_messages(rows), next_page_token=token)

    async def update_campaign(self, request: rpc.UpdateCampaignRequest, ctx: Ctx) -> pb.Campaign:
        asked = request.campaign or pb.Campaign()
        return campaign_map.to_message(
            await service.update_campaign(ctx, asked, request.update_mask, request.etag)
        )

    async def activate_campaign(self, request: rpc.ActivateCampaignRequest, ctx: Ctx) -> pb.Campaign:
        return campaign_map.to_message(await service.activate(ctx, request.campaign_id, request.etag))

    async def pause_campaign(self, request: rpc.PauseCampaignRequest, ctx: Ctx) -> pb.Campaign:
        return campaign_map.to_message(await service.pause(ctx, request.campaign_id, request.etag))

    async def complete_campaign(self, request: rpc.CompleteCampaignRequest, ctx: Ctx) -> pb.Campaign:
        return campaign_map.to_message(await service.complete(ctx, request.campaign_id, request.etag))

    async def get_audience(self, request: rpc.GetAudienceRequest, ctx: Ctx) -> rpc.Audience:
        campaign = await ctx.get(Campaign, request.campaign_id)
        return await service.count(ctx, campaign.rule())

    async def list_audience_members(
        self, request: rpc.ListAudienceMembersRequest, ctx: Ctx
    ) -> rpc.ListAudienceMembersResponse:
        rows, token = await service.list_members(ctx, request)
        return rpc.ListAudienceMembersResponse(
            audience_members=member_map.to_messages(rows), next_page_token=token
        )

    async def preview_audience(self, request: rpc.PreviewAudienceRequest, ctx: Ctx) -> rpc.Audience:
        return await service.count(ctx, rule_of(request.audience))
