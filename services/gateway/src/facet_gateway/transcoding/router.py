"""The routes of the contracts inside the FastAPI application: one per operation, found through one table."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send

from facet_gateway.edge.context import context_of
from facet_gateway.problem import Problem, not_found
from facet_gateway.transcoding.operation import Operation, route_table
from facet_gateway.transcoding.template import PathMatch

Serve = Callable[[Operation, list[str], Request], Awaitable[Response]]


class ContractRoutes(BaseRoute):
    """Everything under `/v1/`.

    Args:
        operations: what is served.
        serve: the generic handler.
        special: handlers by RPC name, for operations that the gateway answers itself.
    """

    def __init__(
        self, operations: Sequence[Operation], serve: Serve, special: Mapping[str, Serve] | None = None
    ) -> None:
        self._table = route_table(operations)
        self._serve = serve
        self._special = special or {}

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Takes every HTTP request under `/v1/`; what it does not know it refuses itself."""
        mine = scope["type"] == "http" and scope["path"].startswith("/v1/")
        return (Match.FULL if mine else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request.

        Raises:
            Problem: no operation has this path and method, or what the operation's handler raises.
        """
        found = self._match(scope)
        method = "GET" if scope["method"] == "HEAD" else scope["method"]
        operation = found.operations.get(method)
        if operation is None:
            allowed = ", ".join(sorted(found.operations))
            raise Problem(405, "METHOD_NOT_ALLOWED", f"this path takes {allowed}", headers={"Allow": allowed})
        context_of(scope).operation = operation.id
        serve = self._special.get(operation.rpc, self._serve)
        response = await serve(operation, list(found.values), Request(scope, receive))
        await response(scope, receive, send)

    def url_path_for(self, name: str, /, **path_params: Any) -> Any:
        """Not offered: the contracts name operations, and clients read OpenAPI."""
        raise LookupError(f"no route is named {name}")

    def _match(self, scope: Scope) -> PathMatch[Operation]:
        raw = scope.get("raw_path") or scope["path"].encode()
        try:
            found = self._table.match(raw.decode("ascii").partition("?")[0])
        except UnicodeDecodeError:
            found = None
        if found is None or any("\0" in value for value in found.values):
            raise not_found(scope["path"])
        return found
