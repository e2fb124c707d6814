"""A service clock: counts working time towards a promise (SVC-01).

It reckons with calendars that the caller hands in; nothing here reads the time or the database.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.service_desk.v1.resources_pb import ClockKind, ClockState
from facet_kit.database.base import Base, enum_type
from facet_service_desk.calendars.policy import Calendar

Calendars = Mapping[str, Calendar]

_MICROSECOND = timedelta(microseconds=1)


class TicketClock(Base):
    """Counts working time towards one promise; what has elapsed is banked whenever it stops or the promise changes."""

    __tablename__ = "ticket_clocks"
    __scope__ = None
    __table_args__ = (
        Index("ix_ticket_clocks_running", "calendar_id", postgresql_where=text("state = 'RUNNING'")),
    )

    ticket_id: Mapped[str] = mapped_column(ForeignKey("tickets.id"), primary_key=True)
    kind: Mapped[ClockKind] = mapped_column(enum_type(ClockKind), primary_key=True)
    state: Mapped[ClockState] = mapped_column(enum_type(ClockState), default=ClockState.RUNNING)
    target_minutes: Mapped[int]
    calendar_id: Mapped[str]
    banked_us: Mapped[int] = mapped_column(BigInteger, default=0)
    """Working time counted before `running_since`, in microseconds."""
    running_since: Mapped[datetime | None]
    due_time: Mapped[datetime | None]
    breach_time: Mapped[datetime | None]
    stop_time: Mapped[datetime | None]
    met: Mapped[bool] = mapped_column(default=False)

    @property
    def target(self) -> timedelta:
        """The working time promised."""
        return timedelta(minutes=self.target_minutes)

    def elapsed(self, now: datetime, calendars: Calendars) -> timedelta:
        """Working time counted up to `now`."""
        banked = self.banked_us * _MICROSECOND
        if self.running_since is None:
            return banked
        return banked + calendars[self.calendar_id].between(self.running_since, now)

    def run(self, now: datetime, calendars: Calendars) -> None:
        """Starts the clock, or lets it go on; plans the instant at which the promise runs out."""
        self.state, self.running_since, self.stop_time, self.met = ClockState.RUNNING, now, None, False
        left = max(self.target - self.banked_us * _MICROSECOND, timedelta(0))
        self.due_time = calendars[self.calendar_id].add(now, left)

    def _bank(self, now: datetime, calendars: Calendars) -> None:
        self.banked_us = self.elapsed(now, calendars) // _MICROSECOND
        self.running_since = self.due_time = None

    def hold(self, now: datetime, calendars: Calendars) -> None:
        """Lets the clock stand still."""
        self._bank(now, calendars)
        self.state = ClockState.PAUSED

    def stop(self, now: datetime, calendars: Calendars) -> None:
        """Ends the count: what the clock measures has happened."""
        self._bank(now, calendars)
        self.state, self.stop_time, self.met = ClockState.STOPPED, now, self.breach_time is None

    def retarget(self, now: datetime, calendars: Calendars, *, minutes: int, calendar_id: str) -> None:
        """Takes over another promise and keeps what has elapsed."""
        running = self.state is ClockState.RUNNING
        self._bank(now, calendars)
        self.target_minutes, self.calendar_id = minutes, calendar_id
        if running:
            self.run(now, calendars)

    def replan(self, calendars: Calendars) -> None:
        """Plans anew after the calendar itself has changed; time elapsed since the last stop is counted anew too."""
        if self.state is ClockState.RUNNING and self.running_since is not None:
            self.run(self.running_since, calendars)

    def overdrawn(self, now: datetime, *, at_due: bool = False) -> bool:
        """Whether the promise is broken at `now` and that is not noted yet; `at_due` counts the very instant too."""
        if self.breach_time is not None or self.due_time is None:
            return False
        return self.due_time < now or (at_due and self.due_time == now)
