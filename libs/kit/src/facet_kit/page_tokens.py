"""Page tokens: where a list goes on, signed and bound to the request they came from."""

from __future__ import annotations

import base64
import binascii
import copy
import hashlib
import hmac
import json
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from protobuf import Message

from facet_kit.context import Ctx
from facet_kit.errors import Invalid

_SIGNATURE_BYTES: Final = 16


def issue_token(ctx: Ctx, request: Message[Any], last: Sequence[object]) -> str:
    """The token of the page after the row with these sort values."""
    payload = json.dumps(
        [_encoded(value) for value in last], ensure_ascii=False, separators=(",", ":")
    ).encode()
    signature = _signature(ctx, request, payload)
    return base64.urlsafe_b64encode(signature + payload).decode().rstrip("=")


def read_token(ctx: Ctx, request: Message[Any], token: str) -> list[object]:
    """The sort values in a token.

    Raises:
        Invalid: forged, or issued for another filter, order or caller; names `page_token`.
    """
    try:
        signed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        signature, payload = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
        if not hmac.compare_digest(signature, _signature(ctx, request, payload)):
            raise ValueError
        return [_decoded(value) for value in json.loads(payload)]
    except (ValueError, binascii.Error):
        raise Invalid(
            "INVALID_PAGE_TOKEN",
            "This page token belongs to another list: repeat the request it came from with nothing but the "
            "page token changed, or start again without one.",
            field="page_token",
        ) from None


def _signature(ctx: Ctx, request: Message[Any], payload: bytes) -> bytes:
    """Signs the position with what decides which rows the list has: the other fields, the caller's scope."""
    bound: Any = copy.copy(request)
    bound.page_token, bound.page_size = "", 0
    caller = ctx.principal
    scope = [
        caller.id,
        caller.kind.value,
        caller.group_id,
        caller.channel_id,
        sorted(caller.department_ids),
        sorted(caller.region_ids),
        caller.full_scope,
    ]
    parts = [type(request).__qualname__.encode(), bound.to_binary(), json.dumps(scope).encode(), payload]
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.new(ctx.request.page_token_key, framed, hashlib.sha256).digest()[:_SIGNATURE_BYTES]


def _encoded(value: object) -> object:
    match value:
        case None | bool() | str():
            return value
        case Enum():
            return value.name
        case datetime():
            return ["t", value.isoformat()]
        case date():
            return ["d", value.isoformat()]
        case Decimal():
            return ["n", str(value)]
        case int() | float():
            return value
        case _:
            raise TypeError(f"a list cannot be ordered by values like {value!r}")


def _decoded(value: object) -> object:
    match value:
        case ["t", str(text)]:
            return datetime.fromisoformat(text)
        case ["d", str(text)]:
            return date.fromisoformat(text)
        case ["n", str(text)]:
            return Decimal(text)
        case _:
            return value
