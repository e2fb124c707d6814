"""gRPC of gate definitions. Gate rounds are verbs of projects."""

from __future__ import annotations

from protobuf.wkt import Empty

from facet_contracts.facet.project.v1 import gate_definition_service_pb as rpc
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_project.gates import service
from facet_project.gates.model import GateDefinition, gate_definition_map


class GateDefinitionApi:
    """Serves facet.project.v1.GateDefinitionService."""

    service = "facet.project.v1.GateDefinitionService"

    async def create_gate_definition(
        self, request: rpc.CreateGateDefinitionRequest, ctx: Ctx
    ) -> pb.GateDefinition:
        wanted = request.gate_definition or pb.GateDefinition()
        return gate_definition_map.to_message(await service.create_definition(ctx, wanted))

    async def get_gate_definition(self, request: rpc.GetGateDefinitionRequest, ctx: Ctx) -> pb.GateDefinition:
        return gate_definition_map.to_message(await ctx.get(GateDefinition, request.gate_definition_id))

    async def list_gate_definitions(
        self, request: rpc.ListGateDefinitionsRequest, ctx: Ctx
    ) -> rpc.ListGateDefinitionsResponse:
        found, token = await service.definition_list.page(ctx, request)
        return rpc.ListGateDefinitionsResponse(
            gate_definitions=gate_definition_map.to_messages(found), next_page_token=token
        )

    async def update_gate_definition(
        self, request: rpc.UpdateGateDefinitionRequest, ctx: Ctx
    ) -> pb.GateDefinition:
        return gate_definition_map.to_message(await service.update_definition(ctx, request))

    async def delete_gate_definition(self, request: rpc.DeleteGateDefinitionRequest, ctx: Ctx) -> Empty:
        await service.delete_definition(ctx, request)
        return Empty()
