"""What a service answers over gRPC when it refuses or fails, as a problem for the client."""

from __future__ import annotations

import grpc
from google.rpc import error_details_pb2, status_pb2

from facet_gateway.problem import Problem, json_path, unavailable, unexpected
from facet_kit.errors import Violation
from facet_kit.server.status import DETAILS, HTTP_STATUS

_BY_CODE = {
    grpc.StatusCode.INVALID_ARGUMENT: (422, "INVALID_ARGUMENT"),
    grpc.StatusCode.OUT_OF_RANGE: (422, "INVALID_ARGUMENT"),
    grpc.StatusCode.UNAUTHENTICATED: (401, "UNAUTHENTICATED"),
    grpc.StatusCode.PERMISSION_DENIED: (403, "FORBIDDEN"),
    grpc.StatusCode.NOT_FOUND: (404, "NOT_FOUND"),
    grpc.StatusCode.ABORTED: (409, "CONFLICT"),
    grpc.StatusCode.ALREADY_EXISTS: (409, "CONFLICT"),
    grpc.StatusCode.FAILED_PRECONDITION: (412, "STALE_ETAG"),
    grpc.StatusCode.RESOURCE_EXHAUSTED: (429, "EXHAUSTED"),
    grpc.StatusCode.UNAVAILABLE: (503, "UPSTREAM_UNAVAILABLE"),
    grpc.StatusCode.DEADLINE_EXCEEDED: (504, "DEADLINE_EXCEEDED"),
    grpc.StatusCode.UNIMPLEMENTED: (501, "NOT_IMPLEMENTED"),
}
# A deadline that passes says something about the service only when it was a generous one: callers choose theirs.
_GENEROUS_SECONDS = 2.0


def counts_as_failure(error: grpc.aio.AioRpcError, seconds: float) -> bool:
    """Whether an error counts against the service: it was not there, or did not answer although it had the time.

    Whatever it answers, a defect of one method too, shows that it is there.
    """
    if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
        return seconds >= _GENEROUS_SECONDS
    return error.code() is grpc.StatusCode.UNAVAILABLE and not _has_details(error)


def problem_of(error: grpc.aio.AioRpcError, service: str) -> Problem:
    """The problem for an error of a call to `service`.

    The text of a defect and of a broken connection stays inside: it may name addresses or code.
    """
    code = error.code()
    if code is grpc.StatusCode.UNAVAILABLE and not _has_details(error):
        return unavailable(
            "UPSTREAM_UNAVAILABLE", f"the {service} service does not answer at present; try again"
        )
    status, reason = _BY_CODE.get(code, (500, "INTERNAL"))
    if status == 500:
        return unexpected()
    if status == 504:
        return Problem(504, reason, f"the {service} service did not answer in time")
    problem = Problem(status, reason, error.details() or reason, headers={})
    for detail in _details(error):
        _refine(problem, detail)
    problem.status = _status_named(problem) or problem.status
    if problem.status == 503 and "Retry-After" not in problem.headers:
        problem.headers = {**problem.headers, "Retry-After": "1"}
    return problem


def _refine(problem: Problem, detail: object) -> None:
    match detail:
        case error_details_pb2.ErrorInfo():
            problem.reason = detail.reason or problem.reason
            problem.metadata = dict(detail.metadata)
        case error_details_pb2.BadRequest():
            problem.violations = [
                Violation(json_path(item.field), item.description) for item in detail.field_violations
            ]
        case error_details_pb2.RetryInfo():
            seconds = detail.retry_delay.seconds + (1 if detail.retry_delay.nanos else 0)
            problem.headers = {**problem.headers, "Retry-After": str(max(1, seconds))}
        case _:
            pass


def _status_named(problem: Problem) -> int | None:
    """The HTTP status that the service named itself, since several of them share one gRPC code."""
    named = problem.metadata.get(HTTP_STATUS, "")
    problem.metadata = {key: value for key, value in problem.metadata.items() if key != HTTP_STATUS}
    return int(named) if named.isdecimal() and 400 <= int(named) < 600 else None


def _details(error: grpc.aio.AioRpcError) -> list[object]:
    found: list[object] = []
    for key, value in error.trailing_metadata() or ():
        if key != DETAILS or not isinstance(value, bytes):
            continue
        for packed in status_pb2.Status.FromString(value).details:
            for kind in (
                error_details_pb2.ErrorInfo,
                error_details_pb2.BadRequest,
                error_details_pb2.RetryInfo,
            ):
                detail = kind()
                if packed.Unpack(detail):
                    found.append(detail)
    return found


def _has_details(error: grpc.aio.AioRpcError) -> bool:
    return any(key == DETAILS for key, _ in error.trailing_metadata() or ())
