"""Texts from path and query string → JSON values that fit the request message, field by field."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from protobuf import (
    DescEnum,
    DescField,
    DescFieldValueEnum,
    DescFieldValueList,
    DescFieldValueMessage,
    DescFieldValueScalar,
    DescMessage,
    ScalarType,
)

from facet_gateway.contracts import field_named
from facet_gateway.problem import json_path, unparseable
from facet_gateway.transcoding.json_body import Json
from facet_kit.errors import Violation

_INTEGER = re.compile(r"-?[0-9]{1,20}")
_DECIMAL = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")

# Well-known types that are one text in JSON, so one text in a query, too.
_TEXT_TYPES = frozenset(
    f"google.protobuf.{name}"
    for name in (
        "Timestamp",
        "Duration",
        "FieldMask",
        "StringValue",
        "Int64Value",
        "UInt64Value",
        "BytesValue",
    )
)


class Unfit(ValueError):
    """A text that is no value of its field; the message says what would be."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A field of the request that a text can fill.

    Attributes:
        path: proto names from the request down to the field.
        field: the field itself.
        element: what one text is read as.
    """

    path: tuple[str, ...]
    field: DescField
    element: ScalarType | DescEnum | DescMessage

    @property
    def repeated(self) -> bool:
        """Whether the parameter may be given several times."""
        return isinstance(self.field.value, DescFieldValueList)


def parameter_at(message: DescMessage, path: Sequence[str]) -> Parameter | None:
    """The parameter with this path of proto or JSON names, or None where no text can fill what stands there."""
    names: list[str] = []
    for position, name in enumerate(path):
        described = field_named(message, name)
        if described is None:
            return None
        names.append(described.name)
        if position == len(path) - 1:
            element = _element(described)
            return Parameter(tuple(names), described, element) if element is not None else None
        if not isinstance(described.value, DescFieldValueMessage):
            return None
        message = described.value.message
        if message.type_name.startswith("google.protobuf."):
            return None
    return None


def parse_query(query: bytes) -> Mapping[str, Sequence[str]]:
    """The parameters of a query string, in order of appearance.

    Raises:
        Problem: 400, when it is not percent-encoded UTF-8 or holds NUL.
    """
    parameters: dict[str, list[str]] = {}
    for pair in query.split(b"&"):
        if pair:
            name, _, value = pair.partition(b"=")
            parameters.setdefault(_text(name), []).append(_text(value))
    return parameters


def read(parameter: Parameter, texts: Sequence[str]) -> tuple[Json, list[Violation]]:
    """The JSON value that these texts of one parameter make, and what is wrong with them."""
    name = json_path(".".join(parameter.path))
    values: list[Json] = []
    violations: list[Violation] = []
    for text in texts:
        try:
            values.append(_value(parameter.element, text))
        except Unfit as error:
            violations.append(Violation(name, str(error)))
    if parameter.repeated:
        return values, violations
    if len(texts) > 1:
        violations.append(Violation(name, "is given more than once"))
    return (values[0] if values else None), violations


def _element(described: DescField) -> ScalarType | DescEnum | DescMessage | None:
    match described.value:
        case DescFieldValueScalar(scalar=scalar):
            return scalar
        case DescFieldValueEnum(enum=enum):
            return enum
        case DescFieldValueMessage(message=message) if message.type_name in _TEXT_TYPES:
            return message
        case DescFieldValueList(element=DescMessage() as message):
            return message if message.type_name in _TEXT_TYPES else None
        case DescFieldValueList(element=element):
            return element
        case _:
            return None


def _value(element: ScalarType | DescEnum | DescMessage, text: str) -> Json:
    match element:
        case ScalarType.STRING | ScalarType.BYTES:
            return text
        case ScalarType.BOOL:
            if text not in ("true", "false"):
                raise Unfit("must be true or false")
            return text == "true"
        case ScalarType.FLOAT | ScalarType.DOUBLE:
            if not _DECIMAL.fullmatch(text):
                raise Unfit("must be a number")
            return text
        case ScalarType():
            if not _INTEGER.fullmatch(text):
                raise Unfit("must be a whole number")
            return text
        case DescEnum():
            return int(text) if _INTEGER.fullmatch(text) else text
        case DescMessage(type_name="google.protobuf.FieldMask"):
            return ",".join(json_path(path.strip()) for path in text.split(",") if path.strip())
        case _:
            return text


def _text(raw: bytes) -> str:
    try:
        text = unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError:
        raise unparseable("INVALID_UTF8", "the query string is not percent-encoded UTF-8") from None
    if "\0" in text:
        raise unparseable("NUL_CHARACTER", "the query string holds the character NUL, which cannot be stored")
    return text
