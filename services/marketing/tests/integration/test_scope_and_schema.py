"""What must hold for every table: an empty scope sees no row, and the migrations make what the entities say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from facet_kit.database.base import Base
from facet_kit.migrations import commands
from facet_kit.principal import Principal
from facet_kit.testing.principals import a_principal

if TYPE_CHECKING:
    from conftest import Marketing


def scoped_entities() -> list[type[Base]]:
    entities = sorted((mapper.class_ for mapper in Base.registry.mappers), key=lambda entity: entity.__name__)
    return [each for each in entities if each.__scope__ and each.__module__.startswith("facet_marketing")]


async def rows(marketing: Marketing, entity: type[Base], principal: Principal) -> int:
    async with marketing.service.app.database.unit_of_work(principal, read_only=True) as ctx:
        return (await ctx.session.execute(select(func.count()).select_from(entity))).scalar_one()


async def test_an_empty_scope_sees_no_row_of_any_scoped_entity(marketing: Marketing) -> None:
    region = await marketing.service.given_org("region")
    customer = await marketing.service.given_customer(region_id=region.id)
    await marketing.consent(customer)
    await marketing.touch(customer)
    await marketing.points(customer, 5, "a")
    await marketing.campaign(region_id=region.id)
    names = {entity.__name__ for entity in scoped_entities()}
    assert names == {"Campaign", "Consent", "PointsAccount", "PointsEntry", "Touch"}
    strangers = [
        a_principal("sales_rep"),
        a_principal("sales_rep", region_ids=["reg-nowhere"]),
        a_principal("customer", group_id="another-group"),
        a_principal("partner", group_id="another-group", channel_id="another-channel"),
    ]
    for entity in scoped_entities():
        assert await rows(marketing, entity, a_principal("sales_rep", region_ids=[region.id])) > 0, entity
        for stranger in strangers:
            assert await rows(marketing, entity, stranger) == 0, (entity, stranger.kind)


async def test_the_migrations_make_what_the_entities_say(marketing: Marketing) -> None:
    async with marketing.service.app.database.engine.connect() as connection:
        assert await connection.run_sync(commands.differences, "facet_marketing") == []
