"""Serves an operation: reads the request, calls the service that owns it, writes the answer."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from facet_gateway.edge.context import EdgeContext, context_of
from facet_gateway.problem import Problem, unparseable
from facet_gateway.transcoding.operation import Operation
from facet_gateway.transcoding.request import Incoming, RequestReader
from facet_gateway.transcoding.response import ResponseWriter, unquoted
from facet_gateway.upstream.cells import Cells
from facet_kit.clock import Clock
from facet_kit.principal import HEADER

_MAX_TIMEOUT_SECONDS: Final = 60.0
_MAX_HEADER: Final = 255


class Transcoder:
    """The generic handler of every operation.

    Args:
        deadline: seconds a call may take when the client does not say.
        max_body: bytes a request body may have.
    """

    def __init__(
        self,
        cells: Cells,
        reader: RequestReader,
        writer: ResponseWriter,
        clock: Clock,
        *,
        deadline: float,
        max_body: int,
    ) -> None:
        self._cells = cells
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._deadline = deadline
        self._max_body = max_body

    async def serve(self, operation: Operation, values: list[str], request: Request) -> Response:
        """The answer to a request whose path is that of `operation`.

        Raises:
            Problem: the caller may not, the request does not fit, or the service refused or failed.
        """
        context = context_of(request.scope)
        authorize(operation, context)
        headers = request.headers
        incoming = Incoming(
            values=values,
            query=request.scope["query_string"],
            body=await read_body(request, self._max_body),
            content_type=headers.get("content-type"),
            content_encoding=headers.get("content-encoding"),
            if_match=unquoted(headers.get("if-match")),
        )
        message = self._reader.read(operation, incoming)
        reply = await self._cells.owner(operation, message).call(
            operation.rpc,
            message.to_binary(),
            seconds=_seconds(headers.get("x-request-timeout"), self._deadline),
            metadata=self._metadata(context, request),
            retry=operation.safe,
        )
        return self._writer.write(
            operation,
            reply.payload,
            path=request.scope["path"],
            if_none_match=headers.get("if-none-match", ""),
            replayed=reply.replayed,
        )

    def _metadata(self, context: EdgeContext, request: Request) -> list[tuple[str, str]]:
        caller = context.signed_in()
        metadata = [
            (HEADER, caller.token(self._clock.now())),
            ("x-request-id", context.request_id),
            ("x-facet-via", "api-key" if caller.principal.scopes else "http"),
        ]
        if key := request.headers.get("idempotency-key"):
            if len(key) > _MAX_HEADER or not key.isascii() or not key.isprintable():
                raise unparseable(
                    "IDEMPOTENCY_KEY", f"an Idempotency-Key is printable ASCII, at most {_MAX_HEADER} long"
                )
            metadata.append(("idempotency-key", key))
        if reason := request.headers.get("x-facet-reason"):
            metadata.append(("x-facet-reason", _reason(reason)))
        return metadata


def authorize(operation: Operation, context: EdgeContext) -> None:
    """Refuses early what the service would refuse anyway.

    Raises:
        Problem: 403, naming the permission that is missing.
    """
    permission = operation.permission
    if permission and not context.signed_in().principal.may(permission):
        raise Problem(
            403,
            "PERMISSION_MISSING",
            f"this needs the permission {permission}, which your roles do not grant; ask an administrator for it",
            metadata={"permission": permission},
        )


async def read_body(request: Request, limit: int) -> bytes:
    """The request's body.

    Raises:
        Problem: 413, it is larger than `limit` bytes; 400, the client went away while sending it.
    """
    declared = request.headers.get("content-length", "0")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > limit:
                raise _too_large(limit)
            parts.append(part)
    except ClientDisconnect:
        raise unparseable("CLIENT_GONE", "the connection ended within the body") from None
    return b"".join(parts)


def _too_large(limit: int) -> Problem:
    return Problem(413, "BODY_TOO_LARGE", f"a request body has at most {limit} bytes")


def _seconds(header: str | None, default: float) -> float:
    if header is None:
        return default
    try:
        seconds = float(header)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _MAX_TIMEOUT_SECONDS:
        raise unparseable(
            "REQUEST_TIMEOUT", f"X-Request-Timeout is seconds, above 0, at most {_MAX_TIMEOUT_SECONDS:g}"
        )
    return seconds


def _reason(header: str) -> str:
    """The audit reason, UTF-8 in the header, percent-encoded as far as gRPC metadata needs it."""
    try:
        text = header.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        raise unparseable("REASON", "X-Facet-Reason must be UTF-8") from None
    return quote(text[:500], safe=" !#$&'()*+,/:;=?@[]\"<>\\^`{|}~")
