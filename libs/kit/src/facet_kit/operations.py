"""Long-running operations (AIP-151): work that outlives its request, with progress and an end that can be asked for.

This module keeps the book; who does the work (a handler, a timer) calls it in transactions of its own.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.platform.v1.resources_pb import OperationState
from facet_kit.audit import plain
from facet_kit.context import Ctx
from facet_kit.database.base import Base, enum_column
from facet_kit.errors import Conflict, NotFound


class OperationRow(Base):
    """One piece of long-running work. Its id starts with the service's name, so that the gateway finds it."""

    __tablename__ = "operations"
    __scope__ = None

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    state: Mapped[OperationState] = enum_column(OperationState, default=OperationState.RUNNING)
    done_count: Mapped[int] = mapped_column(BigInteger, default=0)
    total_count: Mapped[int] = mapped_column(BigInteger, default=0)
    details: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    """What the work is about; `metadata` in the API."""
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    error_reason: Mapped[str] = mapped_column(default="")
    error_message: Mapped[str] = mapped_column(default="")
    principal_id: Mapped[str]
    person_id: Mapped[str]
    create_time: Mapped[datetime]
    update_time: Mapped[datetime]


def start(ctx: Ctx, kind: str, *, total: int = 0, metadata: Mapping[str, Any] | None = None) -> OperationRow:
    """A new running operation of the caller; `total` is the units of work in all, 0 while unknown."""
    now = ctx.clock.now()
    operation = OperationRow(
        id=f"{ctx.service}-{ctx.ids.new()}",
        kind=kind,
        state=OperationState.RUNNING,
        done_count=0,
        total_count=total,
        details=plain(metadata or {}),
        principal_id=ctx.principal.id,
        person_id=ctx.principal.person_id,
        create_time=now,
        update_time=now,
    )
    ctx.session.add(operation)
    return operation


async def get(ctx: Ctx, id: str) -> OperationRow:
    """The operation, if the caller or the person behind him started it, or he has full scope; else NotFound."""
    operation = await ctx.session.get(OperationRow, id, populate_existing=True)
    if operation is None or not (ctx.principal.full_scope or operation.person_id == ctx.principal.person_id):
        raise NotFound("operation", id)
    return operation


async def progress(ctx: Ctx, id: str, *, done: int, total: int | None = None) -> None:
    """Says how many units of work are done. Raises Conflict when the operation has ended."""
    await _change(ctx, id, done_count=done, **({} if total is None else {"total_count": total}))


async def finish(ctx: Ctx, id: str, result: Mapping[str, Any] | None = None) -> None:
    """Ends the operation well. Raises Conflict when it has ended already."""
    await _change(ctx, id, state=OperationState.DONE, result=plain(result or {}))


async def fail(ctx: Ctx, id: str, *, reason: str, message: str) -> None:
    """Ends the operation with an error; `reason` is UPPER_SNAKE. Raises Conflict when it has ended already."""
    await _change(ctx, id, state=OperationState.FAILED, error_reason=reason, error_message=message)


async def _change(ctx: Ctx, id: str, **values: object) -> None:
    running = (OperationRow.id == id, OperationRow.state == OperationState.RUNNING)
    statement = update(OperationRow).where(*running).values(update_time=ctx.clock.now(), **values)
    changed = await ctx.session.execute(statement.returning(OperationRow.id))
    if changed.scalar_one_or_none() is None:
        raise Conflict(
            "OPERATION_ENDED", f"Operation {id} does not run (any more).", metadata={"operation": id}
        )
