"""The circuit breaker."""

from __future__ import annotations

import pytest

from facet_gateway.upstream.breaker import Breaker, BreakerPolicy, BreakerRefusal, BreakerState


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


POLICY = BreakerPolicy(max_concurrency=2, window=5, min_failures=5, failure_share=0.5, rest=1)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(POLICY, clock)


def call(breaker: Breaker, *, fails: bool) -> None:
    with breaker.guard() as guarded:
        if fails:
            guarded.failed()


def opened(breaker: Breaker) -> Breaker:
    for _ in range(POLICY.min_failures):
        call(breaker, fails=True)
    return breaker


def test_it_opens_when_half_of_the_calls_fail(breaker: Breaker) -> None:
    for _ in range(4):
        call(breaker, fails=False)
        call(breaker, fails=True)
    assert breaker.state is BreakerState.CLOSED
    call(breaker, fails=True)
    assert breaker.state is BreakerState.OPEN
    with pytest.raises(BreakerRefusal):
        call(breaker, fails=False)


def test_a_few_failures_among_many_calls_do_not_open_it(breaker: Breaker) -> None:
    for number in range(100):
        call(breaker, fails=number % 3 == 0)
    assert breaker.state is BreakerState.CLOSED


def test_old_failures_are_forgotten_after_two_windows(breaker: Breaker, clock: Clock) -> None:
    for _ in range(4):
        call(breaker, fails=True)
    clock.now = 11
    call(breaker, fails=True)
    assert breaker.state is BreakerState.CLOSED


def test_one_probe_decides_after_the_rest(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = 1.5
    assert breaker.state is BreakerState.HALF_OPEN
    with breaker.guard(), pytest.raises(BreakerRefusal):
        call(breaker, fails=False)
    assert breaker.state is BreakerState.CLOSED


def test_a_failing_probe_keeps_it_open(breaker: Breaker, clock: Clock) -> None:
    opened(breaker)
    clock.now = 1.5
    call(breaker, fails=True)
    assert breaker.state is BreakerState.OPEN
    clock.now = 2.6
    call(breaker, fails=False)
    assert breaker.state is BreakerState.CLOSED


def test_more_calls_than_it_has_room_for_are_refused_at_once(breaker: Breaker) -> None:
    with breaker.guard(), breaker.guard(), pytest.raises(BreakerRefusal):
        call(breaker, fails=False)
    call(breaker, fails=False)


def test_a_call_that_ends_in_an_exception_gives_its_room_back(breaker: Breaker) -> None:
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), breaker.guard():
            raise ZeroDivisionError
    assert breaker.state is BreakerState.CLOSED
