"""A connection that holds an advisory lock: whoever has it leads, and whoever loses it cannot write."""
# asyncpg carries no types; `Connection` says what is used of it.
# pyright: reportUnknownMemberType=false, reportMissingTypeStubs=false

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Protocol, cast

import asyncpg
from sqlalchemy import URL

STATEMENT_ERRORS = (asyncpg.PostgresError, asyncpg.InterfaceError)
DATABASE_ERRORS = (OSError, *STATEMENT_ERRORS)


class Connection(Protocol):
    """The calls made on an asyncpg connection."""

    async def fetch(self, query: str, *values: object) -> list[Mapping[str, Any]]: ...

    async def fetchval(self, query: str, *values: object) -> Any: ...

    async def execute(self, query: str, *values: object) -> str: ...

    async def add_listener(self, channel: str, callback: Callable[..., None]) -> None: ...

    def terminate(self) -> None: ...


@asynccontextmanager
async def leading(database: URL, lock: int, *, ask_seconds: float) -> AsyncGenerator[Connection]:
    """Waits until no other process holds the lock in this database; yields the connection that holds it now.

    Raises:
        OSError, asyncpg.PostgresError, asyncpg.InterfaceError: the database is away (`DATABASE_ERRORS`).
    """
    dsn = database.set(drivername="postgresql").render_as_string(hide_password=False)
    connection = cast("Connection", await asyncpg.connect(dsn, timeout=5, command_timeout=60))
    try:
        # Asked again and again: a statement that waits for the lock would hold back vacuum and index builds.
        leads = False
        while not leads:
            leads = await connection.fetchval("SELECT pg_try_advisory_lock($1)", lock)
            if not leads:
                await asyncio.sleep(ask_seconds)
        yield connection
    finally:
        connection.terminate()
