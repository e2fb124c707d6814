"""Which assets a delivery makes, and for how long they are under warranty: pure decisions (SVC-05)."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Final

# A delivered line of at most so many whole units becomes one asset a unit; a longer one becomes a single lot.
UNITS_AS_ASSETS: Final = 50
# Warranty of a delivered unit, until a contract clause says otherwise.
WARRANTY_MONTHS: Final = 12
# A warranty is said to end soon within so many days.
WARRANTY_ENDING_DAYS: Final = 90


@dataclass(frozen=True, slots=True)
class Unit:
    """One asset to make of a delivered line: `number` from 1, or 0 for a lot of `quantity` units."""

    number: int
    quantity: int


def units_of(quantity: Decimal) -> Iterator[Unit]:
    """The assets that a delivered quantity makes; a broken quantity is a lot, rounded up."""
    whole = quantity == quantity.to_integral_value()
    if whole and quantity <= UNITS_AS_ASSETS:
        for number in range(1, int(quantity) + 1):
            yield Unit(number, 1)
    elif quantity > 0:
        yield Unit(0, int(quantity.to_integral_value(ROUND_CEILING)))


def warranty_end(start: date, months: int = WARRANTY_MONTHS) -> date:
    """The last day of a warranty of so many months that begins on `start`: the day before the same day of the month."""
    serial = start.year * 12 + start.month - 1 + months
    year, month = divmod(serial, 12)
    length = calendar.monthrange(year, month + 1)[1]
    if start.day > length:
        return date(year, month + 1, length)
    return date.fromordinal(date(year, month + 1, start.day).toordinal() - 1)
