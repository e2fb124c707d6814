"""The one hierarchy of refusals. Rendered twice: as google.rpc.Status inside, as RFC 9457 problem+json at the edge.

FacetError
├── Unparseable 400 ─ Invalid 422 ─ Unauthenticated 401 ─ Forbidden 403 ─ NotFound 404
├── Conflict 409 ─ Stale 412 ─ PreconditionMissing 428 ─ Exhausted 429
└── Unavailable 503 ─ Late 504 ─ Internal 500

Every message says what is wrong, where, and how to mend it. `reason` is UPPER_SNAKE and stable: clients may
branch on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Violation:
    """One field that breaks a rule: `field` is a path in proto names, for example `order.lines[0].quantity`."""

    field: str
    message: str


class FacetError(Exception):
    """A refusal that a caller can understand; anything else that escapes is a defect and answers 500."""

    http_status: ClassVar[int] = 500
    grpc_code: ClassVar[str] = "INTERNAL"

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        metadata: Mapping[str, str] | None = None,
        violations: Iterable[Violation] = (),
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata: dict[str, str] = dict(metadata or {})
        self.violations: tuple[Violation, ...] = tuple(violations)
        self.retry_after = retry_after


class Unparseable(FacetError):
    """The input cannot be read at all (broken JSON, wrong wire type)."""

    http_status = 400
    grpc_code = "INVALID_ARGUMENT"


class Invalid(FacetError):
    """The input can be read but breaks a rule; names the field."""

    http_status = 422
    grpc_code = "INVALID_ARGUMENT"

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        field: str = "",
        metadata: Mapping[str, str] | None = None,
        violations: Iterable[Violation] = (),
    ) -> None:
        listed = tuple(violations) or ((Violation(field, message),) if field else ())
        super().__init__(reason, message, metadata=metadata, violations=listed)

    @classmethod
    def many(cls, violations: Iterable[tuple[str, str]], *, reason: str = "INVALID") -> Invalid:
        """One error for several fields, each a pair of field path and message."""
        listed = tuple(Violation(field, message) for field, message in violations)
        message = "; ".join(f"{v.field}: {v.message}" if v.field else v.message for v in listed)
        return cls(reason, message, violations=listed)


class Unauthenticated(FacetError):
    """Nobody is known to be calling."""

    http_status = 401
    grpc_code = "UNAUTHENTICATED"


class Forbidden(FacetError):
    """The caller is known and may not do this."""

    http_status = 403
    grpc_code = "PERMISSION_DENIED"


class NotFound(FacetError):
    """The resource does not exist, or lies outside the caller's scope: the two are answered alike."""

    http_status = 404
    grpc_code = "NOT_FOUND"

    def __init__(self, resource: str, id: str) -> None:
        super().__init__(
            "NOT_FOUND",
            f"There is no {resource} {id!r} that you may see. Check the id, or ask its owner for access.",
            metadata={"resource": resource, "id": id},
        )


class Conflict(FacetError):
    """The request collides with the state of things: an illegal transition, a duplicate, a rule of the process."""

    http_status = 409
    grpc_code = "ABORTED"


class Stale(FacetError):
    """The resource changed since the caller read it."""

    http_status = 412
    grpc_code = "FAILED_PRECONDITION"

    def __init__(self, resource: str, id: str = "") -> None:
        named = f"{resource} {id!r}" if id else resource
        super().__init__(
            "STALE_ETAG",
            f"The {named} has changed since you read it. Read it again and repeat the change with its new etag.",
            metadata={"resource": resource, "id": id},
        )


class PreconditionMissing(FacetError):
    """The call changes a shared record and says not which state of it the caller saw."""

    http_status = 428
    grpc_code = "FAILED_PRECONDITION"

    def __init__(self, resource: str, id: str) -> None:
        super().__init__(
            "ETAG_MISSING",
            f"Say which state of the {resource} {id!r} you change: send its etag in the If-Match header.",
            metadata={"resource": resource, "id": id},
        )


class Exhausted(FacetError):
    """A limit or quota is used up; `retry_after` is in seconds."""

    http_status = 429
    grpc_code = "RESOURCE_EXHAUSTED"


class Unavailable(FacetError):
    """A dependency does not answer; a retry after `retry_after` seconds may succeed."""

    http_status = 503
    grpc_code = "UNAVAILABLE"


class Late(FacetError):
    """The deadline passed before the answer was there."""

    http_status = 504
    grpc_code = "DEADLINE_EXCEEDED"


class Internal(FacetError):
    """A defect. The caller learns the trace id only."""
