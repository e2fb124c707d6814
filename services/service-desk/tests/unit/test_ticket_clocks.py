"""Golden cases of the two service clocks of a ticket (SVC-01)."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from facet_contracts.facet.service_desk.v1.resources_pb import (
    ClockKind,
    ClockState,
    TicketPriority,
    TicketState,
)
from facet_kit.errors import Conflict
from facet_service_desk.calendars.policy import Calendar, Interval
from facet_service_desk.clocks.model import TicketClock
from facet_service_desk.tickets.model import Ticket

SHANGHAI = ZoneInfo("Asia/Shanghai")
OFFICE = Calendar(
    SHANGHAI, tuple(Interval(day, a, b) for day in range(1, 6) for a, b in ((540, 720), (780, 1080)))
)
ALWAYS = Calendar(SHANGHAI, tuple(Interval(day, 0, 1440) for day in range(1, 8)))
CALENDARS = {"office": OFFICE, "always": ALWAYS}


def at(text: str) -> datetime:
    """A local time in Shanghai; March 2nd 2026 is a Monday."""
    return datetime.fromisoformat(f"2026-03-{text}").replace(tzinfo=SHANGHAI)


def a_ticket(opened: str = "02T09:00", *, response: int = 60, resolution: int = 480) -> Ticket:
    """A P3 ticket on office hours."""
    ticket = Ticket(
        id="t",
        number="T2026-000001",
        customer_id="c",
        department_id="d",
        region_id="r",
        priority=TicketPriority.P3,
        state=TicketState.NEW,
        reopen_count=0,
        breached=False,
        assignee_id="",
        clocks=[],
        pauses=[],
    )
    promise(ticket, opened, response=response, resolution=resolution)
    return ticket


def promise(ticket: Ticket, when: str, *, response: int, resolution: int, calendar: str = "office") -> None:
    ticket.promise(at(when), CALENDARS, calendar_id=calendar, response=response, resolution=resolution)


def response(ticket: Ticket) -> TicketClock:
    return _clock(ticket, ClockKind.FIRST_RESPONSE)


def resolution(ticket: Ticket) -> TicketClock:
    return _clock(ticket, ClockKind.RESOLUTION)


def _clock(ticket: Ticket, kind: ClockKind) -> TicketClock:
    clock = ticket.clock(kind)
    assert clock is not None
    return clock


def elapsed(clock: TicketClock, when: str) -> int:
    """Elapsed working minutes."""
    return clock.elapsed(at(when), CALENDARS) // timedelta(minutes=1)


@pytest.mark.capability("SVC-01")
def test_the_clock_stands_still_over_the_lunch_break() -> None:
    ticket = a_ticket("02T11:30")
    assert response(ticket).due_time == at("02T13:30")
    assert elapsed(response(ticket), "02T12:00") == 30
    assert elapsed(response(ticket), "02T12:59") == 30
    assert elapsed(response(ticket), "02T13:10") == 40


@pytest.mark.capability("SVC-01")
def test_the_clocks_stand_still_while_the_customer_is_waited_for() -> None:
    ticket = a_ticket("02T09:00")
    ticket.assign("agent")
    ticket.respond(at("02T09:30"), CALENDARS)
    ticket.pause(at("02T10:00"), CALENDARS, reason="which model?")
    assert ticket.next_due_time is None
    assert elapsed(resolution(ticket), "05T10:00") == 60
    ticket.resume(at("04T17:00"), CALENDARS)
    assert resolution(ticket).due_time == at("05T16:00")  # an hour on the 4th leaves six on the 5th
    ticket.resolve(at("05T16:00"), CALENDARS, solution="new fuse")
    assert resolution(ticket).met
    assert [(pause.start_time, pause.end_time) for pause in ticket.pauses] == [
        (at("02T10:00"), at("04T17:00"))
    ]


@pytest.mark.capability("SVC-01")
def test_a_change_of_priority_keeps_what_has_elapsed() -> None:
    ticket = a_ticket("02T09:00", response=120, resolution=960)
    promise(ticket, "02T10:00", response=90, resolution=240)
    assert elapsed(resolution(ticket), "02T10:00") == 60
    assert response(ticket).due_time == at("02T10:30")
    assert resolution(ticket).due_time == at("02T14:00")  # 180 minutes left, lunch between


@pytest.mark.capability("SVC-01")
def test_a_change_of_priority_to_another_calendar_keeps_what_has_elapsed() -> None:
    ticket = a_ticket("02T09:00", resolution=960)
    promise(ticket, "02T17:00", response=600, resolution=600, calendar="always")
    assert elapsed(resolution(ticket), "02T17:00") == 420
    assert resolution(ticket).due_time == at("02T20:00")


def test_a_change_to_a_promise_that_is_spent_already_breaks_it_at_once() -> None:
    ticket = a_ticket("02T09:00", resolution=960)
    ticket.respond(at("02T09:10"), CALENDARS)
    promise(ticket, "02T16:00", response=30, resolution=60)
    assert ticket.breaches(at("02T16:00"), at_due=True) == [ClockKind.RESOLUTION]
    assert response(ticket).target_minutes == 60, "a stopped clock keeps the promise it was measured by"


def test_a_waiting_ticket_gets_its_new_promise_without_starting_its_clocks() -> None:
    ticket = a_ticket("02T09:00")
    ticket.assign("agent")
    ticket.pause(at("02T10:00"), CALENDARS, reason="?")
    promise(ticket, "03T10:00", response=120, resolution=240)
    assert resolution(ticket).state is ClockState.PAUSED
    assert resolution(ticket).due_time is None
    ticket.resume(at("04T09:00"), CALENDARS)
    assert resolution(ticket).due_time == at("04T12:00")


@pytest.mark.capability("SVC-01")
def test_a_clock_keeps_working_hours_through_summer_time() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    office = Calendar(berlin, OFFICE.intervals)
    ticket = a_ticket()
    ticket.clocks = []
    friday = datetime(2026, 3, 27, 17, tzinfo=berlin)
    ticket.promise(friday, {"berlin": office}, calendar_id="berlin", response=120, resolution=600)
    assert response(ticket).due_time == datetime(2026, 3, 30, 10, tzinfo=berlin)
    monday = datetime(2026, 3, 30, 9, 30, tzinfo=berlin)
    assert response(ticket).elapsed(monday, {"berlin": office}) == timedelta(minutes=90)


@pytest.mark.capability("SVC-01")
def test_a_reopened_ticket_goes_on_where_its_clock_stopped() -> None:
    ticket = a_ticket("02T09:00", resolution=480)
    ticket.resolve(at("02T11:00"), CALENDARS, solution="restart")
    assert resolution(ticket).met
    ticket.close(at("03T11:00"))
    ticket.reopen(at("04T09:00"), CALENDARS)
    assert ticket.state is TicketState.OPEN
    assert ticket.reopen_count == 1
    assert (ticket.resolve_time, ticket.close_time) == (None, None)
    assert elapsed(resolution(ticket), "04T09:00") == 120
    assert resolution(ticket).due_time == at("04T16:00")
    assert not resolution(ticket).met
    assert response(ticket).met, "the first response has been given"


def test_a_promise_kept_at_the_very_last_instant_is_kept() -> None:
    ticket = a_ticket("02T09:00", response=60)
    assert ticket.breaches(at("02T10:00")) == []
    ticket.respond(at("02T10:00"), CALENDARS)
    assert response(ticket).met
    assert not ticket.breached


def test_a_breach_is_noted_once_at_the_due_time_and_stays() -> None:
    ticket = a_ticket("02T09:00", response=60)
    assert ticket.breaches(at("02T10:30")) == [ClockKind.FIRST_RESPONSE]
    assert ticket.breaches(at("02T10:31")) == []
    assert response(ticket).breach_time == at("02T10:00")
    assert ticket.breached
    assert ticket.next_due_time == resolution(ticket).due_time
    ticket.respond(at("02T11:00"), CALENDARS)
    assert not response(ticket).met
    assert ticket.breached


def test_resolving_is_the_first_response_when_there_was_none() -> None:
    ticket = a_ticket("02T09:00")
    ticket.resolve(at("02T09:20"), CALENDARS, solution="told him")
    assert ticket.first_response_time == at("02T09:20")
    assert response(ticket).met
    assert resolution(ticket).met


def test_resolving_a_waiting_ticket_ends_the_wait() -> None:
    ticket = a_ticket("02T09:00")
    ticket.assign("agent")
    ticket.pause(at("02T10:00"), CALENDARS, reason="?")
    ticket.resolve(at("03T10:00"), CALENDARS, solution="customer found it")
    assert ticket.pauses[0].end_time == at("03T10:00")
    assert elapsed(resolution(ticket), "05T10:00") == 60


def test_a_calendar_that_gains_hours_brings_the_due_time_forward() -> None:
    ticket = a_ticket("02T17:00", resolution=480)
    assert resolution(ticket).due_time == at("03T17:00")
    for clock in ticket.clocks:
        clock.replan({"office": ALWAYS})
    assert resolution(ticket).due_time == at("03T01:00")


@pytest.mark.parametrize(
    ("state", "verb"),
    [
        (TicketState.NEW, "pause"),
        (TicketState.NEW, "resume"),
        (TicketState.NEW, "close"),
        (TicketState.NEW, "reopen"),
        (TicketState.OPEN, "resume"),
        (TicketState.OPEN, "close"),
        (TicketState.OPEN, "reopen"),
        (TicketState.PENDING_CUSTOMER, "pause"),
        (TicketState.PENDING_CUSTOMER, "close"),
        (TicketState.RESOLVED, "assign"),
        (TicketState.RESOLVED, "respond"),
        (TicketState.RESOLVED, "pause"),
        (TicketState.RESOLVED, "resolve"),
        (TicketState.CLOSED, "assign"),
        (TicketState.CLOSED, "resolve"),
        (TicketState.CLOSED, "close"),
    ],
)
def test_an_impossible_transition_is_refused_and_changes_nothing(state: TicketState, verb: str) -> None:
    ticket = a_ticket()
    ticket.state = state
    now = at("02T10:00")
    verbs = {
        "assign": lambda: ticket.assign("agent"),
        "respond": lambda: ticket.respond(now, CALENDARS),
        "pause": lambda: ticket.pause(now, CALENDARS, reason="?"),
        "resume": lambda: ticket.resume(now, CALENDARS),
        "resolve": lambda: ticket.resolve(now, CALENDARS, solution="!"),
        "close": lambda: ticket.close(now),
        "reopen": lambda: ticket.reopen(now, CALENDARS),
    }
    with pytest.raises(Conflict) as refused:
        verbs[verb]()
    assert refused.value.reason == "ILLEGAL_TRANSITION"
    assert refused.value.metadata == {"state": state.name, "verb": verb}
    assert ticket.state is state
    assert all(clock.state is ClockState.RUNNING for clock in ticket.clocks)
