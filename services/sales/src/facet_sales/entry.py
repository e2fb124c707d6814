"""What entering any record of this service needs: amounts, the department it counts in, and its number."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import Any

from protobuf import Message
from protobuf.wkt import FieldMask
from sqlalchemy import Sequence as NumberSequence
from sqlalchemy import select

from facet_kit.context import Ctx
from facet_kit.database.base import Base
from facet_kit.entry import acting_department, known_unit
from facet_kit.errors import Invalid
from facet_kit.refs import CustomerRef

ORDER_NUMBERS = NumberSequence("order_number_seq", metadata=Base.metadata)
CONTRACT_NUMBERS = NumberSequence("contract_number_seq", metadata=Base.metadata)
INVOICE_NUMBERS = NumberSequence("invoice_number_seq", metadata=Base.metadata)


def require_not_negative(amount: Decimal | None, field: str) -> None:
    """Raises Invalid for an amount below zero; none at all is none of this rule's business."""
    if amount is not None and amount < 0:
        raise Invalid("AMOUNT_NEGATIVE", "must not be negative", field=field)


def updated_names(message: Message[Any] | None, mask: FieldMask | None, names: Collection[str]) -> set[str]:
    """The fields an update speaks of: those of its mask, else those among `names` that it fills in."""
    paths = list(mask.paths) if mask else []
    if "*" in paths:
        return set(names)
    if paths:
        return {path.split(".")[0] for path in paths}
    return {name for name in names if message is not None and message.has_field(name)}


async def department_for(ctx: Ctx, wanted: str, customer: CustomerRef) -> str:
    """The department a record counts in: the one asked for, else the caller's own, else the customer's.

    Raises:
        Invalid: there is no such department.
    """
    asked = await known_unit(ctx, wanted, "department", field="department_id")
    return asked or acting_department(ctx, customer)


async def next_number(ctx: Ctx, sequence: NumberSequence, prefix: str, day: date) -> str:
    """The next number for people, for example SO2026-000123. Numbers may have gaps; they never repeat."""
    value = (await ctx.session.execute(select(sequence.next_value()))).scalar_one()
    return f"{prefix}{day.year}-{value:06d}"
