"""The migrations make the tables that the entities describe."""

from __future__ import annotations

from typing import Any

from facet_kit.migrations import commands


async def test_the_migrated_database_has_what_the_entities_say_and_nothing_else(service: Any) -> None:
    async with service.app.database.engine.connect() as connection:
        assert await connection.run_sync(commands.differences, "facet_analytics") == []
