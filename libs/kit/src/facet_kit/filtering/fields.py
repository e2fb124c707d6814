"""How fields of each type are compared in a filter, as SQLAlchemy expressions. The grammar is in `syntax`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Any, Final, Protocol, cast

from sqlalchemy import ARRAY, ColumnElement, and_, func, literal, not_, select
from sqlalchemy import types as sql
from sqlalchemy.orm import InstrumentedAttribute

from facet_kit.filtering.syntax import Call, Comparison, Literal, Malformed, Operator
from facet_kit.naming import snake_case

_NUMBER: Final = re.compile(r"[+-]?\d{1,30}(\.\d{1,20})?([eE][+-]?\d{1,2})?")


class FilterField(Protocol):
    """A field with a comparison of its own; raises Malformed(term.position, …) for what it does not know."""

    def compared(self, term: Comparison) -> ColumnElement[bool]: ...

    def called(self, term: Call) -> ColumnElement[bool]: ...


Column = ColumnElement[Any] | InstrumentedAttribute[Any]
Source = Column | FilterField


def field_of(source: Source) -> FilterField:
    """The comparison for a column by its SQL type; a FilterField stands for itself. Raises TypeError else."""
    column = column_of(source)
    if column is None:
        return cast("FilterField", source)
    type_ = column.type
    match type_:
        case ARRAY():
            return ListField(column, scalar_reader(type_.item_type))
        case sql.TypeDecorator() if enum_of(type_):
            return ScalarField(column, scalar_reader(type_), ordered=False)
        case sql.String():
            return TextField(column, read_text, ordered=True)
        case sql.Boolean():
            return ScalarField(column, read_boolean, ordered=False)
        case _:
            return ScalarField(column, scalar_reader(type_), ordered=True)


def column_of(source: object) -> ColumnElement[Any] | None:
    """The expression of a column, or behind an attribute of an entity; None for anything else."""
    clause: object = (
        cast("InstrumentedAttribute[Any]", source).expression
        if isinstance(source, InstrumentedAttribute)
        else source
    )
    return cast("ColumnElement[Any]", clause) if isinstance(clause, ColumnElement) else None


@dataclass(frozen=True)
class ScalarField:
    """One value a row. An unset field is not equal to any value; `= null` and `:*` ask if it is set."""

    column: ColumnElement[Any]
    read: Callable[[Literal], object]
    ordered: bool

    def compared(self, term: Comparison) -> ColumnElement[bool]:
        operator, value = term.operator, term.value
        if operator is Operator.HAS and value.is_any:
            return self.is_set()
        if value.is_null and operator in {Operator.EQ, Operator.NE}:
            return not_(self.is_set()) if operator is Operator.EQ else self.is_set()
        if operator is Operator.HAS:
            return self.has(value)
        operand = self._operand(value)
        if operator is Operator.EQ:
            return self.column == operand
        if operator is Operator.NE:
            return self.column.is_distinct_from(operand)
        if not self.ordered:
            raise Malformed(term.position, f"{term.field} has no order: use =, != or :")
        return _ORDERINGS[operator](self.column, operand)

    def called(self, term: Call) -> ColumnElement[bool]:
        raise Malformed(term.position, f"{term.field} has no function {term.function}()")

    def _operand(self, value: Literal) -> ColumnElement[Any]:
        # A parameter is cast to its type, and a cast to numeric(20, 4) would round it.
        exact = isinstance(self.column.type, sql.Numeric) and not isinstance(self.column.type, sql.Float)
        return literal(self.read(value), sql.Numeric() if exact else self.column.type)

    def is_set(self) -> ColumnElement[bool]:
        return self.column.is_not(None)

    def has(self, value: Literal) -> ColumnElement[bool]:
        return self.column == self._operand(value)


class TextField(ScalarField):
    """`:` finds the text anywhere, whatever its case; % and _ stand for themselves. Empty text is unset."""

    def is_set(self) -> ColumnElement[bool]:
        return and_(self.column.is_not(None), self.column != "")

    def has(self, value: Literal) -> ColumnElement[bool]:
        return self.column.icontains(value.text, autoescape=True)


@dataclass(frozen=True)
class ListField:
    """An array column: `:` asks for membership, `:*` whether there is any member."""

    column: ColumnElement[Any]
    read: Callable[[Literal], object]

    def compared(self, term: Comparison) -> ColumnElement[bool]:
        if term.operator is not Operator.HAS:
            raise Malformed(term.position, f"{term.field} is a list: ask with : whether it has a member")
        if term.value.is_any:
            return func.coalesce(func.cardinality(self.column), 0) > 0
        return self.column.op("@>", is_comparison=True)(literal([self.read(term.value)], self.column.type))

    def called(self, term: Call) -> ColumnElement[bool]:
        raise Malformed(term.position, f"{term.field} has no function {term.function}()")


@dataclass(frozen=True)
class TreeField:
    """A reference into a tree: `field = "node"` is that node, `descendants(field, "node")` its subtree."""

    member: Callable[[str], ColumnElement[bool]]
    subtree: Callable[[str], ColumnElement[bool]]
    present: ColumnElement[bool]

    def compared(self, term: Comparison) -> ColumnElement[bool]:
        asks_presence = term.value.is_any if term.operator is Operator.HAS else term.value.is_null
        match term.operator:
            case Operator.EQ if asks_presence:
                return not_(self.present)
            case Operator.NE | Operator.HAS if asks_presence:
                return self.present
            case Operator.EQ | Operator.HAS:
                return self.member(term.value.text)
            case Operator.NE:
                return self.member(term.value.text).is_not(True)
            case _:
                raise Malformed(term.position, f"{term.field} is a tree: use =, !=, : or descendants()")

    def called(self, term: Call) -> ColumnElement[bool]:
        if term.function != "descendants":
            raise Malformed(
                term.position, f"{term.field} knows the function descendants(), not {term.function}()"
            )
        if len(term.arguments) != 1:
            raise Malformed(
                term.position, f'descendants takes a field and a node: descendants({term.field}, "…")'
            )
        return self.subtree(term.arguments[0].text)


def descendants(column: Column, *, node: Column, ancestors: Column) -> TreeField:
    """A tree field for `column`, an id or an array of ids of nodes.

    `node` and `ancestors` are the id and the array of ids from root to self of the table that holds the tree,
    for example `descendants(Order.department_id, node=OrgRef.id, ancestors=OrgRef.ancestor_ids)`.
    """

    def below(id: str) -> Any:
        return select(node).where(ancestors.op("@>", is_comparison=True)(literal([id], ancestors.type)))

    if isinstance(column.type, ARRAY):
        return TreeField(
            member=lambda node_id: column.op("@>", is_comparison=True)(literal([node_id], column.type)),
            subtree=lambda node_id: column.op("&&", is_comparison=True)(
                func.array(below(node_id).scalar_subquery())
            ),
            present=func.coalesce(func.cardinality(column), 0) > 0,
        )
    return TreeField(
        member=lambda node_id: column == node_id,
        subtree=lambda node_id: column.in_(below(node_id)),
        present=column.is_not(None),
    )


def scalar_reader(type_: sql.TypeEngine[Any]) -> Callable[[Literal], object]:
    """How a literal is read for an SQL type. Raises TypeError for a type that cannot be filtered."""
    match type_:
        case sql.TypeDecorator() if enum := enum_of(type_):
            return _enum_reader(enum)
        case sql.String():
            return read_text
        case sql.Integer():
            bits = (
                15 if isinstance(type_, sql.SmallInteger) else 63 if isinstance(type_, sql.BigInteger) else 31
            )
            return lambda value: _read_integer(value, bits)
        case sql.Float():
            return lambda value: float(read_number(value))
        case sql.Numeric():
            return read_number
        case sql.Boolean():
            return read_boolean
        case sql.DateTime():
            return read_instant
        case sql.Date():
            return read_date
        case _:
            raise TypeError(f"a column of type {type_!r} cannot be filtered without a FilterField of its own")


def read_text(value: Literal) -> str:
    return value.text


def read_number(value: Literal) -> Decimal:
    if not _NUMBER.fullmatch(value.text):
        raise Malformed(value.position, f"expected a number, found {value.text[:40]}")
    return Decimal(value.text)


def read_boolean(value: Literal) -> bool:
    text = value.text.lower()
    if text not in {"true", "false"}:
        raise Malformed(value.position, f"expected true or false, found {value.text[:40]}")
    return text == "true"


def read_date(value: Literal) -> date:
    try:
        if len(value.text) != len("2026-01-31"):
            raise ValueError
        return date.fromisoformat(value.text)
    except ValueError:
        raise Malformed(value.position, f"expected a date as 2026-01-31, found {value.text[:40]}") from None


def read_instant(value: Literal) -> datetime:
    """An RFC 3339 timestamp with its offset; a date alone is its midnight in UTC."""
    try:
        if len(value.text) == len("2026-01-31"):
            return datetime.combine(date.fromisoformat(value.text), time(), UTC)
        instant = datetime.fromisoformat(value.text)
        if instant.tzinfo is None:
            raise ValueError
        return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        wanted = "a date or a timestamp as 2026-01-31T08:00:00Z"
        raise Malformed(value.position, f"expected {wanted}, found {value.text[:40]}") from None


def _read_integer(value: Literal, bits: int) -> int:
    number = read_number(value)
    if number != number.to_integral_value():
        raise Malformed(value.position, f"expected a whole number, found {value.text[:40]}")
    if not -(2**bits) <= number < 2**bits:
        raise Malformed(value.position, f"{value.text[:40]} is out of range")
    return int(number)


def enum_of(type_: sql.TypeEngine[Any]) -> type[Enum] | None:
    """The contract enum that a column made by `enum_column` holds; None for any other type."""
    enum: object = getattr(type_, "enum", None)
    return enum if isinstance(enum, type) and issubclass(enum, Enum) else None


def _enum_reader(enum: type[Enum]) -> Callable[[Literal], object]:
    members = enum.__members__
    prefix = f"{snake_case(enum.__name__).upper()}_"

    def read(value: Literal) -> object:
        name = value.text.upper()
        for candidate in (name, name.removeprefix(prefix), prefix + name):
            if candidate in members:
                return members[candidate]
        raise Malformed(value.position, f"expected one of {', '.join(members)}, found {value.text[:40]}")

    return read


_ORDERINGS: Final[dict[Operator, Callable[[ColumnElement[Any], ColumnElement[Any]], ColumnElement[bool]]]] = {
    Operator.LT: lambda column, operand: column < operand,
    Operator.LE: lambda column, operand: column <= operand,
    Operator.GT: lambda column, operand: column > operand,
    Operator.GE: lambda column, operand: column >= operand,
}
