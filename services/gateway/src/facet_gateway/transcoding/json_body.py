"""Strict reading of a JSON request body: whatever two parsers could understand differently is refused here."""

from __future__ import annotations

import json
import math
from typing import NoReturn, TypeAlias

from facet_gateway.problem import Problem, unparseable

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

_BOM = b"\xef\xbb\xbf"


class _DuplicateKey(ValueError):
    pass


def check_content_type(content_type: str | None, content_encoding: str | None) -> None:
    """Accepts `application/json`, with `charset=utf-8` or none, uncompressed.

    Raises:
        Problem: 415, for anything else.
    """
    media_type, *parameters = (part.strip().lower() for part in (content_type or "").split(";"))
    if media_type != "application/json":
        raise Problem(
            415, "UNSUPPORTED_MEDIA_TYPE", f"send the body as application/json, not {media_type or 'untyped'}"
        )
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "charset" and value.strip().strip('"') not in ("utf-8", "utf8"):
            raise Problem(415, "UNSUPPORTED_CHARSET", "JSON is UTF-8; send charset=utf-8 or none")
    if content_encoding and content_encoding.strip().lower() != "identity":
        raise Problem(415, "UNSUPPORTED_CONTENT_ENCODING", "send the body uncompressed")


def parse(body: bytes, *, max_depth: int) -> Json:
    """The value of a JSON text.

    Args:
        max_depth: how deep objects and lists may nest.

    Raises:
        Problem: 400, when the text is no UTF-8, no JSON, nests too deep, repeats a key, has a number that no double
            holds, or a character that cannot be stored (NUL, lone surrogates).
    """
    if body.startswith(_BOM):
        raise unparseable("BYTE_ORDER_MARK", "the body begins with a byte order mark; send plain UTF-8")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise unparseable("INVALID_UTF8", f"the body is not UTF-8 at byte {error.start}") from None
    try:
        value: Json = _DECODER.decode(text)
    except _DuplicateKey as error:
        raise unparseable("DUPLICATE_KEY", f"the key {str(error)!r} stands twice in one object") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise unparseable("INVALID_JSON", f"the body is not JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise unparseable("TOO_DEEP", f"the body nests deeper than {max_depth} levels") from None
    except ValueError as error:
        raise unparseable("INVALID_NUMBER", str(error)) from None
    _inspect(value, max_depth)
    return value


def _inspect(value: Json, max_depth: int) -> None:
    """Walks the value without recursion, a level at a time."""
    level: list[Json] = [value]
    for _ in range(max_depth + 1):
        below: list[Json] = []
        for item in level:
            if isinstance(item, dict):
                for key in item:
                    _inspect_text(key)
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                _inspect_text(item)
        if not below:
            return
        level = below
    raise unparseable("TOO_DEEP", f"the body nests deeper than {max_depth} levels")


def _inspect_text(text: str) -> None:
    if "\0" in text:
        raise unparseable("NUL_CHARACTER", "a text holds the character NUL, which cannot be stored")
    if text.isascii():
        return
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise unparseable(
            "LONE_SURROGATE", "a text holds half of a surrogate pair, which is no character"
        ) from None


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    value = dict(pairs)
    if len(value) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise _DuplicateKey(key)
            seen.add(key)
    return value


def _float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _int(text: str) -> int:
    if len(text) > 40:
        raise ValueError(f"the number {text[:40]}… is too large")
    return int(text)


def _constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a JSON number")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=_float, parse_int=_int, parse_constant=_constant, strict=True
)
