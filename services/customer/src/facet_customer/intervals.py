"""Days from … to, as valid time is kept: the first day belongs to it, the last does not; an open end lasts for good."""

from collections.abc import Iterable
from datetime import date
from typing import Protocol

from facet_kit.errors import Invalid


class Interval(Protocol):
    """Anything with a first day and a day after the last."""

    @property
    def valid_from(self) -> date: ...

    @property
    def valid_to(self) -> date | None: ...


def covers(interval: Interval, day: date) -> bool:
    """Whether the day lies in the interval."""
    return interval.valid_from <= day and (interval.valid_to is None or day < interval.valid_to)


def overlaps(one: Interval, start: date, end: date | None) -> bool:
    """Whether the interval shares a day with the one from `start` to before `end`."""
    return (end is None or one.valid_from < end) and (one.valid_to is None or start < one.valid_to)


def require_order(start: date, end: date | None, field: str) -> None:
    """Raises Invalid, naming `field`, when the end is not after the start."""
    if end is not None and end <= start:
        raise Invalid(
            "INTERVAL_EMPTY",
            f"the end {end.isoformat()} must come after the start {start.isoformat()}",
            field=field,
        )


def next_boundary(intervals: Iterable[Interval], today: date) -> date | None:
    """The next day after today on which one of the intervals begins or has ended; None when nothing is ahead."""
    days = (day for each in intervals for day in (each.valid_from, each.valid_to) if day and day > today)
    return min(days, default=None)
