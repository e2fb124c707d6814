"""What must hold for every table: an empty scope sees no row, and the migrations make what the entities say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from facet_kit.database.base import Base
from facet_kit.migrations import commands
from facet_kit.principal import Principal
from facet_kit.testing.principals import a_principal

if TYPE_CHECKING:
    from conftest import Desk


def scoped_entities() -> list[type[Base]]:
    entities = sorted((mapper.class_ for mapper in Base.registry.mappers), key=lambda entity: entity.__name__)
    return [each for each in entities if each.__scope__ and each.__module__.startswith("facet_service_desk")]


async def rows(desk: Desk, entity: type[Base], principal: Principal) -> int:
    async with desk.service.app.database.unit_of_work(principal, read_only=True) as ctx:
        return (await ctx.session.execute(select(func.count()).select_from(entity))).scalar_one()


async def test_an_empty_scope_sees_no_row_of_any_scoped_entity(desk: Desk) -> None:
    customer = await desk.service.given_customer(region_id="reg-scope")
    await desk.ticket(customer)
    await desk.asset(customer)
    await desk.record(customer)
    names = {entity.__name__ for entity in scoped_entities()}
    assert names == {"Asset", "AssetSummaryRow", "ServiceRecord", "Ticket", "TicketSummaryRow"}
    strangers = [
        a_principal("service_agent"),
        a_principal("service_agent", region_ids=["reg-nowhere"]),
        a_principal("customer", group_id="another-group"),
        a_principal("partner", group_id="another-group", channel_id="another-channel"),
    ]
    for entity in scoped_entities():
        assert await rows(desk, entity, a_principal("service_agent", region_ids=["reg-scope"])) > 0, entity
        for stranger in strangers:
            assert await rows(desk, entity, stranger) == 0, (entity, stranger.kind)


async def test_a_member_of_the_account_team_sees_the_customers_tickets_without_a_region(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    ticket = await desk.ticket(customer)
    member = a_principal("service_agent")
    await desk.service.given_team_member(member.person_id, customer.customer_id)
    commented = await desk.verb("respond", ticket, member, comment="Hello")
    assert commented.id == ticket.id


async def test_the_migrations_make_what_the_entities_say(desk: Desk) -> None:
    async with desk.service.app.database.engine.connect() as connection:
        assert await connection.run_sync(commands.differences, "facet_service_desk") == []
