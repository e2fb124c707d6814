"""gRPC face of classifications."""

from __future__ import annotations

from protobuf.wkt import Empty
from sqlalchemy import select

from facet_contracts.facet.customer.v1 import classification_service_pb as rpc
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_customer.classification import service, trees
from facet_customer.classification.model import (
    ClassificationDimension,
    ClassificationNode,
    CustomerClassification,
    classification_map,
    dimension_map,
    node_map,
)
from facet_customer.customers.model import Customer
from facet_kit.context import Ctx
from facet_kit.filtering import descendants
from facet_kit.paging import ListSpec

dimension_list = ListSpec(
    ClassificationDimension,
    fields={"code": ClassificationDimension.code, "display_name": ClassificationDimension.display_name},
    order=("code", "display_name", "create_time"),
    default_order="code",
)
node_list = ListSpec(
    ClassificationNode,
    fields={
        "id": descendants(
            ClassificationNode.id, node=ClassificationNode.id, ancestors=ClassificationNode.ancestor_ids
        ),
        "dimension_id": ClassificationNode.dimension_id,
        "code": ClassificationNode.code,
        "display_name": ClassificationNode.display_name,
        "parent_id": ClassificationNode.parent_id,
    },
    order=("code", "display_name", "create_time"),
    default_order="code",
)
classification_list = ListSpec(
    CustomerClassification,
    fields={
        "node_id": CustomerClassification.node_id,
        "dimension_id": CustomerClassification.dimension_id,
        "primary": CustomerClassification.primary,
        "valid_from": CustomerClassification.valid_from,
        "valid_to": CustomerClassification.valid_to,
    },
    order=("valid_from",),
    default_order="valid_from desc",
)


class ClassificationApi:
    """Dimensions, nodes and assignments."""

    service = "facet.customer.v1.ClassificationService"

    async def create_classification_dimension(
        self, request: rpc.CreateClassificationDimensionRequest, ctx: Ctx
    ) -> pb.ClassificationDimension:
        message = request.dimension or pb.ClassificationDimension()
        return dimension_map.to_message(await trees.create_dimension(ctx, message))

    async def get_classification_dimension(
        self, request: rpc.GetClassificationDimensionRequest, ctx: Ctx
    ) -> pb.ClassificationDimension:
        return dimension_map.to_message(await ctx.get(ClassificationDimension, request.dimension_id))

    async def list_classification_dimensions(
        self, request: rpc.ListClassificationDimensionsRequest, ctx: Ctx
    ) -> rpc.ListClassificationDimensionsResponse:
        rows, token = await dimension_list.page(ctx, request)
        return rpc.ListClassificationDimensionsResponse(
            dimensions=dimension_map.to_messages(rows), next_page_token=token
        )

    async def update_classification_dimension(
        self, request: rpc.UpdateClassificationDimensionRequest, ctx: Ctx
    ) -> pb.ClassificationDimension:
        message = request.dimension or pb.ClassificationDimension()
        return dimension_map.to_message(
            await trees.update_dimension(ctx, message, request.update_mask, request.etag)
        )

    async def delete_classification_dimension(
        self, request: rpc.DeleteClassificationDimensionRequest, ctx: Ctx
    ) -> Empty:
        await trees.delete_dimension(ctx, request.dimension_id, request.etag)
        return Empty()

    async def create_classification_node(
        self, request: rpc.CreateClassificationNodeRequest, ctx: Ctx
    ) -> pb.ClassificationNode:
        message = request.node or pb.ClassificationNode()
        return node_map.to_message(await trees.create_node(ctx, request.dimension_id, message))

    async def get_classification_node(
        self, request: rpc.GetClassificationNodeRequest, ctx: Ctx
    ) -> pb.ClassificationNode:
        return node_map.to_message(await ctx.get(ClassificationNode, request.node_id))

    async def list_classification_nodes(
        self, request: rpc.ListClassificationNodesRequest, ctx: Ctx
    ) -> rpc.ListClassificationNodesResponse:
        rows, token = await node_list.page(ctx, request)
        return rpc.ListClassificationNodesResponse(nodes=node_map.to_messages(rows), next_page_token=token)

    async def update_classification_node(
        self, request: rpc.UpdateClassificationNodeRequest, ctx: Ctx
    ) -> pb.ClassificationNode:
        message = request.node or pb.ClassificationNode()
        return node_map.to_message(await trees.update_node(ctx, message, request.update_mask, request.etag))

    async def move_classification_node(
        self, request: rpc.MoveClassificationNodeRequest, ctx: Ctx
    ) -> pb.ClassificationNode:
        return node_map.to_message(
            await trees.move_node(ctx, request.node_id, request.parent_id, request.etag)
        )

    async def delete_classification_node(
        self, request: rpc.DeleteClassificationNodeRequest, ctx: Ctx
    ) -> Empty:
        await trees.delete_node(ctx, request.node_id, request.etag)
        return Empty()

    async def classify_customer(
        self, request: rpc.ClassifyCustomerRequest, ctx: Ctx
    ) -> pb.CustomerClassification:
        message = request.classification or pb.CustomerClassification()
        return classification_map.to_message(await service.classify(ctx, request.customer_id, message))

    async def list_customer_classifications(
        self, request: rpc.ListCustomerClassificationsRequest, ctx: Ctx
    ) -> rpc.ListCustomerClassificationsResponse:
        customer = await ctx.get(Customer, request.customer_id)
        query = select(CustomerClassification).where(CustomerClassification.customer_id == customer.id)
        rows, token = await classification_list.page(ctx, request, query)
        return rpc.ListCustomerClassificationsResponse(
            classifications=classification_map.to_messages(rows), next_page_token=token
        )

    async def end_customer_classification(
        self, request: rpc.EndCustomerClassificationRequest, ctx: Ctx
    ) -> pb.CustomerClassification:
        ended = await service.end(
            ctx, request.customer_id, request.classification_id, request.end_date, request.etag
        )
        return classification_map.to_message(ended)
