"""The unified view over HTTP: permission, parameters, ETag; the answer's bytes go out as they are."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from facet_gateway.edge.context import context_of
from facet_gateway.transcoding.handler import authorize
from facet_gateway.transcoding.operation import Operation
from facet_gateway.transcoding.request import Incoming, RequestReader
from facet_gateway.transcoding.response import etag_matches, quoted
from facet_gateway.view.reader import ViewReader

RPC: Final = "/facet.gateway.v1.UnifiedViewService/GetUnifiedView"


class ViewHandler:
    """Serves `GetUnifiedView` in place of the generic handler."""

    def __init__(self, views: ViewReader, reader: RequestReader) -> None:
        self._views = views
        self._reader = reader

    async def serve(self, operation: Operation, values: list[str], request: Request) -> Response:
        """The answer to a request.

        Raises:
            Problem: the caller may not, a parameter does not fit, or there is no such customer for him.
        """
        context = context_of(request.scope)
        authorize(operation, context)
        query: bytes = request.scope["query_string"]
        wanted = self._sections(operation, values, query) if query else ""
        view = await self._views.read(context.signed_in(), values[0], wanted)
        etag = quoted(view.etag)
        headers = {"ETag": etag}
        if etag_matches(request.headers.get("if-none-match", ""), etag):
            return Response(None, 304, headers)
        return Response(view.body, 200, headers, "application/json")

    def _sections(self, operation: Operation, values: list[str], query: bytes) -> str:
        message = self._reader.read(operation, Incoming(values, query, b"", None, None, ""))
        wanted = getattr(message, "sections", "")
        return wanted if isinstance(wanted, str) else ""
