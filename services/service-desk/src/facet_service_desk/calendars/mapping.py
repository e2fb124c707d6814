"""Calendars and service levels as contract messages, and what a request says about them as stored values."""

from __future__ import annotations

from collections.abc import Iterable

from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_kit.mapping import Mapper
from facet_service_desk.calendars.model import SlaPolicy, StoredHoliday, StoredInterval, WorkingCalendar

calendar_map = Mapper(
    WorkingCalendar,
    pb.WorkingCalendar,
    compute={
        "intervals": lambda calendar: [
            pb.WorkingInterval(weekday=pb.Weekday(each["weekday"]), start=each["start"], end=each["end"])
            for each in calendar.intervals
        ],
        "holidays": lambda calendar: [
            pb.Holiday(date=each["date"], display_name=each["display_name"]) for each in calendar.holidays
        ],
    },
)
policy_map = Mapper(SlaPolicy, pb.SlaPolicy)


def stored_intervals(intervals: Iterable[pb.WorkingInterval]) -> list[StoredInterval]:
    """The intervals of a request as they are stored."""
    return [StoredInterval(weekday=int(each.weekday), start=each.start, end=each.end) for each in intervals]


def stored_holidays(holidays: Iterable[pb.Holiday]) -> list[StoredHoliday]:
    """The holidays of a request as they are stored."""
    return [StoredHoliday(date=each.date, display_name=each.display_name) for each in holidays]
