"""Each service has a database and a role of its own, and cannot enter another's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from facet_local.databases import ServiceDatabases
from facet_local.home import Home
from facet_local.servers import PostgresServer


class WithoutMigrations(ServiceDatabases):
    """Counts instead of migrating; the migrations are the services' own."""

    migrated: list[str]

    async def _migrate_all(self, services: Sequence[str]) -> None:
        self.migrated = list(services)


@pytest.fixture
async def service_databases(home: Home) -> AsyncIterator[WithoutMigrations]:
    """Databases of two services on a server of their own: roles are known to a whole server."""
    server = PostgresServer(home, disposable=True)
    server.start()
    made = WithoutMigrations(home, server.url, ["customer", "service-desk"])
    await made.prepare()
    yield made
    server.kill()


def plain(url: str) -> str:
    """The address without the driver's name, as asyncpg wants it."""
    return urlunsplit(urlsplit(url)._replace(scheme="postgresql"))


async def test_a_service_is_at_home_in_its_database_only(service_databases: WithoutMigrations) -> None:
    own = plain(service_databases.url("service-desk"))
    connection = await asyncpg.connect(own)
    await connection.execute("CREATE TABLE tickets (id text)")
    assert (
        await connection.fetchval(
            "SELECT count(*) FROM pg_extension WHERE extname IN ('pg_trgm', 'btree_gin')"
        )
        == 2
    )
    await connection.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(urlunsplit(urlsplit(own)._replace(path="/facet_customer")))


async def test_migrations_are_skipped_when_nothing_changed(service_databases: WithoutMigrations) -> None:
    assert service_databases.migrated == ["customer", "service-desk"]
    assert await service_databases.prepare() == []
