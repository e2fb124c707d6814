"""Clears from an answer the custom fields that its caller may not see."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final, cast

from protobuf import DescFieldValueList, DescFieldValueMessage, DescMessage, Message
from protobuf.wkt import Struct

from facet_kit.context import Ctx
from facet_kit.custom_fields.settling import visible
from facet_kit.naming import snake_case

_FIELD: Final = "custom_fields"
_TOP: Final[frozenset[str]] = frozenset()


async def mask_custom_fields(ctx: Ctx, answer: Message[Any]) -> None:
    """Keeps those values, in every resource of the answer, whose definition the caller's roles may see."""
    if not _holds(type(answer).desc(), _TOP):
        return
    for resource in _resources(answer):
        held: Struct = getattr(resource, _FIELD)
        values = cast("dict[str, Any]", held.to_python())
        seen = await visible(ctx.session, ctx.principal, snake_case(type(resource).__name__), values)
        if len(seen) < len(values):
            setattr(resource, _FIELD, Struct.from_python(seen))


def _resources(message: Message[Any]) -> Iterator[Message[Any]]:
    """The message and those inside it that hold values."""
    for field in type(message).desc().fields:
        value: Any = getattr(message, field.local_name)
        if field.name == _FIELD and isinstance(value, Struct):
            yield message
        elif (inner := _message_of(field.value)) is not None and _holds(inner, _TOP):
            for child in cast(
                "list[Message[Any]]", value if isinstance(value, list) else [value] if value else []
            ):
                yield from _resources(child)


@lru_cache(maxsize=1024)
def _holds(descriptor: DescMessage, above: frozenset[str]) -> bool:
    """Whether messages of this type hold custom fields at any depth; `above` are the types it stands in."""
    if descriptor.type_name in above:
        return False
    inside = above | {descriptor.type_name}
    for field in descriptor.fields:
        inner = _message_of(field.value)
        if inner is None:
            continue
        if inner.type_name == "google.protobuf.Struct":
            if field.name == _FIELD:
                return True
        elif not inner.type_name.startswith("google.") and _holds(inner, inside):
            return True
    return False


def _message_of(value: object) -> DescMessage | None:
    if isinstance(value, DescFieldValueMessage):
        return value.message
    if isinstance(value, DescFieldValueList) and isinstance(value.element, DescMessage):
        return value.element
    return None
