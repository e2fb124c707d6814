"""How many requests a principal may make: a sliding window and a daily quota, counted in Redis for all processes.

A process takes a small share of the window at a time, so that most requests cost no round trip. While Redis is away
each process counts by itself with the same limits: callers are never unlimited.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from opentelemetry import metrics

from facet_gateway.edge.cache import AgedCache
from facet_gateway.redis_access import RedisAccess, RedisAway
from facet_kit.clock import Clock

_DAY_MS: Final = 86_400_000
_local = metrics.get_meter("facet_gateway").create_counter(
    "facet.gateway.limiter.local",
    description="Limit decisions made by one process alone because Redis was away",
)

# Counts of the present and the previous window make the sliding one. Grants up to `want`, all or part or nothing.
# Returns granted, left in the window, milliseconds until more may be granted.
_TAKE: Final = """
local now, window, limit = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local quota, want = tonumber(ARGV[4]), tonumber(ARGV[5])
local index = math.floor(now / window)
local current = tonumber(redis.call('HGET', KEYS[1], index)) or 0
local previous = tonumber(redis.call('HGET', KEYS[1], index - 1)) or 0
local passed = now % window
local left = math.floor(limit - current - previous * (window - passed) / window)
local today = math.floor(now / 86400000)
local used = tonumber(redis.call('HGET', KEYS[2], today)) or 0
local granted = math.min(want, left, quota - used)
if granted <= 0 then
  if used >= quota then return {0, 0, 86400000 - now % 86400000} end
  return {0, 0, window - passed}
end
if current == 0 then
  redis.call('DEL', KEYS[1])
  if previous > 0 then redis.call('HSET', KEYS[1], index - 1, previous) end
end
redis.call('HINCRBY', KEYS[1], index, granted)
redis.call('PEXPIRE', KEYS[1], window * 2)
if used == 0 then redis.call('DEL', KEYS[2]) end
redis.call('HINCRBY', KEYS[2], today, granted)
redis.call('PEXPIRE', KEYS[2], 86400000)
return {granted, left - granted, window - passed}
"""


@dataclass(frozen=True, slots=True)
class LimitPolicy:
    """How many requests in `window_seconds`, and how many a day (UTC)."""

    requests: int
    window_seconds: int
    daily_quota: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass, and what to tell the caller: requests left, and seconds until there are more."""

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int


@dataclass(slots=True)
class _Share:
    """What this process may still grant of the window without asking."""

    granted: int
    left_elsewhere: int
    ends_ms: int


@dataclass(slots=True)
class _Count:
    window: int
    current: int = 0
    previous: int = 0
    day: int = 0
    used: int = 0


class Limiter:
    """Decides for each request of each principal."""

    def __init__(self, redis: RedisAccess, policy: LimitPolicy, clock: Clock) -> None:
        self._redis = redis
        self._policy = policy
        self._clock = clock
        self._window_ms = policy.window_seconds * 1000
        self._batch = max(1, policy.requests // 100)
        self._shares: dict[str, _Share] = {}
        self._counts: AgedCache[str, _Count] = AgedCache(20_000)

    async def take(self, principal_id: str) -> Verdict:
        """Counts one request of the principal and says whether it may pass."""
        now = int(self._clock.now().timestamp() * 1000)
        share = self._shares.get(principal_id)
        if share is None or share.granted <= 0 or now >= share.ends_ms:
            share = await self._share(principal_id, now)
            self._forget_old(now)
            self._shares[principal_id] = share
        reset = max(1, math.ceil((share.ends_ms - now) / 1000))
        if share.granted <= 0:
            return Verdict(False, self._policy.requests, 0, reset)
        share.granted -= 1
        return Verdict(True, self._policy.requests, share.granted + share.left_elsewhere, reset)

    async def _share(self, principal_id: str, now: int) -> _Share:
        try:
            granted, left, wait = await self._take_shared(principal_id, now)
        except RedisAway:
            _local.add(1)
            granted, left, wait = self._take_locally(principal_id, now)
        return _Share(granted, left, now + wait)

    async def _take_shared(self, principal_id: str, now: int) -> Sequence[int]:
        policy = self._policy
        keys = (f"facet:limit:{{{principal_id}}}:window", f"facet:limit:{{{principal_id}}}:day")
        numbers = (now, self._window_ms, policy.requests, policy.daily_quota, self._batch)
        answer = await self._redis.run(lambda redis: redis.eval(_TAKE, 2, *keys, *numbers))
        return [int(number) for number in answer]

    def _take_locally(self, principal_id: str, now: int) -> Sequence[int]:
        """The same rule as in Redis, for this process alone."""
        index, passed = divmod(now, self._window_ms)
        count = self._counts.get(principal_id, max_age=2 * _DAY_MS) or _Count(index, day=now // _DAY_MS)
        if count.window != index:
            count.previous = count.current if count.window == index - 1 else 0
            count.window, count.current = index, 0
        if count.day != now // _DAY_MS:
            count.day, count.used = now // _DAY_MS, 0
        weight = (self._window_ms - passed) / self._window_ms
        left = math.floor(self._policy.requests - count.current - count.previous * weight)
        granted = max(0, min(1, left, self._policy.daily_quota - count.used))
        count.current += granted
        count.used += granted
        self._counts.put(principal_id, count)
        exhausted = count.used >= self._policy.daily_quota and not granted
        return (
            granted,
            max(0, left - granted),
            _DAY_MS - now % _DAY_MS if exhausted else self._window_ms - passed,
        )

    def _forget_old(self, now: int) -> None:
        if len(self._shares) > 20_000:
            self._shares = {key: share for key, share in self._shares.items() if share.ends_ms > now}
