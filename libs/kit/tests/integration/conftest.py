"""A database with the kit's tables and those of the sample entity in `widgets`."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest_asyncio
from sqlalchemy import delete

from facet_kit.custom_fields import CustomFieldDefinition, forget_on_commit
from facet_kit.database.base import Base
from facet_kit.database.session import Database
from facet_kit.migrations.commands import asyncpg_url
from facet_kit.migrations.metadata import service_metadata
from facet_kit.testing.databases import Databases

from .widgets import SAMPLES, Widget


@pytest_asyncio.fixture(scope="module")
async def database(databases: Databases) -> AsyncGenerator[Database]:
    url = await databases.create("kit")
    database = Database.connect("kit", asyncpg_url(url))
    async with database.engine.begin() as connection:
        await connection.run_sync(service_metadata("facet_kit").create_all)
        await connection.run_sync(Base.metadata.create_all, tables=SAMPLES)
    yield database
    await database.close()
    await databases.drop(url)


@pytest_asyncio.fixture
async def clean(database: Database) -> Database:
    """The database without widgets and custom fields."""
    async with database.system_sessions() as session:
        for entity in (Widget, CustomFieldDefinition):
            await session.execute(delete(entity.__table__))
        forget_on_commit(session)
        await session.commit()
    return database
