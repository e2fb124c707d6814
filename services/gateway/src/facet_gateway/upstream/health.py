"""Watches the services by their gRPC health, so that the edge knows at once who is away and who is back."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import grpc
import structlog
from grpc_health.v1 import health_pb2

from facet_gateway.upstream.client import Upstream

log = structlog.get_logger(__name__)

_CHECK = "/grpc.health.v1.Health/Check"
_REQUEST = health_pb2.HealthCheckRequest().SerializeToString()
# A late answer on a busy machine is no outage, several in a row are; a refused connection is one at once.
_LATE_ANSWERS = 3
_PATIENCE_SECONDS = 1.0


class HealthWatcher:
    """Keeps `serving` of each upstream true to life.

    Args:
        interval: seconds between two checks of one service.
    """

    def __init__(self, upstreams: Iterable[Upstream], *, interval: float) -> None:
        self._upstreams = list(upstreams)
        self._interval = interval

    async def run(self) -> None:
        """Watches until cancelled."""
        async with asyncio.TaskGroup() as watches:
            for upstream in self._upstreams:
                watches.create_task(self._watch(upstream))

    async def _watch(self, upstream: Upstream) -> None:
        check = upstream.channel.unary_unary(_CHECK)
        late = 0
        while True:
            serving = await self._ask(check)
            late = late + 1 if serving is None else 0
            if serving is not None or late >= _LATE_ANSWERS:
                self._note(upstream, bool(serving))
            await asyncio.sleep(self._interval)

    async def _ask(self, check: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]) -> bool | None:
        """Whether the service serves; None when it did not answer in time."""
        try:
            answer = await check(_REQUEST, timeout=_PATIENCE_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
                return None
            # A service without the health protocol that answers at all is taken as serving.
            return error.code() is grpc.StatusCode.UNIMPLEMENTED
        return (
            health_pb2.HealthCheckResponse.FromString(answer).status == health_pb2.HealthCheckResponse.SERVING
        )

    def _note(self, upstream: Upstream, serving: bool) -> None:
        if serving != upstream.serving:
            upstream.serving = serving
            event = "upstream_returned" if serving else "upstream_away"
            log.warning(event, service=upstream.service, cell=upstream.cell)
