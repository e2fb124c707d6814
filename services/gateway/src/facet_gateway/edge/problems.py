"""Turns whatever a request ends with into problem+json; a defect is logged with its trace and shown without detail."""

from __future__ import annotations

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facet_gateway.edge.context import context_of
from facet_gateway.problem import Problem, from_error, unexpected
from facet_kit.errors import FacetError

log = structlog.get_logger(__name__)


class ProblemMiddleware:
    """Pure ASGI; stands right below the observing layer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, answer)
        except Exception as error:
            problem = _problem(error)
            if started or problem is None:
                raise
            if problem.status >= 500:
                _log(problem, scope, error)
            response = problem.response(instance=scope["path"], trace_id=context_of(scope).trace_id)
            await response(scope, receive, send)


def _problem(error: Exception) -> Problem | None:
    match error:
        case Problem():
            return error
        case FacetError():
            return from_error(error)
        case ExceptionGroup():
            return _problem(error.exceptions[0])
        case _:
            return unexpected()


def _log(problem: Problem, scope: Scope, error: Exception) -> None:
    context = context_of(scope)
    about = {"request_id": context.request_id, "path": scope["path"]}
    if error is problem:  # raised on purpose; the service that failed has logged its side
        log.warning("request_not_served", problem=str(problem), **about)
    else:
        log.error("request_failed", exc_info=error, **about)
