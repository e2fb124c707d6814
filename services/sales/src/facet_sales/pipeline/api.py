"""gRPC servicer of pipelines and opportunities: messages in, use case, messages out."""

from __future__ import annotations

from protobuf.wkt import Duration, Timestamp

from facet_contracts.facet.sales.v1 import pipeline_service_pb as rpc
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_sales.pipeline import opportunities, service
from facet_sales.pipeline.forecast import forecast_weighted
from facet_sales.pipeline.model import Opportunity, Pipeline, opportunity_map, pipeline_map


class PipelineApi:
    """Pipelines, opportunities, forecast. `reporting` is the reporting currency."""

    service = "facet.sales.v1.PipelineService"

    def __init__(self, reporting: str) -> None:
        self._reporting = reporting

    async def create_pipeline(self, request: rpc.CreatePipelineRequest, ctx: Ctx) -> pb.Pipeline:
        return pipeline_map.to_message(await service.create_pipeline(ctx, request))

    async def get_pipeline(self, request: rpc.GetPipelineRequest, ctx: Ctx) -> pb.Pipeline:
        return pipeline_map.to_message(await ctx.get(Pipeline, request.pipeline_id))

    async def list_pipelines(self, request: rpc.ListPipelinesRequest, ctx: Ctx) -> rpc.ListPipelinesResponse:
        rows, token = await service.PIPELINES.page(ctx, request)
        return rpc.ListPipelinesResponse(pipelines=pipeline_map.to_messages(rows), next_page_token=token)

    async def update_pipeline(self, request: rpc.UpdatePipelineRequest, ctx: Ctx) -> pb.Pipeline:
        return pipeline_map.to_message(await service.update_pipeline(ctx, request))

    async def create_opportunity(self, request: rpc.CreateOpportunityRequest, ctx: Ctx) -> pb.Opportunity:
        deal = await opportunities.create_opportunity(ctx, request, self._reporting)
        return opportunity_map.to_message(deal)

    async def get_opportunity(self, request: rpc.GetOpportunityRequest, ctx: Ctx) -> pb.Opportunity:
        return opportunity_map.to_message(await ctx.get(Opportunity, request.opportunity_id))

    async def list_opportunities(
        self, request: rpc.ListOpportunitiesRequest, ctx: Ctx
    ) -> rpc.ListOpportunitiesResponse:
        rows, token = await opportunities.OPPORTUNITIES.page(ctx, request)
        return rpc.ListOpportunitiesResponse(
            opportunities=opportunity_map.to_messages(rows), next_page_token=token
        )

    async def update_opportunity(self, request: rpc.UpdateOpportunityRequest, ctx: Ctx) -> pb.Opportunity:
        return opportunity_map.to_message(await opportunities.update_opportunity(ctx, request))

    async def advance_opportunity(self, request: rpc.AdvanceOpportunityRequest, ctx: Ctx) -> pb.Opportunity:
        return opportunity_map.to_message(await opportunities.advance_opportunity(ctx, request))

    async def win_opportunity(self, request: rpc.WinOpportunityRequest, ctx: Ctx) -> pb.Opportunity:
        return opportunity_map.to_message(await opportunities.win_opportunity(ctx, request))

    async def lose_opportunity(self, request: rpc.LoseOpportunityRequest, ctx: Ctx) -> pb.Opportunity:
        return opportunity_map.to_message(await opportunities.lose_opportunity(ctx, request))

    async def get_opportunity_stage_history(
        self, request: rpc.GetOpportunityStageHistoryRequest, ctx: Ctx
    ) -> rpc.OpportunityStageHistory:
        visits = await opportunities.list_stage_visits(ctx, request.opportunity_id)
        now = ctx.clock.now()
        return rpc.OpportunityStageHistory(
            visits=[
                pb.OpportunityStageVisit(
                    stage_id=visit.stage_id,
                    enter_time=Timestamp.from_datetime(visit.enter_time),
                    leave_time=Timestamp.from_datetime(visit.leave_time) if visit.leave_time else None,
                    duration=Duration.from_timedelta(visit.duration(now)),
                )
                for visit in visits
            ]
        )

    async def forecast_weighted(self, request: rpc.ForecastWeightedRequest, ctx: Ctx) -> rpc.WeightedForecast:
        return await forecast_weighted(ctx, request, self._reporting)
