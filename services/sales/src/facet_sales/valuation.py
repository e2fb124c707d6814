"""What an amount is worth in the reporting currency: the one way in which amounts of different currencies add up."""

from decimal import Decimal, localcontext

from sqlalchemy import Numeric
from sqlalchemy.orm import Mapped, mapped_column

from facet_kit.errors import Invalid
from facet_kit.money import rounded

AMOUNT_LIMIT = Decimal(10) ** 15
"""Amounts stay below this: 15 digits before the point, as in the contract's Money."""

_DIGITS = 80  # more than any product of the contract's longest numbers has


class Valued:
    """Mixin: a record with amounts in one currency and the rate at which they count in the reporting currency.

    The rate is frozen with the record, so that sums kept over many records never drift.
    """

    currency: Mapped[str]
    exchange_rate: Mapped[Decimal] = mapped_column(Numeric(20, 10))
    reporting_currency: Mapped[str]

    def reporting(self, amount: Decimal) -> Decimal:
        """The amount in the reporting currency, rounded half up to its smallest unit."""
        return converted(amount, self.exchange_rate, self.reporting_currency)


def converted(amount: Decimal, rate: Decimal, currency: str) -> Decimal:
    """`amount` times `rate`, rounded half up to the smallest unit of `currency`."""
    with localcontext() as context:
        context.prec = _DIGITS
        return rounded(amount * rate, currency)


def share(amount: Decimal, part: Decimal, whole: Decimal, currency: str) -> Decimal:
    """`amount * part / whole`, rounded half up to the smallest unit of `currency`; `whole` is not zero."""
    with localcontext() as context:
        context.prec = _DIGITS
        return rounded(amount * part / whole, currency)


def rate_into(reporting: str, currency: str, given: Decimal | None) -> Decimal:
    """The rate at which `currency` counts in the reporting currency: 1 for itself, else the one given.

    Raises:
        Invalid: the currencies differ and no positive rate is given, or they are the same and the rate is not 1.
    """
    if currency == reporting:
        if given not in (None, Decimal(1)):
            raise Invalid(
                "EXCHANGE_RATE_NOT_ONE",
                f"{currency} is the reporting currency: leave the exchange rate empty.",
                field="exchange_rate",
            )
        return Decimal(1)
    if given is None or given <= 0:
        raise Invalid(
            "EXCHANGE_RATE_MISSING",
            f"Say how many {reporting} one {currency} is worth, for example 7.2.",
            field="exchange_rate",
        )
    return given
