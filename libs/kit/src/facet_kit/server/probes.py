"""Health over HTTP: /livez says that the process lives, /readyz that its dependencies answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import uvicorn

from facet_kit.server.http import HttpServer

Check = Callable[[], Awaitable[None]]
_Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Probes:
    """A small ASGI application. A check raises when its dependency does not answer."""

    def __init__(self, checks: dict[str, Check]) -> None:
        self._checks = checks
        self.draining = False

    async def readiness(self) -> tuple[bool, dict[str, str]]:
        """Whether every dependency answers, and what each said."""
        states: dict[str, str] = {}
        for name, check in self._checks.items():
            try:
                await check()
                states[name] = "ok"
            except Exception as error:  # whatever a driver raises, the dependency is not ready
                states[name] = f"{type(error).__name__}: {error}"[:200]
        ready = not self.draining and all(state == "ok" for state in states.values())
        return ready, states

    async def __call__(self, scope: MutableMapping[str, Any], receive: object, send: _Send) -> None:
        if scope["type"] != "http":
            return
        match scope["path"]:
            case "/livez":
                await _answer(send, 200, {"status": "alive"})
            case "/readyz":
                ready, states = await self.readiness()
                await _answer(
                    send, 200 if ready else 503, {"status": "ready" if ready else "unready", "checks": states}
                )
            case _:
                await _answer(send, 404, {"status": "unknown path; try /livez or /readyz"})


async def _answer(send: _Send, status: int, body: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


def probe_server(probes: Probes, host: str, port: int) -> HttpServer:
    """A server for the probes alone."""
    return HttpServer(
        uvicorn.Config(probes, host=host, port=port, log_level="warning", lifespan="off", access_log=False)
    )
