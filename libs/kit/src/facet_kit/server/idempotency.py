"""One effect per Idempotency-Key (AIP-155): the answer is stored in the transaction of the effect, and replayed.

The same key with another body is refused (422), and so is a twin that is still running (409). Nothing is stored of a
call that failed: it may be repeated under the same key.
"""

import asyncio
import hashlib
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import LargeBinary, delete, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Mapped, mapped_column

from facet_kit.context import Ctx
from facet_kit.database.base import Base
from facet_kit.errors import Conflict, Invalid

KEPT: Final = timedelta(hours=24)
MAX_LENGTH: Final = 255
_log = structlog.get_logger()


class IdempotencyKey(Base):
    """The answer that a principal's call with this key got."""

    __tablename__ = "idempotency_keys"

    principal_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    method: Mapped[str]
    request_hash: Mapped[bytes] = mapped_column(LargeBinary)
    response: Mapped[bytes] = mapped_column(LargeBinary)
    create_time: Mapped[datetime] = mapped_column(index=True)


def fingerprint(method: str, request: bytes) -> bytes:
    """What two calls under one key must share."""
    return hashlib.sha256(method.encode() + b"\0" + request).digest()


async def replayed(ctx: Ctx, method: str, request: bytes) -> bytes | None:
    """The stored answer of this key, or None when this call is the first; from then on the key is this transaction's.

    Raises:
        Conflict: a call with the key is still running.
        Invalid: the key was used for another request, or is too long.
    """
    key = ctx.request.idempotency_key
    if len(key) > MAX_LENGTH:
        raise Invalid(
            "IDEMPOTENCY_KEY",
            f"An Idempotency-Key has at most {MAX_LENGTH} characters.",
            field="Idempotency-Key",
        )
    lock = func.pg_try_advisory_xact_lock(func.hashtextextended(f"{ctx.principal.id}\x1f{key}", 7))
    if not (await ctx.session.execute(select(lock))).scalar_one():
        raise Conflict(
            "IDEMPOTENCY_KEY_IN_USE",
            "A call with this Idempotency-Key is still running. Wait, then repeat it.",
        )
    # Read after the lock, in a statement of its own: an earlier snapshot could miss the twin that has just committed.
    row = await ctx.session.get(IdempotencyKey, (ctx.principal.id, key))
    if row is None:
        return None
    if row.request_hash != fingerprint(method, request):
        raise Invalid(
            "IDEMPOTENCY_KEY_REUSED",
            "This Idempotency-Key belongs to another request. Use a new key for a new request.",
            field="Idempotency-Key",
        )
    return row.response


def remember(ctx: Ctx, method: str, request: bytes, response: bytes) -> None:
    """Stores the answer; it commits with the effect."""
    ctx.session.add(
        IdempotencyKey(
            principal_id=ctx.principal.id,
            key=ctx.request.idempotency_key,
            method=method,
            request_hash=fingerprint(method, request),
            response=response,
            create_time=func.now(),  # also of a call that is dated back: it may be repeated for a day from now
        )
    )


async def forget_old(session: AsyncSession) -> None:
    """Deletes answers older than a day."""
    await session.execute(delete(IdempotencyKey).where(IdempotencyKey.create_time < func.now() - KEPT))


async def keep_forgetting(
    sessions: async_sessionmaker[AsyncSession], *, interval_seconds: float = 600.0
) -> None:
    """Deletes old answers until cancelled; any number of replicas may do so."""
    while True:
        try:
            async with sessions() as session, session.begin():
                await forget_old(session)
        except (DBAPIError, OSError) as error:
            _log.warning("idempotency_keys_kept", error=str(error))
        await asyncio.sleep(interval_seconds)
