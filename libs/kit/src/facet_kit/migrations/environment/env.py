"""Alembic's environment, shared by all services. Migrations run forward under load, so none waits long for a lock."""

import asyncio

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine

from facet_kit.migrations.metadata import service_metadata


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=service_metadata(context.config.attributes["package"]),
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        # Replicas that start together take turns; a migration never queues for long behind running queries.
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('facet.migrations'))"))
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        context.run_migrations()


async def _main() -> None:
    engine = create_async_engine(context.config.attributes["url"])
    async with engine.connect() as connection:
        await connection.run_sync(_migrate)
        await connection.commit()
    await engine.dispose()


asyncio.run(_main())
