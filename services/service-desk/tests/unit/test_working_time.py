"""Working time on a calendar: golden cases, changes of summer time, and the laws the arithmetic obeys."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from facet_service_desk.calendars.policy import Calendar, Interval, check_week, parse_minute, parse_zone

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")


def office(zone: ZoneInfo = SHANGHAI, holidays: tuple[date, ...] = ()) -> Calendar:
    """Monday to Friday, 09:00–12:00 and 13:00–18:00."""
    week = [Interval(day, start, end) for day in range(1, 6) for start, end in ((540, 720), (780, 1080))]
    return Calendar(zone, tuple(week), frozenset(holidays))


def shanghai(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def berlin(text: str, fold: int = 0) -> datetime:
    # In UTC: Python holds no two instants of different zones equal when one lies in a doubled hour.
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold).astimezone(UTC)


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        pytest.param("2026-03-02T11:30", hours(1), "2026-03-02T13:30", id="over the lunch break"),
        pytest.param("2026-03-02T11:30", hours(0.5), "2026-03-02T12:00", id="to the very end of an interval"),
        pytest.param("2026-03-02T12:15", hours(1), "2026-03-02T14:00", id="from within the lunch break"),
        pytest.param("2026-03-02T17:00", hours(2), "2026-03-03T10:00", id="over night"),
        pytest.param("2026-03-06T17:00", hours(2), "2026-03-09T10:00", id="over the weekend"),
        pytest.param("2026-03-07T10:00", hours(8), "2026-03-09T18:00", id="from a Saturday"),
        pytest.param("2026-03-02T03:00", hours(16), "2026-03-03T18:00", id="two whole days"),
    ],
)
def test_working_time_runs_during_intervals_only(start: str, duration: timedelta, end: str) -> None:
    calendar = office()
    assert calendar.add(shanghai(start), duration) == shanghai(end)
    assert calendar.between(shanghai(start), shanghai(end)) == duration


def test_nobody_works_on_a_holiday() -> None:
    calendar = office(holidays=(date(2026, 10, 1), date(2026, 10, 2)))
    assert calendar.add(shanghai("2026-09-30T17:00"), hours(2)) == shanghai("2026-10-05T10:00")


def test_a_holiday_is_a_day_of_the_calendars_zone() -> None:
    calendar = office(holidays=(date(2026, 3, 3),))
    # 01:00 UTC on the 3rd is 09:00 in Shanghai: a holiday there; the evening of the 2nd in UTC is not.
    assert calendar.between(
        datetime(2026, 3, 3, 1, tzinfo=UTC), datetime(2026, 3, 3, 10, tzinfo=UTC)
    ) == hours(0)


def night_shift() -> Calendar:
    """Every day from 00:00 to 04:00 in Berlin: right through the changes of summer time."""
    return Calendar(BERLIN, tuple(Interval(day, 0, 240) for day in range(1, 8)))


def test_the_night_of_the_lost_hour_is_an_hour_shorter() -> None:
    shift = night_shift()
    assert shift.between(berlin("2026-03-29T00:00"), berlin("2026-03-29T12:00")) == hours(3)
    assert shift.add(berlin("2026-03-29T00:00"), hours(2)) == berlin("2026-03-29T03:00")
    assert shift.add(berlin("2026-03-29T00:00"), hours(4)) == berlin("2026-03-30T01:00")


def test_the_night_of_the_doubled_hour_is_an_hour_longer() -> None:
    shift = night_shift()
    assert shift.between(berlin("2026-10-25T00:00"), berlin("2026-10-25T12:00")) == hours(5)
    assert shift.add(berlin("2026-10-25T00:00"), hours(3)) == berlin("2026-10-25T02:00", fold=1)
    assert shift.add(berlin("2026-10-25T00:00"), hours(5)) == berlin("2026-10-25T04:00")


def test_work_that_would_begin_within_the_lost_hour_begins_after_it() -> None:
    shift = Calendar(BERLIN, tuple(Interval(day, 150, 240) for day in range(1, 8)))  # 02:30–04:00
    assert shift.between(berlin("2026-03-29T00:00"), berlin("2026-03-29T12:00")) == hours(1)
    assert shift.add(berlin("2026-03-29T00:00"), hours(0.5)) == berlin("2026-03-29T03:30")


def test_work_wholly_within_the_lost_hour_does_not_happen() -> None:
    shift = Calendar(BERLIN, tuple(Interval(day, 125, 175) for day in range(1, 8)))  # 02:05–02:55
    assert shift.between(berlin("2026-03-29T00:00"), berlin("2026-03-29T12:00")) == hours(0)
    assert shift.between(berlin("2026-03-30T00:00"), berlin("2026-03-30T12:00")) == timedelta(minutes=50)


def test_office_hours_follow_local_time_through_summer_time() -> None:
    calendar = office(BERLIN)
    friday, monday = berlin("2026-03-27T17:00"), berlin("2026-03-30T10:00")
    assert calendar.add(friday, hours(2)) == monday
    assert monday - friday == hours(64)  # an hour less than the walls of the clock say


def test_a_shift_may_reach_to_midnight() -> None:
    calendar = Calendar(SHANGHAI, (Interval(1, 1200, 1440), Interval(2, 0, 60)))
    assert calendar.add(shanghai("2026-03-02T23:00"), hours(1.5)) == shanghai("2026-03-03T00:30")


ZONES = st.sampled_from(
    ["Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"]
)
INSTANTS = st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
DURATIONS = st.timedeltas(timedelta(0), timedelta(hours=300))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    intervals: list[Interval] = []
    for weekday in draw(st.sets(st.integers(1, 7), min_size=1)):
        marks = sorted(draw(st.sets(st.integers(0, 1440), min_size=2, max_size=6)))
        intervals += [Interval(weekday, a, b) for a, b in zip(marks[::2], marks[1::2], strict=False)]
    holidays = draw(st.frozensets(st.dates(date(2011, 1, 1), date(2030, 1, 1)), max_size=20))
    calendar = Calendar(ZoneInfo(draw(ZONES)), tuple(sorted(intervals)), holidays)
    # With next to no working time every example would walk over centuries.
    return calendar if not check_week(calendar.intervals) else office(calendar.zone)


@settings(max_examples=200, deadline=None)
@given(calendars(), INSTANTS, DURATIONS)
def test_the_time_between_start_and_start_plus_duration_is_the_duration(
    calendar: Calendar, start: datetime, duration: timedelta
) -> None:
    assert calendar.between(start, calendar.add(start, duration)) == duration


@settings(max_examples=100, deadline=None)
@given(calendars(), INSTANTS, DURATIONS, DURATIONS)
def test_longer_work_ends_later(
    calendar: Calendar, start: datetime, one: timedelta, other: timedelta
) -> None:
    short, long = sorted((one, other))
    assert calendar.add(start, short) <= calendar.add(start, long)


@settings(max_examples=100, deadline=None)
@given(calendars(), INSTANTS, st.timedeltas(timedelta(0), timedelta(days=10)), DURATIONS)
def test_work_begun_later_ends_later(
    calendar: Calendar, start: datetime, delay: timedelta, duration: timedelta
) -> None:
    assert calendar.add(start, duration) <= calendar.add(start + delay, duration)


@settings(max_examples=100, deadline=None)
@given(
    calendars(), INSTANTS, st.lists(st.timedeltas(timedelta(0), timedelta(days=8)), min_size=2, max_size=2)
)
def test_the_parts_of_a_stretch_add_up(calendar: Calendar, start: datetime, steps: list[timedelta]) -> None:
    middle = start + steps[0]
    end = middle + steps[1]
    assert calendar.between(start, middle) + calendar.between(middle, end) == calendar.between(start, end)


def test_work_cannot_run_backwards() -> None:
    with pytest.raises(ValueError, match="forward"):
        office().add(shanghai("2026-03-02T10:00"), timedelta(seconds=-1))
    assert office().between(shanghai("2026-03-02T17:00"), shanghai("2026-03-02T10:00")) == timedelta(0)


@pytest.mark.parametrize("text", ["24:01", "9:00", "12:60", "noon", "", "١٢:٠٠x"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="time of day"):
        parse_minute(text)


def test_an_unknown_time_zone_is_refused() -> None:
    for name in ("Mars/Olympus", "", "../etc/passwd"):
        with pytest.raises(ValueError, match="IANA"):
            parse_zone(name)


def test_intervals_of_a_day_may_touch_but_not_overlap() -> None:
    assert check_week([Interval(1, 540, 720), Interval(1, 720, 780)]) == []
    assert check_week([Interval(1, 540, 720), Interval(1, 719, 780)])[0][0] == 1
    assert check_week([Interval(1, 540, 540)])[0][0] == 0
    assert check_week([Interval(1, 540, 550)])[0][0] == -1
