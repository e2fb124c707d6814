"""Field visibility: clears what the caller may not see from an answer, as the contracts say (GTW-03, GTW-04).

Customers and partners see an allow-list; staff see everything but fields whose permission they lack.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, cast

from protobuf import (
    DescField,
    DescFieldValueList,
    DescFieldValueMap,
    DescFieldValueMessage,
    DescMessage,
    Message,
)

from facet_contracts.facet.type.v1.annotations_pb import FieldAccess, ext_field
from facet_kit.principal import Principal, PrincipalKind

_Sees = Callable[[DescField], bool]
_PAGING = frozenset({"next_page_token", "total_size", "as_of"})


def mask(message: Message[Any], principal: Principal) -> list[str]:
    """Clears hidden fields in place; returns the sensitive fields that the answer still shows, for the audit."""
    descriptor = type(message).desc()
    if principal.internal and not _restricted(descriptor):
        return []
    shown: list[str] = []
    _clear(message, descriptor, _sees(principal), shown)
    return shown


def selectable(request: type[Message[Any]], principal: Principal) -> Callable[[str], bool]:
    """Which fields of the listed resource a caller may filter and order by: those he sees, or he could guess the rest.

    Names that the resource's contract does not know are for internal callers only.
    """
    fields = _listed_fields(request.desc())
    sees = _sees(principal)

    def may_select(name: str) -> bool:
        field = fields.get(name.partition(".")[0])
        return principal.internal if field is None else sees(field)

    return may_select


@lru_cache(maxsize=512)
def _listed_fields(request: DescMessage) -> Mapping[str, DescField]:
    """The fields, by name, of the resource that the method with this request lists."""
    methods = (method for service in request.file.services for method in service.methods)
    answer = next((method.output for method in methods if method.input.type_name == request.type_name), None)
    for field in answer.fields if answer else ():
        resource = _message_of(field)
        if isinstance(field.value, DescFieldValueList) and resource is not None:
            return {each.name: each for each in resource.fields}
    return {}


def kept_form(answer: Message[Any], response: bytes) -> bytes:
    """The answer's bytes as they may be kept for a repetition of the call: without what is shown once."""
    once = [
        name
        for field in type(answer).desc().fields
        if _access(field).shown_once and answer.has_field(name := field.name)
    ]
    if not once:
        return response
    kept = type(answer).from_binary(response)
    for name in once:
        kept.clear_field(name)
    return kept.to_binary()


def _sees(principal: Principal) -> _Sees:
    if principal.kind is PrincipalKind.CUSTOMER:
        return lambda field: _access(field).customer_visible
    if principal.kind is PrincipalKind.PARTNER:
        return lambda field: _access(field).partner_visible
    return lambda field: not (permission := _access(field).permission) or principal.may(permission)


def _clear(message: Message[Any], descriptor: DescMessage, sees: _Sees, shown: list[str]) -> None:
    for field in descriptor.fields:
        if not message.has_field(field.name):
            continue
        if not (sees(field) or _frames(field, descriptor)):
            message.clear_field(field.name)
            continue
        if _access(field).sensitive:
            shown.append(field.name)
        nested = _message_of(field)
        if nested is not None and not nested.type_name.startswith("google."):
            for child in _children(getattr(message, field.local_name)):
                _clear(child, nested, sees, shown)


def _children(value: Any) -> list[Message[Any]]:
    if isinstance(value, Message):
        return [value]
    return list(cast("dict[str, Message[Any]]", value).values() if isinstance(value, dict) else value)


def _frames(field: DescField, parent: DescMessage) -> bool:
    """Responses only frame resources: their own fields (the list, the page token, a section) are never the secret."""
    return field.name in _PAGING or parent.name.endswith("Response")


@lru_cache(maxsize=4096)
def _access(field: DescField) -> FieldAccess:
    options = field.proto.options
    return options[ext_field] if options is not None and ext_field in options else FieldAccess()


def _message_of(field: DescField) -> DescMessage | None:
    value = field.value
    if isinstance(value, DescFieldValueMessage):
        return value.message
    if isinstance(value, DescFieldValueList | DescFieldValueMap):
        element = value.element if isinstance(value, DescFieldValueList) else value.value
        return element if isinstance(element, DescMessage) else None
    return None


@lru_cache(maxsize=1024)
def _restricted(descriptor: DescMessage) -> bool:
    """Whether the message, at any depth, has a field that some staff may not see or whose reading is audited."""
    return _any_restricted(descriptor, set())


def _any_restricted(descriptor: DescMessage, seen: set[str]) -> bool:
    if descriptor.type_name in seen:
        return False
    seen.add(descriptor.type_name)
    for field in descriptor.fields:
        access = _access(field)
        nested = _message_of(field)
        if access.permission or access.sensitive or (nested is not None and _any_restricted(nested, seen)):
            return True
    return False
