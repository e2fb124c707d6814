"""Filters of list methods (AIP-160 subset): text in, SQLAlchemy condition over allow-listed fields out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from sqlalchemy import ColumnElement, and_, or_, true

from facet_kit.errors import Invalid
from facet_kit.filtering.fields import FilterField, ScalarField, Source, TreeField, descendants, field_of
from facet_kit.filtering.syntax import (
    And,
    Call,
    Comparison,
    Literal,
    Malformed,
    Node,
    Not,
    Operator,
    Or,
    parse,
)

__all__ = [
    "Call",
    "Comparison",
    "FilterField",
    "Literal",
    "Malformed",
    "Operator",
    "ScalarField",
    "Source",
    "TreeField",
    "compile_filter",
    "descendants",
    "field_of",
    "parse",
    "snake_case",
    "uses_custom_fields",
]

CUSTOM: Final = "custom_fields."
CustomResolver = Callable[[str], FilterField | None]


def compile_filter(
    text: str, fields: Mapping[str, Source], *, custom: CustomResolver | None = None
) -> ColumnElement[bool]:
    """The condition for a filter; always true for an empty one.

    `custom` finds the field for `custom_fields.<name>`. Raises Invalid(field="filter") that says where the
    filter is wrong, what was expected and which fields there are.
    """
    try:
        node = parse(text)
        return true() if node is None else _Compiler(fields, custom).condition(node)
    except Malformed as malformed:
        allowed = ", ".join([*sorted(fields), *(["custom_fields.<name>"] if custom else [])])
        place = malformed.position + 1
        raise Invalid(
            "INVALID_FILTER",
            f"filter, character {place}: {malformed.message}. Fields that can be filtered: {allowed}",
            field="filter",
            metadata={"position": str(place), "allowed": allowed},
        ) from None


def uses_custom_fields(text: str) -> bool:
    """Whether the filter may name a custom field, so that their definitions are needed to compile it."""
    return "custom_fields." in text or "customFields." in text


def snake_case(name: str) -> str:
    """`createTime` and `create_time` are the same field; the name of a custom field stays as it is."""
    head, dot, rest = name.partition(".")
    head = re.sub(r"(?<=[a-z0-9])[A-Z]", lambda upper: "_" + upper.group().lower(), head)
    return head + dot + (rest if head == "custom_fields" else snake_case(rest) if rest else "")


class _Compiler:
    def __init__(self, fields: Mapping[str, Source], custom: CustomResolver | None) -> None:
        self._fields = fields
        self._custom = custom

    def condition(self, node: Node) -> ColumnElement[bool]:
        match node:
            case Comparison():
                return self._field(node).compared(node)
            case Call():
                return self._field(node).called(node)
            case And(terms):
                return and_(*(self.condition(term) for term in terms))
            case Or(terms):
                return or_(*(self.condition(term) for term in terms))
            case Not(term):
                # An unknown (a comparison with an unset field) is not a match, so its negation is one.
                return self.condition(term).is_not(True)

    def _field(self, term: Comparison | Call) -> FilterField:
        name = snake_case(term.field)
        source = self._fields.get(name)
        if source is None and self._custom and name.startswith(CUSTOM):
            source = self._custom(name.removeprefix(CUSTOM))
        if source is None:
            raise Malformed(term.position, f"there is no field {term.field}")
        return field_of(source)
