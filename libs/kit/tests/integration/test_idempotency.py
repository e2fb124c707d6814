"""How long the answer to an Idempotency-Key is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from facet_kit.database.session import Database
from facet_kit.server.idempotency import KEPT, IdempotencyKey, forget_old


async def test_answers_are_forgotten_after_a_day(database: Database) -> None:
    now = datetime.now(UTC)
    ages = {"older": KEPT + timedelta(minutes=1), "younger": KEPT - timedelta(minutes=1)}
    async with database.system_sessions() as session, session.begin():
        for key, age in ages.items():
            session.add(
                IdempotencyKey(
                    principal_id="ann",
                    key=key,
                    method="m",
                    request_hash=b"",
                    response=b"",
                    create_time=now - age,
                )
            )
        await session.flush()
        await forget_old(session)
        assert (await session.scalars(select(IdempotencyKey.key))).all() == ["younger"]
