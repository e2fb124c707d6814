"""Messages and enums of the contracts as JSON Schema components, in the three forms a resource has at the edge.

`Order` is what answers carry; `Order.Input` what a client sends to make one: no output-only fields, constraints, the
required ones named; `Order.Update` what a PATCH may carry: the same, but nothing is required.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Final

from protobuf import (
    DescEnum,
    DescField,
    DescFieldValueEnum,
    DescFieldValueList,
    DescFieldValueMap,
    DescFieldValueMessage,
    DescFieldValueScalar,
    DescMessage,
    ScalarType,
)

from facet_contracts.google.api.field_behavior_pb import FieldBehavior
from facet_gateway.contracts import Contracts, behaviors
from facet_gateway.openapi.constraints import Schema, keywords, messages, rules_of

_INTEGERS = frozenset(
    {ScalarType.INT32, ScalarType.SINT32, ScalarType.SFIXED32, ScalarType.UINT32, ScalarType.FIXED32}
)
_SCALARS: Final[Mapping[ScalarType, Schema]] = {
    ScalarType.STRING: {"type": "string"},
    ScalarType.BOOL: {"type": "boolean"},
    ScalarType.BYTES: {"type": "string", "contentEncoding": "base64"},
    ScalarType.DOUBLE: {"type": "number", "format": "double"},
    ScalarType.FLOAT: {"type": "number", "format": "float"},
}
_WELL_KNOWN: Final[Mapping[str, Schema]] = {
    "google.protobuf.Timestamp": {
        "type": "string",
        "format": "date-time",
        "examples": ["2026-01-31T08:00:00Z"],
    },
    "google.protobuf.Duration": {
        "type": "string",
        "pattern": r"^-?[0-9]+(\.[0-9]+)?s$",
        "examples": ["3.5s"],
    },
    "google.protobuf.FieldMask": {"type": "string", "examples": ["displayName,customFields"]},
    "google.protobuf.Struct": {"type": "object", "additionalProperties": True},
    "google.protobuf.ListValue": {"type": "array", "items": {}},
    "google.protobuf.Value": {},
    "google.protobuf.Empty": {"type": "object"},
    "google.protobuf.Any": {
        "type": "object",
        "properties": {"@type": {"type": "string"}},
        "required": ["@type"],
    },
    "google.protobuf.StringValue": {"type": "string"},
    "google.protobuf.BoolValue": {"type": "boolean"},
    "google.protobuf.Int32Value": {"type": "integer"},
    "google.protobuf.DoubleValue": {"type": "number"},
}


class Form(Enum):
    """In which direction and for what a message travels."""

    OUTPUT = ""
    INPUT = ".Input"
    UPDATE = ".Update"


class Schemas:
    """Collects components as they are referred to."""

    def __init__(self, contracts: Contracts) -> None:
        self._contracts = contracts
        self.components: dict[str, Schema] = {}

    def reference(self, described: DescMessage | DescEnum, form: Form = Form.OUTPUT) -> Schema:
        """A schema for the type: inline for well-known types, else a reference to its component."""
        known = _WELL_KNOWN.get(described.type_name)
        if known is not None:
            return dict(known)
        name = described.type_name.removeprefix("facet.") + (
            form.value if isinstance(described, DescMessage) else ""
        )
        if name not in self.components:
            self.components[name] = {}  # holds the place while a type refers to itself
            self.components[name] = (
                self._enum(described) if isinstance(described, DescEnum) else self.message(described, form)
            )
        return {"$ref": f"#/components/schemas/{name}"}

    def message(self, message: DescMessage, form: Form, *, without: frozenset[str] = frozenset()) -> Schema:
        """The schema of a message itself.

        Args:
            without: proto names of fields that are given elsewhere, as in the path.
        """
        properties: dict[str, Schema] = {}
        required: list[str] = []
        for field in message.fields:
            behavior = behaviors(field)
            sent = form is not Form.OUTPUT
            if field.name in without or (sent and FieldBehavior.OUTPUT_ONLY in behavior):
                continue
            if form is Form.UPDATE and FieldBehavior.IMMUTABLE in behavior:
                continue
            properties[field.json_name] = self.field(field, form)
            if form is Form.INPUT and FieldBehavior.REQUIRED in behavior:
                required.append(field.json_name)
        schema: Schema = {"type": "object", "properties": properties}
        if comment := self._contracts.comment(message):
            schema["description"] = comment
        if required:
            schema["required"] = required
        if form is not Form.OUTPUT:
            schema["additionalProperties"] = False
        return schema

    def field(self, field: DescField, form: Form) -> Schema:
        """The schema of a field, with its description, and its constraints where clients send it."""
        nested = Form.INPUT if form is Form.UPDATE else form
        schema = self._value(field, nested)
        rules = rules_of(field) if form is not Form.OUTPUT else None
        limits = keywords(rules)
        items = limits.pop("items", None)
        if items and "items" in schema:
            schema["items"] = schema["items"] | items
        if not (schema.get("type") == "string" and "minimum" in limits):  # 64-bit numbers are texts in JSON
            schema |= limits
        text = " ".join([self._contracts.comment(field), *(f"({said})" for said in messages(rules))]).strip()
        if text:
            schema["description"] = text
        if form is Form.OUTPUT and FieldBehavior.OUTPUT_ONLY in behaviors(field):
            schema["readOnly"] = True
        if field.deprecated:
            schema["deprecated"] = True
        return schema

    def _value(self, field: DescField, form: Form) -> Schema:
        match field.value:
            case DescFieldValueScalar(scalar=scalar):
                return _scalar(scalar)
            case DescFieldValueEnum(enum=enum):
                return self.reference(enum)
            case DescFieldValueMessage(message=message):
                return self.reference(message, form)
            case DescFieldValueList(element=element):
                return {"type": "array", "items": self._element(element, form)}
            case DescFieldValueMap(value=element):
                return {"type": "object", "additionalProperties": self._element(element, form)}

    def _element(self, element: ScalarType | DescEnum | DescMessage, form: Form) -> Schema:
        return _scalar(element) if isinstance(element, ScalarType) else self.reference(element, form)

    def _enum(self, enum: DescEnum) -> Schema:
        names = [value.json_name or value.name for value in enum.values]
        said = [
            f"- `{name}`: {comment}"
            for name, value in zip(names, enum.values, strict=True)
            if (comment := self._contracts.comment(f"{enum.type_name}.{value.name}"))
        ]
        text = "\n".join([self._contracts.comment(enum), "", *said]).strip()
        return {"type": "string", "enum": names, "description": text}


def _scalar(scalar: ScalarType) -> Schema:
    known = _SCALARS.get(scalar)
    if known is not None:
        return dict(known)
    if scalar in _INTEGERS:
        return {"type": "integer", "format": "int32"}
    return {"type": "string", "format": "int64", "pattern": "^-?[0-9]+$"}
