"""The HTTP application: FastAPI around the contracts' routes, below the edge's layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from facet_gateway.edge.authentication import Authenticator
from facet_gateway.edge.context import context_of
from facet_gateway.edge.gate import GateMiddleware
from facet_gateway.edge.limiter import Limiter
from facet_gateway.edge.observe import ObserveMiddleware
from facet_gateway.edge.problems import ProblemMiddleware
from facet_gateway.problem import Problem, not_found
from facet_kit.ids import Ids


@dataclass(frozen=True, slots=True)
class Edge:
    """What the layers of the edge work with."""

    ids: Ids
    authenticator: Authenticator
    limiter: Limiter
    cors_origins: Sequence[str]


def build_application(edge: Edge, routes: Sequence[BaseRoute]) -> FastAPI:
    """The application.

    Args:
        routes: the contracts' routes and whatever else is served, in order of precedence.
    """
    application = FastAPI(
        openapi_url=None,  # the document comes from the contracts
        telemetry={"tracing": False, "metrics": False, "logs": False},  # the outermost layer observes
        middleware=_layers(edge),
        exception_handlers={HTTPException: _refused},
        max_body_size=None,  # the handler limits bodies, with a problem as answer
    )
    application.router.routes.extend(routes)
    application.router.redirect_slashes = False
    application.router.default = _nothing_here
    return application


def _layers(edge: Edge) -> list[Middleware]:
    layers = [Middleware(ObserveMiddleware, ids=edge.ids), Middleware(ProblemMiddleware)]
    if edge.cors_origins:
        layers.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(edge.cors_origins),
                allow_methods=["GET", "POST", "PATCH", "DELETE"],
                allow_headers=[
                    "Authorization",
                    "Content-Type",
                    "If-Match",
                    "If-None-Match",
                    "Idempotency-Key",
                ],
                expose_headers=["ETag", "Location", "X-Request-Id", "Retry-After", "Idempotent-Replayed"],
            )
        )
    layers.append(Middleware(GateMiddleware, authenticator=edge.authenticator, limiter=edge.limiter))
    return layers


async def _refused(request: Request, error: Exception) -> Response:
    """Starlette's own refusals, such as a wrong method outside of the contracts, as problems."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    problem = Problem(status, "REFUSED", str(getattr(error, "detail", "")) or "refused", headers=headers)
    return problem.response(instance=request.url.path, trace_id=context_of(request.scope).trace_id)


async def _nothing_here(scope: Scope, _receive: Receive, _send: Send) -> None:
    raise not_found(scope["path"])
