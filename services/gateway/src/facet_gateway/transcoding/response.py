"""The answer of a service as an HTTP response: ProtoJSON, status, ETag and Location."""

from __future__ import annotations

from protobuf import Message, Registry
from starlette.responses import Response

from facet_gateway.transcoding.operation import Operation


class ResponseWriter:
    """Writes answers.

    Fields without presence are written even when empty, so that a client always sees the whole resource; unset
    messages and `optional` fields are left out. Enums are written without their prefix.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def write(
        self, operation: Operation, payload: bytes, *, path: str, if_none_match: str, replayed: bool
    ) -> Response:
        """The response for the bytes a service answered.

        Args:
            path: path of the request, from which a created resource's Location is made.
            if_none_match: etags that the client holds, as the header says it; "" for none.
            replayed: whether the service answered from its memory of the idempotency key.
        """
        headers = {"Idempotent-Replayed": "true"} if replayed else {}
        if operation.empty:
            return Response(None, 204, headers)
        message = operation.response.from_binary(payload)
        if operation.has_etag and (etag := quoted(_text(message, "etag"))):
            headers["ETag"] = etag
            if operation.safe and etag_matches(if_none_match, etag):
                return Response(None, 304, headers)
        if operation.creates and (identifier := _text(message, "id")):
            headers["Location"] = f"{path}/{identifier}"
        body = message.to_json(always_emit_implicit=True, registry=self._registry)
        return Response(body.encode(), 201 if operation.creates else 200, headers, "application/json")


def quoted(etag: str) -> str:
    """An etag as HTTP writes it; "" for none."""
    return f'"{etag}"' if etag else ""


def unquoted(header: str | None) -> str:
    """The etag in an If-Match header: without quotes and weakness mark."""
    return (header or "").strip().removeprefix("W/").strip('"')


def etag_matches(if_none_match: str, etag: str) -> bool:
    """Whether the client already holds what the etag stands for."""
    if not if_none_match:
        return False
    held = [item.strip().removeprefix("W/") for item in if_none_match.split(",")]
    return "*" in held or etag in held


def _text(message: Message, name: str) -> str:
    value = getattr(message, name, "")
    return value if isinstance(value, str) else ""
