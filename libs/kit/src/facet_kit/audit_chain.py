"""The hash chain over a service's audit entries: sealing new ones, and finding the first broken link.

An entry is sealed after its transaction, so that writers never wait for each other. A position, given when
sealing, orders the chain without gaps; sequence numbers would not do, since a low one may commit late.
"""

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from typing import Any, Final

import structlog
from sqlalchemy import Row, RowMapping, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from facet_kit.audit import AuditEntry, AuditHead

GENESIS: Final = "0" * 64
_BATCH: Final = 1_000
_CONTENT: Final = (
    "seq",
    "id",
    "create_time",
    "principal_id",
    "principal_kind",
    "person_id",
    "roles",
    "action",
    "resource",
    "resource_id",
    "before",
    "after",
    "reason",
    "via",
    "request_id",
)
_SEAL: Final = text("""
    UPDATE audit_entries SET position = sealed.position, prev_hash = sealed.prev_hash, hash = sealed.hash
    FROM unnest(
        CAST(:seqs AS bigint[]), CAST(:positions AS bigint[]), CAST(:prevs AS text[]), CAST(:hashes AS text[])
    ) AS sealed(seq, position, prev_hash, hash)
    WHERE audit_entries.seq = sealed.seq
""")
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class VerifyResult:
    """What a verification found: `broken_position` and `problem` are set where the chain is not intact."""

    checked_count: int
    head_position: int
    head_hash: str
    broken_position: int = 0
    problem: str = ""
    next_position: int = 0

    @property
    def intact(self) -> bool:
        return not self.broken_position


async def seal(connection: AsyncConnection) -> int:
    """Chains up to a thousand unsealed entries within the connection's transaction; returns how many.

    It is none when there are none, or while another process seals.
    """
    head = await _lock_head(connection)
    if head is None:
        return 0
    unsealed = select(*_columns()).where(AuditEntry.position.is_(None)).order_by(AuditEntry.seq).limit(_BATCH)
    entries = (await connection.execute(unsealed)).mappings().all()
    if not entries:
        return 0
    hashes = [head.hash]
    for entry in entries:
        hashes.append(link_hash(hashes[-1], head.position + len(hashes), entry))
    last = head.position + len(entries)
    sealed = {
        "seqs": [entry["seq"] for entry in entries],
        "positions": list(range(head.position + 1, last + 1)),
        "prevs": hashes[:-1],
        "hashes": hashes[1:],
    }
    await connection.execute(_SEAL, sealed)
    await connection.execute(update(AuditHead).values(position=last, hash=hashes[-1]))
    return len(entries)


async def seal_all(connection: AsyncConnection) -> None:
    """Chains every entry committed so far."""
    while await seal(connection) == _BATCH:
        pass


async def keep_sealing(engine: AsyncEngine, *, interval_seconds: float = 1.0) -> None:
    """Seals until cancelled; any number of replicas may do so, one at a time gets to."""
    while True:
        try:
            async with engine.begin() as connection:
                sealed = await seal(connection)
        except (DBAPIError, OSError) as error:
            _log.warning("audit_sealing_failed", error=str(error))
            sealed = 0
        if sealed < _BATCH:
            await asyncio.sleep(interval_seconds)


async def verify(connection: AsyncConnection, *, start: int = 1, limit: int = 20_000) -> VerifyResult:
    """Recomputes `limit` links from position `start` on, and the end of the chain when they reach it."""
    head = await _head(connection)
    expected = await _hash_at(connection, start - 1) if start > 1 else GENESIS
    if expected is None:
        return VerifyResult(0, 0, "", start - 1, "the entry is missing")
    position = start
    end = min(head.position, start + limit - 1)
    while position <= end:
        entries = await _sealed(connection, position, min(end, position + _BATCH - 1))
        for entry in entries:
            if problem := _problem(entry, position, expected):
                return VerifyResult(position - start, position - 1, expected, position, problem)
            expected = entry["hash"]
            position += 1
        if not entries:
            return VerifyResult(position - start, position - 1, expected, position, "the entry is missing")
    checked = VerifyResult(position - start, position - 1, expected)
    if end < head.position:
        return VerifyResult(checked.checked_count, end, expected, next_position=position)
    if start <= head.position + 1 and expected != head.hash:
        return VerifyResult(
            checked.checked_count, end, expected, end, "the end of the chain is another than sealed"
        )
    if await _sealed(connection, head.position + 1, head.position + _BATCH):
        return VerifyResult(
            checked.checked_count, end, expected, head.position + 1, "an entry follows the end of the chain"
        )
    return checked


def link_hash(prev_hash: str, position: int, entry: RowMapping) -> str:
    """SHA-256 over the hash before, the position and the entry as canonical JSON, in hexadecimal digits."""
    content: dict[str, Any] = {name: entry[name] for name in _CONTENT}
    content["create_time"] = content["create_time"].astimezone(UTC).isoformat(timespec="microseconds")
    canonical = json.dumps(
        [prev_hash, position, content], sort_keys=True, ensure_ascii=False, separators=(",", ":")
    )
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _problem(entry: RowMapping, position: int, expected: str) -> str:
    if entry["position"] != position:
        return "the entry is missing"
    if entry["prev_hash"] != expected:
        return "the entry does not continue the one before"
    return "" if entry["hash"] == link_hash(expected, position, entry) else "the entry was changed"


def _columns() -> list[Any]:
    return [getattr(AuditEntry, name) for name in (*_CONTENT, "position", "prev_hash", "hash")]


async def _sealed(connection: AsyncConnection, first: int, last: int) -> Sequence[RowMapping]:
    query = select(*_columns()).where(AuditEntry.position.between(first, last)).order_by(AuditEntry.position)
    return (await connection.execute(query)).mappings().all()


async def _hash_at(connection: AsyncConnection, position: int) -> str | None:
    return await connection.scalar(select(AuditEntry.hash).where(AuditEntry.position == position))


async def _head(connection: AsyncConnection) -> Row[int, str]:
    start = insert(AuditHead).values(id=1, position=0, hash=GENESIS).on_conflict_do_nothing()
    await connection.execute(start)
    return (await connection.execute(select(AuditHead.position, AuditHead.hash))).one()


async def _lock_head(connection: AsyncConnection) -> Row[int, str] | None:
    start = insert(AuditHead).values(id=1, position=0, hash=GENESIS).on_conflict_do_nothing()
    await connection.execute(start)
    query = select(AuditHead.position, AuditHead.hash).with_for_update(skip_locked=True)
    return (await connection.execute(query)).one_or_none()
