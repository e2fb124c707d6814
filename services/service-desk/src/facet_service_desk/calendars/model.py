"""Working calendars and service levels as they are stored."""

from collections.abc import Sequence
from datetime import date
from typing import Any, TypedDict

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.service_desk.v1.resources_pb import TicketPriority
from facet_kit.database.base import Aggregate, enum_type
from facet_kit.errors import Invalid
from facet_service_desk.calendars.policy import Calendar, Interval, check_week, parse_minute, parse_zone

_ALIVE = text("delete_time IS NULL")


class StoredInterval(TypedDict):
    """A weekly interval in the calendar's row."""

    weekday: int
    start: str
    end: str


class StoredHoliday(TypedDict):
    """A holiday in the calendar's row."""

    date: str
    display_name: str


class WorkingCalendar(Aggregate):
    """When people work. Reference data: every caller with the permission sees all calendars."""

    __tablename__ = "working_calendars"
    __scope__ = None
    __table_args__ = (
        Index("uq_working_calendars_display_name", "display_name", unique=True, postgresql_where=_ALIVE),
    )

    display_name: Mapped[str]
    time_zone: Mapped[str]
    intervals: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    holidays: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)

    def calendar(self) -> Calendar:
        """The calendar to reckon with."""
        intervals = tuple(sorted(_interval(stored) for stored in self.intervals))
        holidays = frozenset(date.fromisoformat(stored["date"]) for stored in self.holidays)
        return Calendar(parse_zone(self.time_zone), intervals, holidays)

    def set_intervals(self, intervals: Sequence[StoredInterval]) -> None:
        """Replaces the working week.

        Raises:
            Invalid: an interval ends before it starts, two overlap, or there is next to no working time.
        """
        parsed = [_interval(dict(stored)) for stored in intervals]
        wrong = check_week(parsed)
        if wrong:
            raise Invalid.many(
                [(f"intervals[{place}]" if place >= 0 else "intervals", message) for place, message in wrong],
                reason="WORKING_WEEK",
            )
        self.intervals = [dict(stored) for stored in intervals]

    def set_holidays(self, holidays: Sequence[StoredHoliday]) -> None:
        """Replaces the holidays, kept in order and each day once.

        Raises:
            Invalid: a date does not exist; names the holiday.
        """
        days: dict[str, dict[str, Any]] = {}
        for place, stored in enumerate(holidays):
            try:
                days[date.fromisoformat(stored["date"]).isoformat()] = dict(stored)
            except ValueError:
                message = f"{stored['date']!r} is no calendar date; write YYYY-MM-DD"
                raise Invalid("DATE", message, field=f"holidays[{place}].date") from None
        self.holidays = [days[day] for day in sorted(days)]

    def set_time_zone(self, name: str) -> None:
        """Moves the calendar to another zone.

        Raises:
            Invalid: there is no such zone.
        """
        try:
            self.time_zone = parse_zone(name).key
        except ValueError as error:
            raise Invalid("TIME_ZONE", str(error), field="time_zone") from None


def _interval(stored: dict[str, Any]) -> Interval:
    return Interval(int(stored["weekday"]), parse_minute(stored["start"]), parse_minute(stored["end"]))


class SlaPolicy(Aggregate):
    """The promise for tickets of one priority, in working minutes on a calendar."""

    __tablename__ = "sla_policies"
    __scope__ = None
    __table_args__ = (
        Index("uq_sla_policies_priority", "priority", unique=True, postgresql_where=_ALIVE),
        CheckConstraint("first_response_minutes > 0 AND resolution_minutes > 0", name="minutes"),
    )

    display_name: Mapped[str] = mapped_column(default="")
    priority: Mapped[TicketPriority] = mapped_column(enum_type(TicketPriority))
    calendar_id: Mapped[str]
    first_response_minutes: Mapped[int]
    resolution_minutes: Mapped[int]

    def check(self) -> None:
        """Whether the promise makes sense.

        Raises:
            Invalid: a time is missing, or the resolution is promised before the first response.
        """
        wrong = [
            (name, "the promise needs at least one minute")
            for name in ("first_response_minutes", "resolution_minutes")
            if getattr(self, name) < 1
        ]
        if not wrong and self.resolution_minutes < self.first_response_minutes:
            wrong.append(("resolution_minutes", "the resolution cannot be due before the first response"))
        if wrong:
            raise Invalid.many(wrong, reason="SLA_POLICY")
