"""A circuit breaker: stops calling a service that keeps failing, and tries again with single probes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from time import monotonic


class BreakerState(Enum):
    """CLOSED lets calls through, OPEN refuses them, HALF_OPEN lets one probe through to decide."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class BreakerRefusal(Exception):
    """The call was not made; the message says why."""


@dataclass(frozen=True, slots=True)
class BreakerPolicy:
    """When to stop and when to try again.

    Attributes:
        max_concurrency: calls in flight; more are refused at once instead of queueing without bound.
        window: seconds of one counting window; the present and the previous one are judged together.
        min_failures: failures in both windows below which nothing happens.
        failure_share: share of failures among the calls of both windows that opens the breaker.
        rest: seconds the breaker stays open before it lets a probe through.
    """

    max_concurrency: int = 256
    window: float = 5.0
    min_failures: int = 5
    failure_share: float = 0.5
    rest: float = 1.0


class Breaker:
    """One upstream's breaker. Wrap each call in `guard()` and report failures with `failed()` inside of it."""

    def __init__(self, policy: BreakerPolicy | None = None, clock: Callable[[], float] = monotonic) -> None:
        self._policy = policy or BreakerPolicy()
        self._clock = clock
        self._in_flight = 0
        self._window_start = clock()
        self._counts = [0, 0]  # calls, failures of the present window
        self._previous = [0, 0]
        self._open_until: float | None = None
        self._probing = False

    @property
    def state(self) -> BreakerState:
        """What would happen to a call now."""
        if self._open_until is None:
            return BreakerState.CLOSED
        return (
            BreakerState.OPEN if self._probing or self._clock() < self._open_until else BreakerState.HALF_OPEN
        )

    @contextmanager
    def guard(self) -> Iterator[Call]:
        """Room for one call.

        Raises:
            BreakerRefusal: the breaker is open, or too many calls are in flight.
        """
        state = self.state
        if state is BreakerState.OPEN:
            raise BreakerRefusal("it kept failing and is being left alone for a moment")
        if self._in_flight >= self._policy.max_concurrency:
            raise BreakerRefusal("too many calls to it are in flight")
        probe = state is BreakerState.HALF_OPEN
        self._probing = self._probing or probe
        self._in_flight += 1
        call = Call()
        try:
            yield call
        finally:
            self._in_flight -= 1
            self._settle(call, probe)

    def _settle(self, call: Call, probe: bool) -> None:
        if probe:
            self._probing = False
            self._open_until = self._clock() + self._policy.rest if call.has_failed else None
            self._counts, self._previous = [0, 0], [0, 0]
            return
        self._turn_window()
        self._counts[0] += 1
        self._counts[1] += call.has_failed
        calls, failures = (now + before for now, before in zip(self._counts, self._previous, strict=True))
        if failures >= self._policy.min_failures and failures >= calls * self._policy.failure_share:
            self._open_until = self._clock() + self._policy.rest

    def _turn_window(self) -> None:
        elapsed = self._clock() - self._window_start
        if elapsed < self._policy.window:
            return
        self._previous = self._counts if elapsed < 2 * self._policy.window else [0, 0]
        self._counts = [0, 0]
        self._window_start = self._clock()


@dataclass(slots=True)
class Call:
    """One call under a breaker."""

    has_failed: bool = False

    def failed(self) -> None:
        """Counts the call against the upstream; for its failures only, never for refusals of the caller's request."""
        self.has_failed = True
