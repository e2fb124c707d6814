"""The answer's bytes: prepared fragments joined, without parsing any of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import orjson

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Part:
    """One section of an answer.

    Attributes:
        name: as it stands in the answer: `orders`, or `orders@north` for a further cell.
        up: whether the owner answers at present; a section whose owner is away is stale.
        fragment: the section as its source's answer was prepared; b"" when it is unavailable.
        version: of that answer.
        reason: why it is unavailable.
    """

    name: str
    source: str
    cell: str
    up: bool
    fragment: bytes = b""
    version: bytes = b""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ViewDocument:
    """An answer and its etag."""

    body: bytes
    etag: str


def document(account: str, scope: str, parts: Sequence[Part]) -> ViewDocument:
    """Joins the sections.

    Args:
        scope: "full" or "partial".
    """
    versions = [part.version for part in parts if part.fragment]
    as_of = b'"' + _instant(min(versions)) + b'"' if versions else b"null"
    head = f'{{"customerId":{orjson.dumps(account).decode()},"asOf":'.encode()
    body = b"".join(
        (
            head,
            as_of,
            b',"scope":"',
            scope.encode(),
            b'","sections":{',
            b",".join(map(_section, parts)),
            b"}}",
        )
    )
    return ViewDocument(body, _etag(scope, parts))


def _section(part: Part) -> bytes:
    name = b'"' + part.name.encode() + b'":'
    if not part.fragment:
        value = {
            "status": "unavailable",
            "source": part.source,
            "cell": part.cell,
            "asOf": None,
            "reason": part.reason,
            "data": None,
        }
        return name + orjson.dumps(value)
    return name + (b'{"status":"fresh",' if part.up else b'{"status":"stale",') + part.fragment


def _etag(scope: str, parts: Sequence[Part]) -> str:
    digest = hashlib.blake2b(scope.encode(), digest_size=12)
    for part in parts:
        state = (b"+" if part.up else b"-") + part.version if part.fragment else part.reason.encode()
        digest.update(part.name.encode() + state)
    return digest.hexdigest()


def _instant(version: bytes) -> bytes:
    at = _EPOCH + timedelta(microseconds=int(version) // 1000)
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z").encode()
