"""Money arithmetic on decimals: parsing, rounding and the contract's Money message. Never a float."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from facet_contracts.facet.type.v1.money_pb import Money
from facet_kit.errors import Invalid

# ISO 4217 minor units that differ from two.
_MINOR_UNITS = {
    "JPY": 0,
    "KRW": 0,
    "VND": 0,
    "CLP": 0,
    "ISK": 0,
    "BHD": 3,
    "KWD": 3,
    "OMR": 3,
    "JOD": 3,
    "TND": 3,
}


def minor_units(currency: str) -> int:
    """How many digits the currency has after the point."""
    return _MINOR_UNITS.get(currency, 2)


def rounded(amount: Decimal, currency: str) -> Decimal:
    """The amount in the currency's minor unit, halves away from zero as on an invoice."""
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), rounding=ROUND_HALF_UP)


def to_money(amount: Decimal, currency: str) -> Money:
    """The contract's message for an amount; `currency` is an ISO 4217 code."""
    return Money(currency=currency, amount=format(rounded(amount, currency), "f"))


def from_money(money: Money, field: str) -> tuple[Decimal, str]:
    """Amount and currency of a message.

    Raises:
        Invalid: the amount is no decimal, or finer than the currency's minor unit.
    """
    try:
        amount = Decimal(money.amount)
    except InvalidOperation:
        raise Invalid(
            "MONEY_AMOUNT", "write the amount as decimal text such as 1234.50", field=f"{field}.amount"
        ) from None
    if amount != rounded(amount, money.currency):
        digits = minor_units(money.currency)
        raise Invalid(
            "MONEY_PRECISION",
            f"{money.currency} has {digits} digits after the point",
            field=f"{field}.amount",
        )
    return amount, money.currency
