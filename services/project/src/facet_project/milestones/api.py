"""gRPC of milestones."""

from __future__ import annotations

from protobuf.wkt import Empty
from sqlalchemy import select

from facet_contracts.facet.project.v1 import milestone_service_pb as rpc
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_project.milestones import service
from facet_project.milestones.model import Milestone, milestone_message


class MilestoneApi:
    """Serves facet.project.v1.MilestoneService."""

    service = "facet.project.v1.MilestoneService"

    async def create_milestone(self, request: rpc.CreateMilestoneRequest, ctx: Ctx) -> pb.Milestone:
        return _shown(ctx, await service.create_milestone(ctx, request.milestone or pb.Milestone()))

    async def get_milestone(self, request: rpc.GetMilestoneRequest, ctx: Ctx) -> pb.Milestone:
        return _shown(ctx, await ctx.get(Milestone, request.milestone_id))

    async def list_milestones(
        self, request: rpc.ListMilestonesRequest, ctx: Ctx
    ) -> rpc.ListMilestonesResponse:
        query = select(Milestone)
        if request.project_id:
            query = query.where(Milestone.project_id == request.project_id)
        found, token = await service.milestone_list.page(ctx, request, query)
        return rpc.ListMilestonesResponse(
            milestones=[_shown(ctx, each) for each in found], next_page_token=token
        )

    async def update_milestone(self, request: rpc.UpdateMilestoneRequest, ctx: Ctx) -> pb.Milestone:
        return _shown(ctx, await service.update_milestone(ctx, request))

    async def delete_milestone(self, request: rpc.DeleteMilestoneRequest, ctx: Ctx) -> Empty:
        await service.delete_milestone(ctx, request)
        return Empty()

    async def check_exit_criterion(self, request: rpc.CheckExitCriterionRequest, ctx: Ctx) -> pb.Milestone:
        return _shown(ctx, await service.check_criterion(ctx, request))

    async def close_milestone(self, request: rpc.CloseMilestoneRequest, ctx: Ctx) -> pb.Milestone:
        return _shown(ctx, await service.close_milestone(ctx, request))


def _shown(ctx: Ctx, milestone: Milestone) -> pb.Milestone:
    return milestone_message(milestone, ctx.clock.today())
