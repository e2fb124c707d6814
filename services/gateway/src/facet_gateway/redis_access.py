"""Redis, which the gateway can do without: every use says what happens when it is away; nobody waits for it twice."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TypeVar

import structlog
from opentelemetry import metrics
from redis.asyncio import BlockingConnectionPool, Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)
T = TypeVar("T")

_REST_SECONDS = 1.0
_failures = metrics.get_meter("facet_gateway").create_counter(
    "facet.gateway.redis.failures", description="Uses of Redis that failed and were done without it"
)


class RedisAway(Exception):
    """Redis does not answer at present, or none is configured."""


class RedisAccess:
    """Runs commands; after a failure Redis is left alone for a second, so that a hanging Redis costs one time-out.

    Args:
        url: `redis://…`; "" for no Redis.
        timeout: seconds to wait for a connection and for an answer.
    """

    def __init__(self, url: str, *, timeout: float = 0.25, connections: int = 64) -> None:
        self._redis: Redis | None = None
        if url:
            pool = BlockingConnectionPool.from_url(
                url,
                max_connections=connections,
                timeout=timeout,
                socket_timeout=timeout,
                socket_connect_timeout=timeout,
            )
            self._redis = Redis.from_pool(pool)
        self._away_until = 0.0

    @property
    def away(self) -> bool:
        """Whether Redis is being left alone right now."""
        return self._redis is None or monotonic() < self._away_until

    async def run(self, command: Callable[[Redis], Awaitable[T]]) -> T:
        """The answer to a command.

        Raises:
            RedisAway: there is none.
        """
        redis = self._redis
        if redis is None or monotonic() < self._away_until:
            raise RedisAway
        try:
            return await command(redis)
        except (RedisError, OSError, TimeoutError) as error:
            self._away_until = monotonic() + _REST_SECONDS
            _failures.add(1)
            log.warning("redis_away", error=repr(error))
            raise RedisAway from error

    async def ping(self) -> None:
        """Asks whether Redis answers.

        Raises:
            RedisAway: it does not.
        """
        await self.run(lambda redis: redis.execute_command("PING"))

    async def close(self) -> None:
        """Closes the connections."""
        if self._redis is not None:
            await self._redis.aclose()
