"""What must hold for every table: an empty scope sees no row, and the migrations make what the entities say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facet_kit.migrations import commands
from facet_kit.testing.principals import a_principal
from facet_kit.testing.scopes import scoped_entities, strangers, visible_rows

if TYPE_CHECKING:
    from conftest import Marketing


async def test_an_empty_scope_sees_no_row_of_any_scoped_entity(marketing: Marketing) -> None:
    region = await marketing.service.given_org("region")
    customer = await marketing.service.given_customer(region_id=region.id)
    await marketing.consent(customer)
    await marketing.touch(customer)
    await marketing.points(customer, 5, "a")
    await marketing.campaign(region_id=region.id)
    names = {entity.__name__ for entity in scoped_entities("facet_marketing")}
    assert names == {"Campaign", "Consent", "PointsAccount", "PointsEntry", "Touch"}
    colleague = a_principal("sales_rep", region_ids=[region.id])
    for entity in scoped_entities("facet_marketing"):
        assert await visible_rows(marketing.service, entity, colleague) > 0, entity
        for stranger in strangers("sales_rep"):
            assert await visible_rows(marketing.service, entity, stranger) == 0, (entity, stranger.kind)


async def test_the_migrations_make_what_the_entities_say(marketing: Marketing) -> None:
    async with marketing.service.app.database.engine.connect() as connection:
        assert await connection.run_sync(commands.differences, "facet_marketing") == []
