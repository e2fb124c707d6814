"""gRPC errors as problems."""

from __future__ import annotations

import grpc
import pytest

from facet_gateway.upstream.status import problem_of
from facet_kit.errors import Conflict, Exhausted, FacetError, Internal, Invalid, NotFound, Unparseable
from facet_kit.server.status import DETAILS, to_status


def rpc_error(code: grpc.StatusCode, text: str = "", details: bytes | None = None) -> grpc.aio.AioRpcError:
    trailing = grpc.aio.Metadata(*([(DETAILS, details)] if details is not None else []))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailing, text)


def of(error: FacetError) -> grpc.aio.AioRpcError:
    return rpc_error(grpc.StatusCode[error.grpc_code], error.message, to_status(error).SerializeToString())


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (Unparseable("X", "x"), 400),
        (Invalid("X", "x"), 422),
        (NotFound("Order", "o"), 404),
        (Conflict("X", "x"), 409),
        (Exhausted("X", "x", retry_after=3), 429),
    ],
)
def test_a_refusal_keeps_status_reason_and_text(error: FacetError, status: int) -> None:
    problem = problem_of(of(error), "sales")
    assert (problem.status, problem.reason, problem.detail) == (status, error.reason, error.message)


def test_seconds_to_wait_are_passed_on() -> None:
    assert problem_of(of(Exhausted("X", "x", retry_after=2.5)), "sales").headers["Retry-After"] == "3"


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DATA_LOSS]
)
def test_a_defect_shows_nothing_of_itself(code: grpc.StatusCode) -> None:
    problem = problem_of(rpc_error(code, "Traceback in /srv/secret.py at 10.0.0.7"), "sales")
    assert problem.status == 500
    assert "secret" not in problem.detail
    assert problem_of(of(Internal("INTERNAL", "at 10.0.0.7")), "sales").reason == "INTERNAL"


def test_a_service_that_cannot_be_reached_is_503_without_its_address() -> None:
    problem = problem_of(rpc_error(grpc.StatusCode.UNAVAILABLE, "connection refused 10.0.0.7:50051"), "sales")
    assert (problem.status, problem.headers["Retry-After"]) == (503, "1")
    assert "10.0.0.7" not in problem.detail


def test_a_late_answer_is_504() -> None:
    assert problem_of(rpc_error(grpc.StatusCode.DEADLINE_EXCEEDED), "sales").status == 504
