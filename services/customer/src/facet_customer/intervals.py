"""Days from … to, as valid time is kept: the first day belongs to it, the last does not; an open end lasts for good."""

from collections.abc import Iterable
from datetime import date

from sqlalchemy.orm import Mapped

from facet_kit.errors import Invalid


class Interval:
    """Mixin of a row that holds from a first day until the day after its last."""

    valid_from: Mapped[date]
    valid_to: Mapped[date | None]

    def covers(self, day: date) -> bool:
        """Whether the day lies in the interval."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)

    def overlaps(self, start: date, end: date | None) -> bool:
        """Whether it shares a day with the interval from `start` to before `end`."""
        return (end is None or self.valid_from < end) and (self.valid_to is None or start < self.valid_to)


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
