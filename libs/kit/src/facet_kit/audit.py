"""The audit trail: who did what, before and after, why and through what (PLT-05); its chain is in `audit_chain`.

Changes are captured from the session, so that no use case can forget them; what has no entity is noted by
`record`. Entries are written in the transaction they tell of, and sealed into the chain afterwards.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any, Final, cast

from sqlalchemy import BigInteger, Identity, Index, SmallInteger, event, insert, inspect, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, Session, UOWTransaction, mapped_column

from facet_kit.context import Ctx
from facet_kit.database.base import Aggregate, Base
from facet_kit.naming import resource_name

CREATE: Final = "create"
UPDATE: Final = "update"
DELETE: Final = "delete"
READ: Final = "read"

_CHANGES: Final = "audit_changes"  # keys of session.info
_NOTES: Final = "audit_notes"
_BOOKKEEPING: Final = frozenset({"version", "event_seq", "create_time", "update_time"})


class AuditEntry(Base):
    """One thing done by one principal to one resource. Sealed entries have a position in the chain."""

    __tablename__ = "audit_entries"
    __scope__ = None

    seq: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    create_time: Mapped[datetime] = mapped_column(index=True)
    principal_id: Mapped[str]
    principal_kind: Mapped[str]
    person_id: Mapped[str] = mapped_column(index=True)
    roles: Mapped[list[str]]
    action: Mapped[str]
    resource: Mapped[str]
    resource_id: Mapped[str]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    reason: Mapped[str]
    via: Mapped[str]
    request_id: Mapped[str]
    position: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    prev_hash: Mapped[str | None]
    hash: Mapped[str | None]

    __table_args__ = (
        Index("ix_audit_entries_resource", "resource", "resource_id", "seq"),
        Index("ix_audit_entries_unsealed", "seq", postgresql_where=text("position IS NULL")),
    )


class AuditHead(Base):
    """The end of the chain: locked by whoever seals, and proof against the removal of the last entries."""

    __tablename__ = "audit_head"
    __scope__ = None

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    hash: Mapped[str]


@dataclass(slots=True)
class _Change:
    """What happened to one entity in this transaction, over all its flushes."""

    entity: Base
    action: str
    before: dict[str, Any] = field(default_factory=dict[str, Any])
    after: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True)
class _Note:
    action: str
    resource: str
    resource_id: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    reason: str | None


def install_audit(session_class: type[Session]) -> None:
    """Has sessions of this class collect the changes of every audited entity; `write_audit` writes them.

    Audited are aggregates and the rows inside them, which refer to one by a foreign key; a class says otherwise
    with `__audited__`. A column with `info={"audit": False}` (secrets, derived values) is left out.
    """
    event.listen(session_class, "before_flush", _collect)
    event.listen(session_class, "after_rollback", _forget)


def record(
    ctx: Ctx,
    action: str,
    *,
    resource: str,
    resource_id: str,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Notes something that no changed entity shows; it is written with the transaction."""
    _notes(ctx.session).append(_Note(action, resource, resource_id, before, after, reason))


async def audit_read(ctx: Ctx, resource: str, ids: Iterable[str], fields: Sequence[str]) -> None:
    """Notes that sensitive fields of these resources were shown; `write_audit` writes it, for reads too."""
    shown = sorted(set(fields))
    for resource_id in ids:
        record(ctx, READ, resource=resource, resource_id=resource_id, after={"fields": shown})


async def end_read(ctx: Ctx) -> None:
    """Ends a transaction that only read: what it may have changed is rolled back, what was shown is noted."""
    notes = list(_notes(ctx.session))
    await ctx.session.rollback()
    if notes:
        _notes(ctx.session).extend(notes)
        await write_audit(ctx)
        await ctx.session.commit()


async def write_audit(ctx: Ctx) -> int:
    """Writes what was collected and noted since the last call, in one statement; returns how many entries."""
    info = ctx.session.sync_session.info
    changes: dict[int, _Change] = info.pop(_CHANGES, {})
    notes: list[_Note] = info.pop(_NOTES, [])
    rows = [_row(ctx, note) for note in [*filter(None, map(_summarised, changes.values())), *notes]]
    if rows:
        connection = await ctx.session.connection()
        await connection.execute(insert(AuditEntry), rows)
    return len(rows)


def _notes(session: AsyncSession) -> list[_Note]:
    notes: list[_Note] = session.sync_session.info.setdefault(_NOTES, [])
    return notes


