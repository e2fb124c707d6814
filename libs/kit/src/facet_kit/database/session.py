"""The database of one service, and its unit of work: one transaction per call or event, and all that commits in it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import event, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import Session, UOWTransaction
from sqlalchemy.orm.exc import StaleDataError

from facet_contracts.facet.type.v1.account_pb import AccountSummaryChanged
from facet_kit.audit import end_read, install_audit, write_audit
from facet_kit.clock import Clock, FixedClock, SystemClock
from facet_kit.context import Ctx, RequestInfo
from facet_kit.custom_fields.settling import install_custom_fields
from facet_kit.database.base import Aggregate, EventSource
from facet_kit.database.scope import PRINCIPAL, ScopedSession, apply_row_scope
from facet_kit.errors import Conflict, FacetError, Invalid, Stale, Unavailable
from facet_kit.failpoints import failpoint
from facet_kit.ids import Ids, Uuid7Ids
from facet_kit.messaging.envelope import EventMeta
from facet_kit.messaging.outbox import notify, outbox_row
from facet_kit.principal import Principal, service_principal
from facet_kit.refs import CustomerRef

_RECORDED = "recorded"  # keys of session.info
_CLOCK = "clock"

event.listen(ScopedSession, "do_orm_execute", apply_row_scope)
install_audit(ScopedSession)
install_custom_fields(ScopedSession)


@event.listens_for(ScopedSession, "before_flush")
def _stamp_and_collect(session: Session, _context: UOWTransaction, _instances: object) -> None:
    """Sets update times, and keeps the recorded facts: after the flush nothing else holds a changed entity."""
    clock = cast(Clock, session.info[_CLOCK])
    recorded: list[tuple[Aggregate, int, EventSource]] = session.info.setdefault(_RECORDED, [])
    for entity in [*session.new, *session.dirty]:
        if isinstance(entity, Aggregate) and session.is_modified(entity):
            entity.update_time = clock.now()
            recorded.extend((entity, number, source) for number, source in entity.take_recorded())


@dataclass(slots=True)
class Database:
    """Engine and sessions of one service, and how a unit of work is opened and finished."""

    service: str
    engine: AsyncEngine
    sessions: async_sessionmaker[AsyncSession]
    system_sessions: async_sessionmaker[AsyncSession]
    """Sessions of the service itself, for events and timers: full scope."""
    ids: Ids
    backdating: bool = False

    @classmethod
    def connect(
        cls, service: str, url: str, *, pool_size: int = 10, overflow: int = 10, backdating: bool = False
    ) -> Database:
        """Prepares connections to `postgresql+asyncpg://…`; none is opened before the first use."""
        engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=overflow,
            pool_timeout=3,
            pool_use_lifo=True,  # the connections used last have their statements prepared
            connect_args={
                "timeout": 3,
                "prepared_statement_cache_size": 500,
                "server_settings": {
                    "application_name": f"facet-{service}",
                    "statement_timeout": "15000",
                    "idle_in_transaction_session_timeout": "60000",
                    "jit": "off",
                },
            },
        )
        sessions = async_sessionmaker(engine, sync_session_class=ScopedSession, expire_on_commit=False)
        info = {PRINCIPAL: service_principal(service), _CLOCK: SystemClock()}
        system_sessions = async_sessionmaker(
            engine, sync_session_class=ScopedSession, expire_on_commit=False, info=info
        )
        return cls(service, engine, sessions, system_sessions, Uuid7Ids(), backdating)

    @asynccontextmanager
    async def unit_of_work(
        self, principal: Principal, request: RequestInfo | None = None, *, read_only: bool = False
    ) -> AsyncGenerator[Ctx]:
        """One transaction for one call. On a clean exit facts, audit and changes commit together; else nothing does.

        Raises:
            FacetError: also in place of the database's errors: stale versions, broken constraints, lost connections.
        """
        clock: Clock = FixedClock(principal.at) if self.backdating and principal.at else SystemClock()
        async with self.sessions() as session:
            session.sync_session.info.update({PRINCIPAL: principal, _CLOCK: clock})
            ctx = Ctx(self.service, principal, session, clock, self.ids, request or RequestInfo())
            try:
                yield ctx
                if read_only:
                    await end_read(ctx)
                else:
                    await finish(ctx)
            except FacetError:
                raise
            except (StaleDataError, DBAPIError, PoolTimeout, ConnectionError) as error:
                refusal = translated(error)
                if refusal is None:  # a defect of ours, not of the caller's or the database's
                    raise
                raise refusal from error

    @asynccontextmanager
    async def event_context(self, session: AsyncSession, meta: EventMeta) -> AsyncGenerator[Ctx]:
        """The context of an event's handlers, in a transaction that runs already; writes what they announced."""
        clock: Clock = FixedClock(meta.time) if self.backdating else SystemClock()
        session.sync_session.info[_CLOCK] = clock
        principal = cast(Principal, session.sync_session.info[PRINCIPAL])
        ctx = Ctx(
            self.service,
            principal,
            session,
            clock,
            self.ids,
            RequestInfo(request_id=meta.id, via=meta.subject),
        )
        yield ctx
        await write_facts(ctx)

    async def close(self) -> None:
        """Closes the pooled connections."""
        await self.engine.dispose()


