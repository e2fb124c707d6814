"""Arithmetic of working time on a calendar: pure, exact, and right across changes of summer time (SVC-01)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MINUTES_PER_DAY = 24 * 60
# With less than this a due date could lie centuries ahead.
LEAST_WEEKLY_MINUTES = 60

_DAY = timedelta(days=1)
_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """A weekly stretch of work: ISO weekday 1–7, minutes after local midnight, `end` later and up to 1440."""

    weekday: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Calendar:
    """A working week in a time zone, less holidays. Its intervals do not overlap."""

    zone: ZoneInfo
    intervals: tuple[Interval, ...]
    holidays: frozenset[date] = frozenset()

    def add(self, start: datetime, duration: timedelta) -> datetime:
        """The earliest instant at which `duration` of working time has passed since `start`, in UTC.

        Raises:
            ValueError: `duration` is negative.
        """
        if duration < _NOTHING:
            raise ValueError("working time runs forward only")
        if duration == _NOTHING:
            return start.astimezone(UTC)
        left = duration
        for opens, closes in self._spans(start.astimezone(UTC)):
            if left <= closes - opens:
                return opens + left
            left -= closes - opens
        raise ValueError("the calendar ends before the duration does")

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Working time from `start` to `end`; nothing when `end` is not later."""
        total, until = _NOTHING, end.astimezone(UTC)
        for opens, closes in self._spans(start.astimezone(UTC)):
            if opens >= until:
                break
            total += min(closes, until) - opens
        return total

    def _spans(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Working stretches from `start` on, in order, as pairs of UTC instants."""
        # One day earlier: a stretch that began yesterday may reach to midnight, and zones may jump over a date line.
        day = start.astimezone(self.zone).date() - _DAY
        while day < date.max - _DAY:
            if day not in self.holidays:
                for interval in self.intervals:
                    if interval.weekday == day.isoweekday():
                        opens = max(_instant(day, interval.start, self.zone), start)
                        closes = _instant(day, interval.end, self.zone)
                        if closes > opens:
                            yield opens, closes
            day += _DAY


def _instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """The UTC instant of a local time of day.

    A time that the clocks show twice means the first; one that they jump over means the moment of the jump. So the
    order of local times is the order of instants.
    """
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001 - the zone follows below
    before = wall.replace(tzinfo=zone).astimezone(UTC)
    after = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if after >= before:
        return before
    return _jump(after, before, zone)


def _jump(early: datetime, late: datetime, zone: ZoneInfo) -> datetime:
    """The instant between two at which the zone's offset changes, to the second."""
    offset = early.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + timedelta(seconds=(late - early) // timedelta(seconds=2))
        if middle.astimezone(zone).utcoffset() == offset:
            early = middle
        else:
            late = middle
    return late


def parse_zone(name: str) -> ZoneInfo:
    """The time zone of an IANA name.

    Raises:
        ValueError: there is no such zone.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name!r} is no IANA time zone; write it like 'Asia/Shanghai'") from None


def parse_minute(text: str) -> int:
    """Minutes after midnight of "HH:MM"; "24:00" is the end of the day.

    Raises:
        ValueError: no such time of day.
    """
    hours, colon, minutes = text.partition(":")
    if not (colon and len(hours) == 2 and len(minutes) == 2 and hours.isdecimal() and minutes.isdecimal()):
        raise ValueError(f"{text!r} is no time of day; write HH:MM")
    total = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or total > MINUTES_PER_DAY:
        raise ValueError(f"{text!r} is no time of day; write HH:MM")
    return total


def check_week(intervals: Sequence[Interval]) -> list[tuple[int, str]]:
    """What is wrong with a working week: pairs of the interval's place (-1 for the week) and a message."""
    wrong = [
        (place, "the interval must end after it starts")
        for place, interval in enumerate(intervals)
        if interval.end <= interval.start
    ]
    if wrong:
        return wrong
    ordered = sorted(enumerate(intervals), key=lambda pair: pair[1])
    for (_, earlier), (place, later) in pairwise(ordered):
        if earlier.weekday == later.weekday and later.start < earlier.end:
            wrong.append((place, "the interval overlaps another of the same day"))
    if not wrong and weekly_minutes(intervals) < LEAST_WEEKLY_MINUTES:
        wrong.append((-1, f"a working week needs at least {LEAST_WEEKLY_MINUTES} minutes of work"))
    return wrong


def weekly_minutes(intervals: Iterable[Interval]) -> int:
    """Minutes of work in a week without holidays."""
    return sum(interval.end - interval.start for interval in intervals)
