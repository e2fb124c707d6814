"""Path templates of `google.api.http` and the table that finds the operation for a path.

Supported is what Facet's contracts use: literals, `{field}`, `{message.field}` and a `:verb` suffix. Anything else in a
template is refused at start. Segments are matched while still percent-encoded, so an encoded slash or colon never
changes which operation is meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import unquote_to_bytes

T = TypeVar("T")

_LITERAL = re.compile(r"[A-Za-z0-9._~-]+")
_VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)\}")
_VERB = re.compile(r"[A-Za-z][A-Za-z0-9]*")


class TemplateError(ValueError):
    """A route in the contracts that the gateway cannot serve."""


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """One parsed template.

    Attributes:
        segments: literal texts, with None where a variable stands.
        variables: the field path of each variable, in order, for example `("order", "id")`.
        verb: the custom method after the colon, or "".
    """

    text: str
    segments: tuple[str | None, ...]
    variables: tuple[tuple[str, ...], ...]
    verb: str

    @classmethod
    def parse(cls, text: str) -> PathTemplate:
        """Reads `/v1/orders/{order_id}:approve`.

        Raises:
            TemplateError: the template uses something that is not supported.
        """
        if not text.startswith("/"):
            raise TemplateError(f"{text}: a path template starts with a slash")
        path, colon, verb = text.rpartition(":")
        if not colon:
            path, verb = text, ""
        elif not _VERB.fullmatch(verb):
            raise TemplateError(f"{text}: {verb!r} is not a verb")
        segments: list[str | None] = []
        variables: list[tuple[str, ...]] = []
        for segment in path[1:].split("/"):
            if variable := _VARIABLE.fullmatch(segment):
                segments.append(None)
                variables.append(tuple(variable[1].split(".")))
            elif _LITERAL.fullmatch(segment):
                segments.append(segment)
            else:
                raise TemplateError(f"{text}: cannot serve segment {segment!r}")
        return cls(text, tuple(segments), tuple(variables), verb)


@dataclass(slots=True)
class _Node(Generic[T]):
    literals: dict[str, _Node[T]] = field(default_factory=dict)
    variable: _Node[T] | None = None
    operations: dict[str, dict[str, T]] = field(default_factory=dict)  # verb → HTTP method → operation


@dataclass(frozen=True, slots=True)
class PathMatch(Generic[T]):
    """What stands at a path: the operation of each HTTP method, and the texts of the variables in order."""

    operations: Mapping[str, T]
    values: Sequence[str]


class RouteTable(Generic[T]):
    """Finds operations by path in time proportional to the path's length, however many routes there are.

    A literal segment wins over a variable, and a `:verb` is part of the last segment only when some route knows it.
    """

    def __init__(self) -> None:
        self._root: _Node[T] = _Node()

    def add(self, http_method: str, template: PathTemplate, operation: T) -> None:
        """Registers a route.

        Raises:
            TemplateError: two operations claim the same method and path.
        """
        node = self._root
        for segment in template.segments:
            if segment is None:
                node.variable = node.variable or _Node()
                node = node.variable
            else:
                node = node.literals.setdefault(segment, _Node())
        methods = node.operations.setdefault(template.verb, {})
        if http_method in methods:
            raise TemplateError(f"{http_method} {template.text} is declared twice")
        methods[http_method] = operation

    def match(self, raw_path: str) -> PathMatch[T] | None:
        """The operations at a percent-encoded path, or None.

        Raises:
            UnicodeDecodeError: a variable is not UTF-8.
        """
        if not raw_path.startswith("/"):
            return None
        segments = raw_path[1:].split("/")
        last, colon, verb = segments[-1].rpartition(":")
        found = _walk(self._root, [*segments[:-1], last], 0, verb) if colon else None
        found = found or _walk(self._root, segments, 0, "")
        if found is None:
            return None
        operations, raw_values = found
        return PathMatch(operations, [_decode(value) for value in raw_values])


def _walk(
    node: _Node[T], segments: Sequence[str], at: int, verb: str
) -> tuple[dict[str, T], list[str]] | None:
    if at == len(segments):
        operations = node.operations.get(verb)
        return (operations, []) if operations else None
    segment = segments[at]
    literal = node.literals.get(segment)
    if literal is not None and (found := _walk(literal, segments, at + 1, verb)):
        return found
    if node.variable is not None and segment and (found := _walk(node.variable, segments, at + 1, verb)):
        operations, values = found
        return operations, [segment, *values]
    return None


def _decode(value: str) -> str:
    return unquote_to_bytes(value).decode("utf-8") if "%" in value else value
