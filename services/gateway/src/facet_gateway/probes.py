"""/livez says that the process lives; /readyz that it takes requests, and how its surroundings are."""

from __future__ import annotations

from collections.abc import Iterable

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from facet_gateway.redis_access import RedisAccess
from facet_gateway.upstream.client import Upstream


class GatewayProbes:
    """The gateway is ready once it listens. A service or Redis that is away makes it poorer, not useless: taking it out
    of the load balancer would make things worse, so that is told but does not count.
    """

    def __init__(self, upstreams: Iterable[Upstream], redis: RedisAccess) -> None:
        self._upstreams = list(upstreams)
        self._redis = redis
        self.ready = False

    def routes(self) -> list[Route]:
        """The two paths."""
        return [Route("/livez", self._live), Route("/readyz", self._readiness)]

    async def _live(self, _request: Request) -> Response:
        return _json(200, {"status": "alive"})

    async def _readiness(self, _request: Request) -> Response:
        surroundings = {
            f"{upstream.cell}/{upstream.service}": "up" if upstream.up else "away"
            for upstream in self._upstreams
        }
        surroundings["redis"] = "away" if self._redis.away else "up"
        status = "ready" if self.ready else "unready"
        return _json(200 if self.ready else 503, {"status": status, "surroundings": surroundings})


def _json(status: int, body: object) -> Response:
    return Response(orjson.dumps(body), status, {"Cache-Control": "no-store"}, "application/json")
