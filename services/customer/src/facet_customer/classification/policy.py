"""How a new primary classification takes over from those before it. Pure."""

from dataclasses import dataclass
from datetime import date

from facet_customer.intervals import Interval


@dataclass(frozen=True, slots=True)
class TakeOver:
    """What becomes of a primary assignment when another one becomes primary for some of its days."""

    primary_until: date | None
    """Day after the last on which it is primary; None: on no day any more."""
    plain_to: date | None
    """Day after the last of the rest, on which it holds without being primary; None: open end."""


def take_over(present: Interval, start: date, end: date | None) -> TakeOver | None:
    """What becomes of a primary assignment when a new one of its dimension holds from `start` until `end`.

    The days before `start` stay primary, so that history keeps saying what was true then; from `start` on the
    assignment holds without being primary. None when the two share no day.
    """
    if not present.overlaps(start, end):
        return None
    primary_until = start if present.valid_from < start else None
    return TakeOver(primary_until, present.valid_to)
