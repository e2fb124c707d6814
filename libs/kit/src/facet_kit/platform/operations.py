"""Serves how long-running operations of a service stand."""

from protobuf.wkt import Struct

from facet_contracts.facet.platform.v1 import operations_service_pb as pb
from facet_contracts.facet.platform.v1.resources_pb import Operation
from facet_kit import operations
from facet_kit.context import Ctx
from facet_kit.mapping import Mapper
from facet_kit.operations import OperationRow

_operation = Mapper(
    OperationRow,
    Operation,
    compute={
        "metadata": lambda row: Struct.from_python(row.details),
        "result": lambda row: None if row.result is None else Struct.from_python(row.result),
    },
)


class OperationsApi:
    """The operations of this service."""

    service = "facet.platform.v1.OperationsService"

    async def get_operation(self, request: pb.GetOperationRequest, ctx: Ctx) -> Operation:
        return _operation.to_message(await operations.get(ctx, request.operation_id))
