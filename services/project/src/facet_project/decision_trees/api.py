"""gRPC of decision trees."""

from __future__ import annotations

from protobuf.wkt import Empty
from sqlalchemy import select

from facet_contracts.facet.project.v1 import decision_tree_service_pb as rpc
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_project.decision_trees import service
from facet_project.decision_trees.model import DecisionNode, node_map


class DecisionTreeApi:
    """Serves facet.project.v1.DecisionTreeService."""

    service = "facet.project.v1.DecisionTreeService"

    async def get_decision_tree(self, request: rpc.GetDecisionTreeRequest, ctx: Ctx) -> pb.DecisionTree:
        return await service.get_tree(ctx, request)

    async def update_decision_tree(self, request: rpc.UpdateDecisionTreeRequest, ctx: Ctx) -> pb.DecisionTree:
        return await service.update_tree(ctx, request)

    async def create_decision_node(self, request: rpc.CreateDecisionNodeRequest, ctx: Ctx) -> pb.DecisionNode:
        node = await service.create_node(ctx, request.decision_node or pb.DecisionNode())
        return node_map.to_message(node)

    async def get_decision_node(self, request: rpc.GetDecisionNodeRequest, ctx: Ctx) -> pb.DecisionNode:
        return node_map.to_message(await ctx.get(DecisionNode, request.decision_node_id))

    async def list_decision_nodes(
        self, request: rpc.ListDecisionNodesRequest, ctx: Ctx
    ) -> rpc.ListDecisionNodesResponse:
        query = select(DecisionNode)
        if request.project_id:
            query = query.where(DecisionNode.project_id == request.project_id)
        nodes, token = await service.node_list.page(ctx, request, query)
        return rpc.ListDecisionNodesResponse(
            decision_nodes=node_map.to_messages(nodes), next_page_token=token
        )

    async def update_decision_node(self, request: rpc.UpdateDecisionNodeRequest, ctx: Ctx) -> pb.DecisionNode:
        return node_map.to_message(await service.update_node(ctx, request))

    async def move_decision_node(self, request: rpc.MoveDecisionNodeRequest, ctx: Ctx) -> pb.DecisionNode:
        return node_map.to_message(await service.move_node(ctx, request))

    async def fill_seat(self, request: rpc.FillSeatRequest, ctx: Ctx) -> pb.DecisionNode:
        return node_map.to_message(await service.fill_seat(ctx, request))

    async def vacate_seat(self, request: rpc.VacateSeatRequest, ctx: Ctx) -> pb.DecisionNode:
        return node_map.to_message(await service.vacate_seat(ctx, request))

    async def delete_decision_node(self, request: rpc.DeleteDecisionNodeRequest, ctx: Ctx) -> Empty:
        await service.delete_node(ctx, request)
        return Empty()
