"""Serves the document at /openapi.json and shows it at /docs; nothing of the page comes from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import orjson
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from swagger_ui_bundle import swagger_ui_path

from facet_gateway.openapi.constraints import Schema
from facet_gateway.problem import not_found

_ASSETS: Final = frozenset(
    {
        "swagger-ui.css",
        "swagger-ui-bundle.js",
        "favicon-16x16.png",
        "favicon-32x32.png",
        "oauth2-redirect.html",
    }
)
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
    )
)
_PAGE: Final = b"""<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <title>Facet API</title>
  <link rel="icon" href="docs/favicon-32x32.png">
  <link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
  <div id="api"></div>
  <script src="docs/swagger-ui-bundle.js"></script>
  <script src="docs/start.js"></script>
</body>
</html>
"""
# The bundled Swagger UI refuses the label 3.1 but shows all that this document uses of it.
_START: Final = b"""fetch("openapi.json")
  .then((answer) => answer.json())
  .then((document) => SwaggerUIBundle({
    spec: { ...document, openapi: "3.0.3" },
    dom_id: "#api",
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: "none",
    filter: true,
    persistAuthorization: true,
    validatorUrl: null,
  }));
"""


class DocumentPages:
    """The document and its page; both the same for everybody."""

    def __init__(self, document: Schema) -> None:
        self._document = orjson.dumps(document)

    def routes(self) -> list[Route]:
        """`/openapi.json`, `/docs` and what the page needs."""
        return [
            Route("/openapi.json", self._json),
            Route("/docs", self._page),
            Route("/docs/start.js", self._start),
            Route("/docs/{asset}", self._asset),
        ]

    async def _json(self, _request: Request) -> Response:
        return Response(self._document, media_type="application/json", headers={"Cache-Control": "no-cache"})

    async def _page(self, _request: Request) -> Response:
        return Response(_PAGE, media_type="text/html", headers={"Content-Security-Policy": _POLICY})

    async def _start(self, _request: Request) -> Response:
        return Response(_START, media_type="text/javascript")

    async def _asset(self, request: Request) -> Response:
        name = request.path_params["asset"]
        if name not in _ASSETS:
            raise not_found(request.url.path)
        return FileResponse(Path(str(swagger_ui_path)) / name, headers={"Cache-Control": "max-age=86400"})