async def finish(ctx: Ctx) -> None:
    """Writes the facts and commits."""
    await write_facts(ctx)
    await failpoint("unit_of_work.before_commit")
    await ctx.session.commit()
    await failpoint("unit_of_work.after_commit")


async def write_facts(ctx: Ctx) -> None:
    """Flushes the changes, and writes what was announced into the outbox and what changed into the audit."""
    await ctx.flush()
    rows = await _outgoing(ctx)
    if rows:
        ctx.session.add_all(rows)
        await notify(ctx.session)
    await write_audit(ctx)


async def _outgoing(ctx: Ctx) -> list[Any]:
    now = ctx.clock.now()
    recorded: list[tuple[Aggregate, int, EventSource]] = ctx.session.sync_session.info.pop(_RECORDED, [])
    facts = [
        (source() if callable(source) else source, entity.id, number) for entity, number, source in recorded
    ]
    facts += ctx.published
    if ctx.touched:
        facts.append((await _summary_changed(ctx), ",".join(sorted(ctx.touched))[:64], 0))
    return [
        outbox_row(ctx.service, message, aggregate_id=id, version=number, now=now, ids=ctx.ids)
        for message, id, number in facts
    ]


async def _summary_changed(ctx: Ctx) -> AccountSummaryChanged:
    """One event for all accounts touched: the customers and all their ancestors, whose views include them."""
    refs = CustomerRef.__table__.c
    query = select(refs.ancestor_ids).where(refs.customer_id.in_(ctx.touched))
    found = (await ctx.session.execute(query)).scalars()
    return AccountSummaryChanged(account_ids=sorted(ctx.touched.union(*found)))


_TRANSIENT = frozenset({"40001", "40P01"})  # serialization failure, deadlock


def is_transient(error: BaseException) -> bool:
    """Whether the transaction may succeed when it is run again."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _TRANSIENT


# Connection exceptions, too few resources, and the operator's or a restarting server's interventions.
_AWAY = ("08", "53", "57")


def translated(error: BaseException) -> FacetError | None:
    """The refusal a caller gets in place of a database error; None for an error that no caller can help."""
    if isinstance(error, StaleDataError):
        return Stale("record")
    if isinstance(error, IntegrityError):
        return _constraint_error(error)
    sqlstate = str(getattr(getattr(error, "orig", None), "sqlstate", "") or "")
    if sqlstate.startswith("22"):  # data exception: the value does not fit the column
        return Invalid(
            "VALUE_OUT_OF_RANGE", "A value is too large, too long or has a character that cannot be stored."
        )
    if is_transient(error):
        return Conflict(
            "CONCURRENT_CHANGE", "Too many changes hit the same records at once. Retry in a moment."
        )
    if sqlstate and not sqlstate.startswith(_AWAY):
        return None
    return Unavailable(
        "DATABASE_UNAVAILABLE", "The service's database does not answer. Retry in a moment.", retry_after=2
    )


def _constraint_error(error: IntegrityError) -> FacetError:
    cause = getattr(error.orig, "__cause__", None)
    constraint = str(getattr(cause, "constraint_name", None) or "")
    table = str(getattr(cause, "table_name", None) or "record")
    metadata = {"constraint": constraint, "table": table}
    match getattr(error.orig, "sqlstate", None):
        case "23505":
            detail = str(getattr(cause, "detail", None) or "")
            message = f"There is one already: {detail or constraint}. Use the existing record, or choose another value."
            return Conflict("ALREADY_EXISTS", message, metadata=metadata)
        case "23503":
            return Conflict(
                "REFERENCE_BROKEN",
                f"A referenced {table} record is missing or in use ({constraint}).",
                metadata=metadata,
            )
        case _:
            return Conflict("RULE_VIOLATED", f"The change breaks the rule {constraint}.", metadata=metadata)
