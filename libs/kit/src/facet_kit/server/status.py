"""Refusals as google.rpc.Status: ErrorInfo with the stable reason, BadRequest with field violations, RetryInfo."""

from __future__ import annotations

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.duration_pb2 import Duration
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from facet_kit.errors import FacetError

DOMAIN = "facet"
DETAILS = "grpc-status-details-bin"
HTTP_STATUS = "httpStatus"  # metadata key: several HTTP statuses share one gRPC code


def to_status(error: FacetError) -> Status:
    """The status message of a refusal."""
    info = ErrorInfo(
        reason=error.reason, domain=DOMAIN, metadata={**error.metadata, HTTP_STATUS: str(error.http_status)}
    )
    status = Status(code=Code.Value(error.grpc_code), message=error.message, details=[_packed(info)])
    if error.violations:
        violations = [
            BadRequest.FieldViolation(field=v.field, description=v.message) for v in error.violations
        ]
        status.details.append(_packed(BadRequest(field_violations=violations)))
    if error.retry_after is not None:
        seconds = int(error.retry_after)
        delay = Duration(seconds=seconds, nanos=int((error.retry_after - seconds) * 1e9))
        status.details.append(_packed(RetryInfo(retry_delay=delay)))
    return status


def _packed(detail: ErrorInfo | BadRequest | RetryInfo) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(detail)
    return packed


async def abort(context: grpc.aio.ServicerContext[bytes, bytes], error: FacetError) -> None:
    """Ends the call with the refusal; raises, as grpc does."""
    details = to_status(error).SerializeToString()
    code = grpc.StatusCode[error.grpc_code]
    await context.abort(code, error.message, ((DETAILS, details),))
