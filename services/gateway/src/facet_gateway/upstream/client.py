"""One service of one cell: a long-lived channel, its breaker, its health, and calls that carry bytes as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

import grpc
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind

from facet_gateway.problem import Problem, unavailable
from facet_gateway.upstream.breaker import Breaker, BreakerRefusal, BreakerState
from facet_gateway.upstream.status import counts_as_failure, problem_of

Metadata = Sequence[tuple[str, str]]

_REPLAYED: Final = "x-facet-replayed"
_RETRY_PAUSE = 0.05
_MAX_MESSAGE = 16 * 1024 * 1024
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", _MAX_MESSAGE),
    ("grpc.max_send_message_length", _MAX_MESSAGE),
    # A service that comes back is noticed within a second, not after gRPC's default of up to two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # A peer that vanished without closing is noticed, too.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    # Behind a headless Service every replica gets its share; one connection would pin one of them.
    ("grpc.service_config", '{"loadBalancingConfig":[{"round_robin":{}}]}'),
    ("grpc.enable_retries", 0),
)
_tracer = trace.get_tracer("facet_gateway")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answered.

    Attributes:
        payload: the response message, serialised.
        replayed: the service answered from its memory of the idempotency key.
    """

    payload: bytes
    replayed: bool = False


class Upstream:
    """One service of one cell. Make it inside the running loop."""

    def __init__(self, service: str, cell: str, address: str, breaker: Breaker | None = None) -> None:
        self.service = service
        self.cell = cell
        self.address = address
        self.breaker = breaker or Breaker()
        self.channel = grpc.aio.insecure_channel(address, options=_OPTIONS)
        self.serving = True  # until the health watcher learns otherwise
        self._methods: dict[str, grpc.aio.UnaryUnaryMultiCallable[bytes, bytes]] = {}

    @property
    def up(self) -> bool:
        """Whether the service answers, as far as is known at present."""
        return self.serving and self.breaker.state is not BreakerState.OPEN

    async def call(
        self, rpc: str, payload: bytes, *, seconds: float, metadata: Metadata, retry: bool = False
    ) -> Reply:
        """Calls a method with a serialised request.

        Args:
            rpc: path of the method, `/facet.sales.v1.OrderService/GetOrder`.
            seconds: time for all attempts together.
            retry: whether to try once more when the service cannot be reached; where nothing changes.

        Raises:
            Problem: the service refused, failed, or cannot be reached.
        """
        until = monotonic() + seconds
        try:
            return await self._attempt(rpc, payload, seconds, metadata)
        except grpc.aio.AioRpcError as error:
            left = until - monotonic() - _RETRY_PAUSE
            if not retry or error.code() is not grpc.StatusCode.UNAVAILABLE or left <= _RETRY_PAUSE:
                raise problem_of(error, self.service) from error
        await asyncio.sleep(_RETRY_PAUSE)
        try:
            return await self._attempt(rpc, payload, left, metadata)
        except grpc.aio.AioRpcError as error:
            raise problem_of(error, self.service) from error

    async def _attempt(self, rpc: str, payload: bytes, seconds: float, metadata: Metadata) -> Reply:
        method = self._methods.get(rpc)
        if method is None:
            method = self._methods[rpc] = self.channel.unary_unary(rpc)
        try:
            with (
                self.breaker.guard() as guarded,
                _tracer.start_as_current_span(rpc[1:], kind=SpanKind.CLIENT),
            ):
                carrier: dict[str, str] = {}
                propagate.inject(carrier)
                call = method(payload, timeout=seconds, metadata=(*metadata, *carrier.items()))
                try:
                    answer = await call
                except grpc.aio.AioRpcError as error:
                    if counts_as_failure(error, seconds):
                        guarded.failed()
                    raise
                replayed = any(key == _REPLAYED for key, _ in await call.trailing_metadata() or ())
                return Reply(answer, replayed)
        except BreakerRefusal as refusal:
            raise self._refused(refusal) from None

    def _refused(self, refusal: BreakerRefusal) -> Problem:
        return unavailable(
            "UPSTREAM_UNAVAILABLE", f"the {self.service} service is not called: {refusal}; try again"
        )

    async def close(self) -> None:
        """Closes the channel; calls in flight are cancelled."""
        await self.channel.close()
