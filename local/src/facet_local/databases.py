"""One database and one role per service, and the migrations that have been applied to each."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from facet_local.catalogue import database_of, package_of
from facet_local.environment import child_environment
from facet_local.home import Home

_EXTENSIONS = ("pg_trgm", "btree_gin")
_PARALLEL_MIGRATIONS = 3
_MARK = "migrations "


class MigrationFailed(RuntimeError):
    """A service's migrations did not run through; the message carries their output."""


class ServiceDatabases:
    """The databases of all services on the platform's PostgreSQL server."""

    def __init__(self, home: Home, admin_url: str, services: Sequence[str]) -> None:
        self._home = home
        self._admin_url = admin_url
        self._services = services

    def url(self, service: str) -> str:
        """Address for the service itself, under its own role: postgresql+asyncpg://…"""
        role = database_of(service)
        parts = urlsplit(self._admin_url)
        secret = self._home.secret(f"database.{service}")
        authority = f"{role}:{secret}@{parts.hostname}:{parts.port}"
        return urlunsplit(("postgresql+asyncpg", authority, f"/{database_of(service)}", "", ""))

    async def prepare(self) -> list[str]:
        """Creates what is missing and migrates what is behind; answers the services that were migrated.

        Raises MigrationFailed.
        """
        async with _session(self._admin_url) as admin:
            for service in self._services:
                await self._create(admin, service)
            behind = [service for service in self._services if not await self._is_current(admin, service)]
            await self._migrate_all(behind)
            for service in behind:
                mark = f"{_MARK}{_fingerprint(service)}"
                await admin.execute(f"COMMENT ON DATABASE {database_of(service)} IS '{mark}'")
        return behind

    async def _create(self, admin: asyncpg.Connection, service: str) -> None:
        name, secret = database_of(service), self._home.secret(f"database.{service}")
        if await admin.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", name):
            return
        if not await admin.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", name):
            await admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{secret}'")
        await admin.execute(f"CREATE DATABASE {name} OWNER {name} TEMPLATE template0 ENCODING 'UTF8'")
        await admin.execute(f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
        async with _session(urlunsplit(urlsplit(self._admin_url)._replace(path=f"/{name}"))) as own:
            for extension in _EXTENSIONS:
                await own.execute(f"CREATE EXTENSION IF NOT EXISTS {extension}")

    async def _is_current(self, admin: asyncpg.Connection, service: str) -> bool:
        """The mark lies in the database itself, so that it cannot speak of another one."""
        query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = $1"
        return await admin.fetchval(query, database_of(service)) == f"{_MARK}{_fingerprint(service)}"

    async def _migrate_all(self, services: Sequence[str]) -> None:
        free = asyncio.Semaphore(_PARALLEL_MIGRATIONS)

        async def migrate(service: str) -> None:
            async with free:
                await asyncio.to_thread(self._migrate, service)

        await asyncio.gather(*(migrate(service) for service in services))

    def _migrate(self, service: str) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "facet_kit.migrations", "upgrade", package_of(service)],
            env=child_environment(FACET_DATABASE_URL=self.url(service)),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            output = "\n".join((done.stdout + done.stderr).splitlines()[-20:])
            raise MigrationFailed(f"the migrations of {service} failed:\n{output}")


def _fingerprint(service: str) -> str:
    """A digest of the service's migrations and the kit's: unchanged means nothing to apply."""
    digest = hashlib.sha256()
    for package in (package_of(service), "facet_kit"):
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            continue
        for file in sorted((Path(spec.origin).parent / "migrations").rglob("*.py")):
            digest.update(file.name.encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


@asynccontextmanager
async def _session(url: str) -> AsyncGenerator[asyncpg.Connection]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()
