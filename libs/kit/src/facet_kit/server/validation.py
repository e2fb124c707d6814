"""Checks a request against the constraints that its contract declares (protovalidate).

Constraints describe complete resources. Of what a client cannot or need not send they ask nothing: output-only fields,
and the fields of a resource that an update leaves alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import protovalidate
from protobuf import (
    DescField,
    DescFieldValueList,
    DescFieldValueMap,
    DescFieldValueMessage,
    DescMessage,
    Message,
)
from protobuf.wkt import FieldMask

from facet_contracts.google.api.field_behavior_pb import FieldBehavior, ext_field_behavior
from facet_kit.errors import Invalid

_VALIDATOR = protovalidate.Validator()
_MASK = "update_mask"


def validate(request: Message[Any]) -> None:
    """Raises Invalid with one violation for each field that breaks a constraint."""
    violations = [
        (_path(violation), violation.proto.message)
        for violation in _VALIDATOR.collect_violations(request)
        if _counts(request, _names(violation))
    ]
    if violations:
        raise Invalid.many(violations, reason="INVALID_ARGUMENT")


def _counts(request: Message[Any], names: Sequence[str]) -> bool:
    """Whether the field is the client's to send in this request."""
    return not _output_only(type(request).desc(), names) and not _left_alone(request, names)


def _output_only(message: DescMessage, names: Sequence[str]) -> bool:
    described: DescMessage | None = message
    for name in names:
        field = next((field for field in described.fields if field.name == name), None) if described else None
        if field is None:
            return False
        options = field.proto.options
        behaviors = (
            options[ext_field_behavior] if options is not None and ext_field_behavior in options else ()
        )
        if FieldBehavior.OUTPUT_ONLY in behaviors:
            return True
        described = _message_of(field)
    return False


def _left_alone(request: Message[Any], names: Sequence[str]) -> bool:
    """An update changes the fields of its mask, and without one those that are populated (AIP-134)."""
    if len(names) < 2 or all(field.name != _MASK for field in type(request).desc().fields):
        return False
    resource: Message[Any] | None = getattr(request, names[0])
    changed = names[1]
    if names[0] == _MASK or resource is None:
        return False
    mask: FieldMask | None = getattr(request, _MASK)
    if mask is None or not mask.paths:
        return not resource.has_field(changed)
    return "*" not in mask.paths and all(path.split(".")[0] != changed for path in mask.paths)


def _message_of(field: DescField) -> DescMessage | None:
    match field.value:
        case DescFieldValueMessage(message=message):
            return message
        case (
            DescFieldValueList(element=DescMessage() as message)
            | DescFieldValueMap(value=DescMessage() as message)
        ):
            return message
        case _:
            return None


def _names(violation: protovalidate.Violation) -> list[str]:
    field = violation.proto.field
    return [element.field_name for element in field.elements] if field else []


def _path(violation: protovalidate.Violation) -> str:
    path = ""
    field = violation.proto.field
    for element in field.elements if field else ():
        path += ("." if path else "") + element.field_name
        subscript = element.subscript
        if subscript is not None:
            path += f"[{subscript.value}]"
    return path
