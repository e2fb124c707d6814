"""Runs Alembic for one service's package; versions live in `<package>/migrations/versions`."""

from __future__ import annotations

import importlib
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection

_ENVIRONMENT = Path(__file__).parent / "environment"


def config(package: str, database_url: str) -> Config:
    """Alembic's configuration for a service's package; any PostgreSQL URL will do."""
    module = importlib.import_module(package)
    versions = Path(str(module.__file__)).parent / "migrations" / "versions"
    settings = Config()
    settings.set_main_option("script_location", str(_ENVIRONMENT))
    settings.set_main_option("version_locations", str(versions))
    settings.set_main_option("path_separator", "os")
    settings.attributes["url"] = asyncpg_url(database_url)
    settings.attributes["package"] = package
    return settings


def asyncpg_url(url: str) -> str:
    """The same database through asyncpg: the bare scheme means another driver."""
    return "postgresql+asyncpg://" + url.split("://", 1)[1]


def upgrade(package: str, database_url: str) -> None:
    """Migrates the database forward to the newest version; does nothing where it is there already."""
    command.upgrade(config(package, database_url), "head")


def revision(package: str, database_url: str, message: str) -> None:
    """Writes a new migration from the difference between the entities and the database."""
    command.revision(config(package, database_url), message=message, autogenerate=True)


def differences(connection: Connection, package: str) -> list[object]:
    """What the entities have and the migrated database has not, or the reverse; empty when they agree."""
    from facet_kit.migrations.metadata import service_metadata

    context = MigrationContext.configure(
        connection, opts={"compare_type": False, "compare_server_default": False}
    )
    return list(compare_metadata(context, service_metadata(package)))
