"""Calendar months as facts, reports and scores count them. Pure."""

from __future__ import annotations

from datetime import date

from facet_kit.errors import Invalid


def first_of(day: date) -> date:
    """The first day of the day's month."""
    return day.replace(day=1)


def shifted(month: date, by: int) -> date:
    """The first day of the month that lies `by` months later (earlier when negative)."""
    number = month.year * 12 + month.month - 1 + by
    return date(number // 12, number % 12 + 1, 1)


def months_between(earlier: date, later: date) -> int:
    """How many months lie from one to the other; negative the other way round."""
    return (later.year - earlier.year) * 12 + later.month - earlier.month


def written(month: date) -> str:
    """The month as YYYY-MM."""
    return f"{month.year:04}-{month.month:02}"


def parsed(text: str, field: str, default: date) -> date:
    """The first day of a month written YYYY-MM; the default's month when empty.

    Raises:
        Invalid: no such month; names the field.
    """
    if not text:
        return first_of(default)
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise Invalid("MONTH", f"{text!r} is no month; write YYYY-MM", field=field) from None