def _row(ctx: Ctx, note: _Note) -> dict[str, Any]:
    caller, request = ctx.principal, ctx.request
    return {
        "id": ctx.ids.new(),
        "create_time": ctx.clock.now(),
        "principal_id": caller.id,
        "principal_kind": caller.kind.value,
        "person_id": caller.person_id,
        "roles": sorted(caller.roles),
        "action": note.action,
        "resource": note.resource,
        "resource_id": note.resource_id,
        "before": None if note.before is None else plain(note.before),
        "after": None if note.after is None else plain(note.after),
        "reason": request.reason if note.reason is None else note.reason,
        "via": request.via,
        "request_id": request.request_id,
    }


def _summarised(change: _Change) -> _Note | None:
    """The entry for an entity's changes; None where nothing is left of them."""
    if change.action == CREATE:
        before, after = None, _values(change.entity)  # with the defaults that the flush filled in
    elif change.action == UPDATE:
        fields = [name for name, value in change.after.items() if change.before.get(name) != value]
        if not fields:
            return None
        before, after = ({name: side.get(name) for name in fields} for side in (change.before, change.after))
    else:
        before, after = change.before, None
    state = inspect(change.entity)
    key = state.identity or state.mapper.primary_key_from_instance(change.entity)
    return _Note(
        change.action, resource_name(type(change.entity)), "/".join(map(str, key)), before, after, reason=None
    )


def _collect(session: Session, _context: UOWTransaction, _instances: object) -> None:
    changes: dict[int, _Change] = session.info.setdefault(_CHANGES, {})
    for entity in _audited(session.new):
        changes[id(entity)] = _Change(entity, CREATE)
    for entity in _audited(session.dirty):
        if session.is_modified(entity):
            change = changes.setdefault(id(entity), _Change(entity, UPDATE))
            before, after = _differences(entity)
            change.before = before | change.before
            change.after |= after
    for entity in _audited(session.deleted):
        known = changes.pop(id(entity), None)
        if known is None or known.action != CREATE:
            before = _values(entity) | (known.before if known else {})
            changes[id(entity)] = _Change(entity, DELETE, before=before)


def _forget(session: Session) -> None:
    session.info.pop(_CHANGES, None)
    session.info.pop(_NOTES, None)


def _audited(entities: Iterable[Any]) -> list[Base]:
    return [each for each in entities if isinstance(each, Base) and _is_audited(type(each))]


@lru_cache(maxsize=512)
def _is_audited(entity: type[Base]) -> bool:
    chosen: bool | None = getattr(entity, "__audited__", None)
    if chosen is not None:
        return chosen
    if issubclass(entity, Aggregate):
        return True
    owners = {m.local_table for m in Base.registry.mappers if issubclass(m.class_, Aggregate)}
    return any(key.column.table in owners for key in inspect(entity).local_table.foreign_keys)


def _audited_names(entity: Base) -> list[str]:
    columns = inspect(type(entity)).column_attrs
    return [
        each.key
        for each in columns
        if each.key not in _BOOKKEEPING and each.columns[0].info.get("audit") is not False
    ]


def _values(entity: Base) -> dict[str, Any]:
    loaded = inspect(entity).dict
    return {name: loaded[name] for name in _audited_names(entity) if loaded.get(name) is not None}


def _differences(entity: Base) -> tuple[dict[str, Any], dict[str, Any]]:
    """Changed fields before and after; each custom field counts as a field of its own."""
    state = inspect(entity)
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    for name in _audited_names(entity):
        history = state.attrs[name].history
        if not history.has_changes():
            continue
        old: Any = history.deleted[0] if history.deleted else None
        new: Any = history.added[0] if history.added else None
        if name == "custom_fields":
            removed, added = cast("dict[str, Any]", old or {}), cast("dict[str, Any]", new or {})
            for key in {*removed, *added}:
                before[f"{name}.{key}"], after[f"{name}.{key}"] = removed.get(key), added.get(key)
        else:
            before[name], after[name] = old, new
    return before, after


def plain(value: object) -> Any:
    """The value as JSON holds it: decimals and times as text, enums by name."""
    match value:
        case None | bool() | str() | float():
            return value
        case Enum():
            return value.name
        case int():
            return value
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case bytes():
            return f"{len(value)} bytes"
        case Mapping():
            return {str(key): plain(item) for key, item in cast("Mapping[object, object]", value).items()}
        case list() | tuple() | set() | frozenset():
            return [plain(item) for item in cast("Iterable[object]", value)]
        case _:
            return str(value)


Recorder = Callable[..., None]
