"""Which values a custom field takes, and how they are stored. Pure: no database."""

from collections.abc import Callable
from datetime import date
from functools import lru_cache
from math import isfinite
from typing import Annotated, Final, cast

from pydantic import StringConstraints, TypeAdapter, ValidationError
from pydantic_core import SchemaError

from facet_contracts.facet.platform.v1.resources_pb import CustomFieldType
from facet_kit.custom_fields.definition import Definition

_EXACT_INTEGERS: Final = 2**53


def is_unset(value: object) -> bool:
    """Nothing, empty text and an empty list all say that the field has no value."""
    return value is None or value in ("", [])


def normalised(definition: Definition, value: object) -> object:
    """The value as it is stored.

    Raises:
        ValueError: the field does not take it; says what it takes.
    """
    return _NORMALISERS[definition.type](definition, value)


def check_definition(definition: Definition) -> list[tuple[str, str]]:
    """What is wrong with a definition, as pairs of field and message; empty when it makes sense."""
    wrong: list[tuple[str, str]] = []
    chooses = definition.type in {CustomFieldType.CHOICE, CustomFieldType.MULTI_CHOICE}
    if not definition.type:  # unspecified, or not set at all
        wrong.append(("type", "say which type of values the field takes"))
    if chooses and not definition.choices:
        wrong.append(("choices", "a field of choices needs at least one"))
    if not chooses and definition.choices:
        wrong.append(("choices", "only CHOICE and MULTI_CHOICE have choices"))
    low, high = definition.min_value, definition.max_value
    if definition.type is not CustomFieldType.NUMBER and (low is not None or high is not None):
        wrong.append(("min_value", "only NUMBER has a smallest and a largest value"))
    if low is not None and high is not None and low > high:
        wrong.append(("min_value", "the smallest value is above the largest"))
    if definition.pattern and definition.type is not CustomFieldType.TEXT:
        wrong.append(("pattern", "only TEXT has a pattern"))
    elif definition.pattern and _matcher(definition.pattern) is None:
        wrong.append(("pattern", "this is no regular expression in RE2 syntax"))
    return wrong


def _text(definition: Definition, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("expected text")
    if "\x00" in value:
        raise ValueError("the character NUL cannot be stored")
    if len(value) > definition.max_length:
        raise ValueError(f"at most {definition.max_length:,} characters")
    if definition.pattern and not _matches(definition.pattern, value):
        raise ValueError(f"must match the pattern {definition.pattern}")
    return value


def _number(definition: Definition, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError("expected a number")
    if definition.min_value is not None and value < definition.min_value:
        raise ValueError(f"at least {definition.min_value:g}")
    if definition.max_value is not None and value > definition.max_value:
        raise ValueError(f"at most {definition.max_value:g}")
    return int(value) if abs(value) < _EXACT_INTEGERS and value == int(value) else value


def _boolean(_definition: Definition, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def _date(_definition: Definition, value: object) -> str:
    try:
        if not isinstance(value, str) or len(value) != len("2026-01-31"):
            raise ValueError
        return date.fromisoformat(value).isoformat()
    except ValueError:
        raise ValueError("expected a date as 2026-01-31") from None


def _choice(definition: Definition, value: object) -> str:
    if not isinstance(value, str) or value not in definition.choices:
        raise ValueError(f"expected one of {', '.join(definition.choices)}")
    return value


def _choices(definition: Definition, value: object) -> list[str]:
    chosen = cast("list[object]", value) if isinstance(value, list) else []
    if not chosen or any(each not in definition.choices for each in chosen):
        raise ValueError(f"expected a list out of {', '.join(definition.choices)}")
    return [choice for choice in definition.choices if choice in chosen]


def _matches(pattern: str, value: str) -> bool:
    matcher = _matcher(pattern)
    try:
        return matcher is not None and matcher.validate_python(value) == value
    except ValidationError:
        return False


@lru_cache(maxsize=256)
def _matcher(pattern: str) -> TypeAdapter[str] | None:
    """A matcher in linear time, unlike Python's own: the pattern comes from a user. None if it is no pattern."""
    try:
        return TypeAdapter(Annotated[str, StringConstraints(pattern=f"^(?:{pattern})$")])
    except SchemaError:
        return None


_NORMALISERS: Final[dict[CustomFieldType, Callable[[Definition, object], object]]] = {
    CustomFieldType.TEXT: _text,
    CustomFieldType.NUMBER: _number,
    CustomFieldType.BOOLEAN: _boolean,
    CustomFieldType.DATE: _date,
    CustomFieldType.CHOICE: _choice,
    CustomFieldType.MULTI_CHOICE: _choices,
}
