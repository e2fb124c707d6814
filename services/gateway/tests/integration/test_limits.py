"""Limits per principal: counted together in Redis, alone without it, never off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from facet_contracts.facet.sales.v1.resources_pb import Order
from facet_gateway.edge.limiter import Limiter, LimitPolicy
from facet_gateway.redis_access import RedisAccess
from facet_kit.clock import SystemClock


@pytest.mark.capability("GTW-09")
async def test_requests_beyond_the_limit_are_429_with_the_time_to_wait(
    make_world: Callable[..., Awaitable[Any]],
) -> None:
    world = await make_world(rate_limit=5, rate_window_seconds=60)
    world.people.add("busy@facet.example", "executive")
    world.people.add("calm@facet.example", "executive")
    world.services["sales"].answers["/facet.sales.v1.OrderService/GetOrder"] = lambda asked: Order(id="o1")
    answers = [await world.call("GET", "/v1/orders/o1", by="busy@facet.example") for _ in range(8)]
    assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 3
    assert answers[0].headers["ratelimit-limit"] == "5"
    assert answers[4].headers["ratelimit-remaining"] == "0"
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    assert answers[-1].json()["reason"] == "RATE_LIMITED"
    assert (await world.call("GET", "/v1/orders/o1", by="calm@facet.example")).status_code == 200


@pytest.mark.parametrize("shared", [True, False], ids=["redis", "without redis"])
async def test_no_more_pass_than_the_limit_however_many_processes_count(redis_url: str, shared: bool) -> None:
    redis = RedisAccess(redis_url if shared else "")
    limiter = Limiter(redis, LimitPolicy(requests=150, window_seconds=3600, daily_quota=1000), SystemClock())
    second = Limiter(redis, LimitPolicy(requests=150, window_seconds=3600, daily_quota=1000), SystemClock())
    who = f"somebody-{shared}-{id(limiter)}"
    counted = (limiter, second) if shared else (limiter,)
    verdicts = [await counted[turn % len(counted)].take(who) for turn in range(200)]
    assert sum(verdict.allowed for verdict in verdicts) <= 150
    assert sum(verdict.allowed for verdict in verdicts) >= 148
    await redis.close()


async def test_the_daily_quota_ends_the_day(redis_url: str) -> None:
    redis = RedisAccess(redis_url)
    limiter = Limiter(redis, LimitPolicy(requests=100, window_seconds=10, daily_quota=7), SystemClock())
    who = f"quota-{id(limiter)}"
    allowed = [(await limiter.take(who)).allowed for _ in range(10)]
    assert allowed == [True] * 7 + [False] * 3
    await redis.close()
