"""Says what is wrong with a JSON value that does not fit its message: every field, by its path.

Runs only after the fast decoder has refused the value, so the common case pays nothing for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from protobuf import (
    DescEnum,
    DescField,
    DescFieldValueEnum,
    DescFieldValueList,
    DescFieldValueMap,
    DescFieldValueMessage,
    DescFieldValueScalar,
    DescMessage,
    Message,
    ScalarType,
    message_from_json_value,
)

from facet_gateway.contracts import field_named
from facet_gateway.transcoding.json_body import Json
from facet_kit.errors import Violation

LIMIT = 50

_SCALARS = {
    ScalarType.STRING: "must be a text",
    ScalarType.BOOL: "must be true or false",
    ScalarType.BYTES: "must be base64 text",
    ScalarType.DOUBLE: "must be a number",
    ScalarType.FLOAT: "must be a number",
}
_WELL_KNOWN = {
    "google.protobuf.Timestamp": "must be an instant in RFC 3339 such as 2026-01-31T08:00:00Z",
    "google.protobuf.Duration": "must be a duration in seconds such as 3.5s",
    "google.protobuf.FieldMask": "must be field names in lowerCamelCase, separated by commas",
    "google.protobuf.Struct": "must be an object",
    "google.protobuf.ListValue": "must be a list",
}


def explain(request: type[Message], value: Json) -> list[Violation]:
    """The violations in a value that `request` refuses; at least one, at most LIMIT."""
    found = list(islice(_message(request.desc(), value, ""), LIMIT))
    return found or [Violation("", "does not fit the contract of this operation")]


def _message(message: DescMessage, value: Json, path: str) -> Iterator[Violation]:
    if message.type_name.startswith("google.protobuf."):
        if not _fits(message.type, value):
            yield Violation(path, _WELL_KNOWN.get(message.type_name, f"must be a {message.name}"))
        return
    if not isinstance(value, dict):
        yield Violation(path, "must be an object")
        return
    for key, item in value.items():
        described = field_named(message, key)
        where = f"{path}.{key}" if path else key
        if described is None:
            yield Violation(where, f"is not a field of {message.name}")
        elif item is not None:
            yield from _field(described, item, where)


def _field(described: DescField, value: Json, path: str) -> Iterator[Violation]:
    match described.value:
        case DescFieldValueList(element=element):
            if not isinstance(value, list):
                yield Violation(path, "must be a list")
                return
            for index, item in enumerate(value):
                yield from _element(described, element, item, f"{path}[{index}]", [item])
        case DescFieldValueMap(value=element):
            if not isinstance(value, dict):
                yield Violation(path, "must be an object")
                return
            for key, item in value.items():
                yield from _element(described, element, item, f"{path}[{key!r}]", {key: item})
        case DescFieldValueMessage(message=message):
            yield from _message(message, value, path)
        case DescFieldValueScalar(scalar=scalar):
            yield from _element(described, scalar, value, path, value)
        case DescFieldValueEnum(enum=enum):
            yield from _element(described, enum, value, path, value)


def _element(
    described: DescField, element: ScalarType | DescEnum | DescMessage, item: Json, path: str, whole: Json
) -> Iterator[Violation]:
    """Checks one value; `whole` is what the field as such must hold for the value to be tried alone."""
    if isinstance(element, DescMessage):
        yield from _message(element, item, path)
    elif not _fits(described.parent.type, {described.json_name: whole}):
        yield Violation(path, _expectation(element))


def _expectation(element: ScalarType | DescEnum) -> str:
    if isinstance(element, DescEnum):
        names = ", ".join(value.json_name or value.name for value in element.values if value.number)
        return f"must be one of {names}"
    bits = 32 if "32" in element.name else 64
    sign = " that is not negative" if element.name.startswith(("U", "FIXED")) else ""
    return _SCALARS.get(element, f"must be a whole number of at most {bits} bits{sign}")


def _fits(message: type[Message], value: Json) -> bool:
    try:
        message_from_json_value(message, value)
    except (ValueError, TypeError, OverflowError, RecursionError):
        return False
    return True
