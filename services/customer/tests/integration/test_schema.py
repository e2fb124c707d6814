"""The migrations make exactly the schema that the entities describe."""

from __future__ import annotations

from facet_kit.migrations.commands import differences


async def test_the_migrated_schema_is_that_of_the_entities(service):
    async with service.app.database.engine.connect() as connection:
        assert await connection.run_sync(differences, "facet_customer") == []
