"""RFC 9457 problems: every refusal and failure that leaves the gateway is one of these.

Services raise the kit's errors; `upstream.status` turns what arrives over gRPC into a problem as well.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus

import orjson
from starlette.responses import Response

from facet_kit.errors import FacetError, Violation

MEDIA_TYPE = "application/problem+json"
_SNAKE = re.compile(r"_([a-z0-9])")
_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}


@dataclass(slots=True, eq=False)
class Problem(Exception):
    """A refusal or failure with everything the client needs to act on it.

    Attributes:
        status: HTTP status.
        reason: UPPER_SNAKE code that programs may test; stable.
        detail: what happened, where, and how to mend it.
        headers: further response headers, such as Retry-After.
    """

    status: int
    reason: str
    detail: str
    violations: Sequence[Violation] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.status} {self.reason}: {self.detail}"

    @property
    def title(self) -> str:
        """The status in words."""
        return _TITLES.get(self.status) or HTTPStatus(self.status).phrase

    def response(self, *, instance: str, trace_id: str) -> Response:
        """The problem as an answer.

        Args:
            instance: path of the request.
            trace_id: W3C trace id, by which the request is found in traces and logs.
        """
        body = {
            "type": f"urn:facet:problem:{self.reason.lower().replace('_', '-')}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "reason": self.reason,
            "traceId": trace_id,
        }
        if self.violations:
            body["violations"] = [{"field": item.field, "message": item.message} for item in self.violations]
        if self.metadata:
            body["metadata"] = dict(self.metadata)
        return Response(orjson.dumps(body), self.status, dict(self.headers), MEDIA_TYPE)


def from_error(error: FacetError) -> Problem:
    """The kit's refusal as a problem; a defect shows nothing but its reason."""
    retry_after = (
        {} if error.retry_after is None else {"Retry-After": str(max(1, math.ceil(error.retry_after)))}
    )
    detail = unexpected().detail if error.http_status == 500 else error.message
    violations = [Violation(json_path(item.field), item.message) for item in error.violations]
    return Problem(error.http_status, error.reason, detail, violations, error.metadata, retry_after)


def json_path(path: str) -> str:
    """A field path in the names a client writes: `order.unit_price` → `order.unitPrice`."""
    return _SNAKE.sub(lambda found: found[1].upper(), path)


def invalid(*violations: Violation) -> Problem:
    """422: the request can be read but does not fit the contract."""
    what = (
        violations[0].message if len(violations) == 1 else f"{len(violations)} fields do not fit the contract"
    )
    where = f"{violations[0].field}: " if len(violations) == 1 and violations[0].field else ""
    return Problem(422, "INVALID_ARGUMENT", f"{where}{what}", violations)


def unparseable(reason: str, detail: str) -> Problem:
    """400: the request cannot be read at all."""
    return Problem(400, reason, detail)


def unauthenticated(detail: str, reason: str = "UNAUTHENTICATED") -> Problem:
    """401, with the challenge that RFC 9110 asks for."""
    return Problem(401, reason, detail, headers={"WWW-Authenticate": 'Bearer realm="facet"'})


def unavailable(reason: str, detail: str, *, retry_after: int = 1) -> Problem:
    """503: something the request needs is away; worth trying again after so many seconds."""
    return Problem(503, reason, detail, headers={"Retry-After": str(retry_after)})


def not_found(path: str) -> Problem:
    """404 for a path that no operation has."""
    return Problem(404, "NO_SUCH_ROUTE", f"nothing is served at {path}; see /openapi.json for what is")


def unexpected() -> Problem:
    """500: says nothing but the trace id, by which the cause is found in the logs."""
    return Problem(500, "INTERNAL", "the gateway failed; quote the trace id when you report it")
