"""What must hold for every table: an empty scope sees no row, and the migrations make what the entities say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from facet_kit.migrations import commands
from facet_kit.testing.principals import a_principal
from facet_kit.testing.scopes import scoped_entities, strangers, visible_rows

if TYPE_CHECKING:
    from conftest import Desk


async def test_an_empty_scope_sees_no_row_of_any_scoped_entity(desk: Desk) -> None:
    customer = await desk.service.given_customer(region_id="reg-scope")
    await desk.ticket(customer)
    await desk.asset(customer)
    await desk.record(customer)
    names = {entity.__name__ for entity in scoped_entities("facet_service_desk")}
    assert names == {"Asset", "AssetSummaryRow", "ServiceRecord", "Ticket", "TicketSummaryRow"}
    colleague = a_principal("service_agent", region_ids=["reg-scope"])
    for entity in scoped_entities("facet_service_desk"):
        assert await visible_rows(desk.service, entity, colleague) > 0, entity
        for stranger in strangers("service_agent"):
            assert await visible_rows(desk.service, entity, stranger) == 0, (entity, stranger.kind)


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
