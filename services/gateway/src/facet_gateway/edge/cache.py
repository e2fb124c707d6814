"""A small cache for things looked up again and again: bounded, aged, and with one look-up at a time per key."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_EXPIRED = 60.0


@dataclass(slots=True)
class Aged(Generic[V]):
    """A value and when it was looked up, on the monotonic clock."""

    value: V
    since: float


class AgedCache(Generic[K, V]):
    """Values by key, each with its age. The caller decides what age is too old for what purpose.

    Args:
        size: values kept; the least recently used ones go first.
    """

    def __init__(self, size: int, clock: Callable[[], float] = monotonic) -> None:
        self._size = size
        self._clock = clock
        self._kept: OrderedDict[K, Aged[V]] = OrderedDict()
        self._flights: dict[K, asyncio.Task[V]] = {}

    def get(self, key: K, *, max_age: float) -> V | None:
        """The value, unless there is none or it is older than `max_age` seconds."""
        aged = self._kept.get(key)
        if aged is None or self._clock() - aged.since > max_age:
            return None
        self._kept.move_to_end(key)
        return aged.value

    def put(self, key: K, value: V) -> None:
        """Keeps a value as of now."""
        self._kept[key] = Aged(value, self._clock())
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)

    def expire(self, wanted: Callable[[V], bool]) -> None:
        """Ages the values that are `wanted` by a minute: they serve as last known ones only."""
        for aged in self._kept.values():
            if wanted(aged.value):
                aged.since -= _EXPIRED

    async def shared(self, key: K, look_up: Callable[[], Coroutine[None, None, V]]) -> V:
        """Looks a value up and keeps it; those who ask for the same key meanwhile wait for the same look-up.

        The look-up goes on when the one who started it goes away.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._look_up(key, look_up))
            self._flights[key] = flight
            flight.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(flight)

    async def _look_up(self, key: K, look_up: Callable[[], Coroutine[None, None, V]]) -> V:
        value = await look_up()
        self.put(key, value)
        return value

    def _landed(self, key: K, flight: asyncio.Task[V]) -> None:
        self._flights.pop(key, None)
        if not flight.cancelled():
            flight.exception()  # seen, even when everybody who waited has gone
