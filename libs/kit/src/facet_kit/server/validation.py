"""Checks a request against the constraints that its contract declares (protovalidate)."""

from __future__ import annotations

from typing import Any

import protovalidate
from protobuf import Message

from facet_kit.errors import Invalid

_VALIDATOR = protovalidate.Validator()


def validate(request: Message[Any]) -> None:
    """Raises Invalid with one violation for each field that breaks a constraint."""
    violations = _VALIDATOR.collect_violations(request)
    if violations:
        raise Invalid.many(
            [(_path(violation), violation.proto.message) for violation in violations],
            reason="INVALID_ARGUMENT",
        )


def _path(violation: protovalidate.Violation) -> str:
    path = ""
    field = violation.proto.field
    for element in field.elements if field else ():
        path += ("." if path else "") + element.field_name
        subscript = element.subscript
        if subscript is not None:
            path += f"[{subscript.value}]"
    return path
