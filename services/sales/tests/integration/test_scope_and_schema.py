"""What must hold for every table: an empty scope sees no row, and the migrations make what the entities say."""

from __future__ import annotations

from datetime import date
from typing import Any

from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.migrations import commands
from facet_kit.testing.principals import a_principal, an_executive
from facet_kit.testing.scopes import scoped_entities, strangers, visible_rows


async def test_an_empty_scope_sees_no_row_of_any_scoped_entity(desk: Any) -> None:
    customer = await desk.a_customer(region_id="reg-scope")
    await desk.an_opportunity(customer, await desk.a_pipeline())
    await desk.activate(await desk.a_contract(customer))
    order = await desk.an_approved_order(customer)
    await desk.pay(await desk.an_invoice(order), "1.00", date(2099, 1, 1).isoformat())
    names = {entity.__name__ for entity in scoped_entities("facet_sales")}
    assert names >= {
        "Contract",
        "Invoice",
        "Opportunity",
        "OpportunityRevision",
        "Order",
        "Payment",
        "SalesSummary",
    }
    colleague = a_principal("sales_rep", region_ids=["reg-scope"])
    for entity in scoped_entities("facet_sales"):
        assert await visible_rows(desk.service, entity, an_executive()) > 0, entity
        assert await visible_rows(desk.service, entity, colleague) > 0, entity
        for stranger in strangers("sales_rep"):
            assert await visible_rows(desk.service, entity, stranger) == 0, (entity, stranger.kind)


async def test_a_team_member_and_an_owner_see_the_customers_records_without_a_region(desk: Any) -> None:
    customer = await desk.a_customer()
    order = await desk.an_order(customer)
    member = a_principal("sales_rep")
    await desk.service.given_team_member(member.person_id, customer.customer_id)
    assert (await desk.read(order, member)).id == order.id
    owner = a_principal("sales_rep", id=desk.rep.person_id)
    assert (await desk.read(order, owner)).state is pb.OrderState.DRAFT


async def test_the_migrations_make_what_the_entities_say(desk: Any) -> None:
    async with desk.service.app.database.engine.connect() as connection:
        assert await connection.run_sync(commands.differences, "facet_sales") == []
