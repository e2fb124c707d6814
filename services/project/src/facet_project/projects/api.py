"""gRPC of projects and their gate rounds."""

from __future__ import annotations

from protobuf.wkt import Empty

from facet_contracts.facet.project.v1 import project_service_pb as rpc
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_project.gates import service as gates
from facet_project.gates.model import gate_round_map
from facet_project.projects import service
from facet_project.projects.model import project_map


class ProjectApi:
    """Serves facet.project.v1.ProjectService."""

    service = "facet.project.v1.ProjectService"

    def __init__(self, *, currency: str) -> None:
        self._currency = currency

    async def create_project(self, request: rpc.CreateProjectRequest, ctx: Ctx) -> pb.Project:
        wanted = request.project or pb.Project()
        return project_map.to_message(await service.create_project(ctx, wanted, currency=self._currency))

    async def get_project(self, request: rpc.GetProjectRequest, ctx: Ctx) -> pb.Project:
        return project_map.to_message(await service.get_project(ctx, request.project_id))

    async def list_projects(self, request: rpc.ListProjectsRequest, ctx: Ctx) -> rpc.ListProjectsResponse:
        projects, token = await service.project_list.page(ctx, request, service.visible_projects(ctx))
        return rpc.ListProjectsResponse(projects=project_map.to_messages(projects), next_page_token=token)

    async def update_project(self, request: rpc.UpdateProjectRequest, ctx: Ctx) -> pb.Project:
        return project_map.to_message(await service.update_project(ctx, request, currency=self._currency))

    async def delete_project(self, request: rpc.DeleteProjectRequest, ctx: Ctx) -> Empty:
        await service.delete_project(ctx, request)
        return Empty()

    async def submit_gate(self, request: rpc.SubmitGateRequest, ctx: Ctx) -> pb.GateRound:
        return gate_round_map.to_message(await gates.submit_gate(ctx, request))

    async def decide_gate(self, request: rpc.DecideGateRequest, ctx: Ctx) -> pb.GateRound:
        return gate_round_map.to_message(await gates.decide_gate(ctx, request))

    async def list_gate_rounds(
        self, request: rpc.ListGateRoundsRequest, ctx: Ctx
    ) -> rpc.ListGateRoundsResponse:
        rounds, token = await gates.list_rounds(ctx, request)
        return rpc.ListGateRoundsResponse(
            gate_rounds=gate_round_map.to_messages(rounds), next_page_token=token
        )

    async def start_project(self, request: rpc.StartProjectRequest, ctx: Ctx) -> pb.Project:
        return project_map.to_message(await service.start_project(ctx, request))

    async def win_project(self, request: rpc.WinProjectRequest, ctx: Ctx) -> pb.Project:
        return project_map.to_message(await service.win_project(ctx, request))

    async def lose_project(self, request: rpc.LoseProjectRequest, ctx: Ctx) -> pb.Project:
        return project_map.to_message(await service.lose_project(ctx, request))

    async def close_project(self, request: rpc.CloseProjectRequest, ctx: Ctx) -> pb.Project:
        return project_map.to_message(await service.close_project(ctx, request))
