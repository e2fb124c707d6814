"""Fresh databases for tests, empty or cloned from a template that is migrated once for a whole session."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

_EXTENSIONS = ("pg_trgm", "btree_gin")
_LEFTOVERS = text("""
    SELECT datname, datistemplate FROM pg_database
    WHERE datname ~ '^test_[0-9a-f]{8}_'
    AND (pg_stat_file('base/' || oid || '/PG_VERSION')).modification < now() - interval '6 hours'
""")
_LOCK = text("SELECT pg_advisory_lock(hashtext(:name))")  # released when the connection closes


class Databases:
    """Fresh databases on one server, empty or cloned from a template prepared once for all workers."""

    def __init__(self, admin_url: str) -> None:
        self._admin_url = admin_url
        self._made: list[str] = []
        self._session = os.environ.get("PYTEST_XDIST_TESTRUNUID", secrets.token_hex(16))[:8]

    async def create(self, prefix: str, *, template: str | None = None) -> str:
        """Creates a database, a copy of the template if one is named, and answers its postgresql:// URL."""
        name = self._name(prefix, secrets.token_hex(4))
        if template is None:
            await self._create_empty(name)
            await self._install_extensions(name)
        else:
            await self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        self._made.append(name)
        return self._url(name)

    async def template(self, prefix: str, prepare: Callable[[str], Awaitable[None]]) -> str:
        """The name of a template database; the first worker of the session prepares it by `prepare(url)`.

        `prepare` must close its connections: a database in use cannot be copied.
        """
        name = self._name(prefix, "template")
        state = text("SELECT datistemplate FROM pg_database WHERE datname = :name")
        async with _connection(self._admin_url) as admin:
            await admin.execute(_LOCK, {"name": name})
            complete = await admin.scalar(state, {"name": name})
            if complete is None:
                await self._create_empty(name)
            if not complete:
                await self._install_extensions(name)
                await prepare(self._url(name))
                await self._run(f'ALTER DATABASE "{name}" IS_TEMPLATE true')
        return name

    async def drop(self, url: str) -> None:
        """Drops a database that `create` made, ending the sessions in it."""
        name = urlsplit(url).path.lstrip("/")
        await self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        if name in self._made:
            self._made.remove(name)

    async def drop_all(self) -> None:
        """Drops every database made here; templates stay, because another worker may still copy them."""
        for name in list(self._made):
            await self.drop(self._url(name))

    async def drop_leftovers(self) -> None:
        """Drops what sessions of long ago left on a server that outlives its sessions, templates included."""
        async with _connection(self._admin_url) as admin:
            await admin.execute(_LOCK, {"name": "facet.test.leftovers"})
            for name, is_template in (await admin.execute(_LEFTOVERS)).all():
                if is_template:
                    await self._run(f'ALTER DATABASE "{name}" IS_TEMPLATE false')
                await self._run(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def _create_empty(self, name: str) -> None:
        await self._run(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'UTF8'")

    async def _install_extensions(self, name: str) -> None:
        async with _connection(self._url(name)) as connection:
            for extension in _EXTENSIONS:
                await connection.execute(text(f"CREATE EXTENSION IF NOT EXISTS {extension}"))

    async def _run(self, statement: str) -> None:
        async with _connection(self._admin_url) as admin:
            await admin.execute(text(statement))

    def _name(self, prefix: str, suffix: str) -> str:
        label = re.sub(r"[^a-z0-9]+", "_", prefix.lower())[:30]
        return f"test_{self._session}_{label}_{suffix}"

    def _url(self, name: str) -> str:
        return urlunsplit(urlsplit(self._admin_url)._replace(path=f"/{name}"))


@asynccontextmanager
async def _connection(url: str) -> AsyncGenerator[AsyncConnection]:
    """A connection that commits each statement, as CREATE DATABASE demands."""
    driver_url = urlunsplit(urlsplit(url)._replace(scheme="postgresql+asyncpg"))
    engine = create_async_engine(driver_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        async with engine.connect() as connection:
            yield connection
    finally:
        await engine.dispose()
