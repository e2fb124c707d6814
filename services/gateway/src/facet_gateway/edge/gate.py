"""Who may come in: authentication and limits, before anything of the request's content is looked at."""

from __future__ import annotations

from collections.abc import MutableSequence
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facet_gateway.edge.authentication import Authenticator
from facet_gateway.edge.context import context_of
from facet_gateway.edge.limiter import Limiter, Verdict
from facet_gateway.problem import Problem

# Everything of the API; health, documentation and the development issuer's endpoints lie elsewhere.
PROTECTED: Final = "/v1/"
_MAX_HEADER_BYTES = 32 * 1024


class GateMiddleware:
    """Pure ASGI."""

    def __init__(self, app: ASGIApp, authenticator: Authenticator, limiter: Limiter) -> None:
        self._app = app
        self._authenticator = authenticator
        self._limiter = limiter

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if sum(len(key) + len(value) for key, value in scope["headers"]) > _MAX_HEADER_BYTES:
            raise Problem(431, "HEADERS_TOO_LARGE", f"send at most {_MAX_HEADER_BYTES} bytes of headers")
        if not scope["path"].startswith(PROTECTED):
            await self._app(scope, receive, send)
            return
        context = context_of(scope)
        context.caller = await self._authenticator.authenticate(scope)
        verdict = await self._limiter.take(context.caller.principal.id)
        if not verdict.allowed:
            raise Problem(
                429,
                "RATE_LIMITED",
                f"more than {verdict.limit} requests in the window, or the day's quota is used up;"
                f" go on in {verdict.reset_seconds} s",
                headers={**_told(verdict), "Retry-After": str(verdict.reset_seconds)},
            )
        extra = [(key.lower().encode(), value.encode()) for key, value in _told(verdict).items()]

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                present: MutableSequence[tuple[bytes, bytes]] = message["headers"]
                message["headers"] = [*present, *extra]
            await send(message)

        await self._app(scope, receive, answer)


def _told(verdict: Verdict) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(verdict.limit),
        "RateLimit-Remaining": str(verdict.remaining),
        "RateLimit-Reset": str(verdict.reset_seconds),
    }
