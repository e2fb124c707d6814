"""What must hold for every table: an empty scope sees no row, and the migrations make what the entities say."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import func, select

from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.database.base import Base
from facet_kit.migrations import commands
from facet_kit.testing.principals import a_principal, an_executive


def scoped_entities() -> list[type[Base]]:
    mappers = sorted(Base.registry.mappers, key=lambda mapper: mapper.class_.__name__)
    entities = [mapper.class_ for mapper in mappers]
    return [each for each in entities if each.__scope__ and each.__module__.startswith("facet_sales")]


async def rows(desk: Any, entity: type[Base], principal: Any) -> int:
    async with desk.service.app.database.unit_of_work(principal, read_only=True) as ctx:
        return (await ctx.session.execute(select(func.count()).select_from(entity))).scalar_one()


async def test_an_empty_scope_sees_no_row_of_any_scoped_entity(desk: Any) -> None:
    customer = await desk.a_customer(region_id="reg-scope")
    await desk.an_opportunity(customer, await desk.a_pipeline())
    await desk.activate(await desk.a_contract(customer))
    order = await desk.an_approved_order(customer)
    await desk.pay(await desk.an_invoice(order), "1.00", date(2099, 1, 1).isoformat())
    names = {entity.__name__ for entity in scoped_entities()}
    assert names >= {
        "Contract",
        "Invoice",
        "Opportunity",
        "OpportunityRevision",
        "Order",
        "Payment",
        "SalesSummary",
    }
    strangers = [
        a_principal("sales_rep"),
        a_principal("sales_rep", region_ids=["reg-nowhere"]),
        a_principal("customer", group_id="another-group"),
        a_principal("partner", group_id="another-group", channel_id="another-channel"),
    ]
    for entity in scoped_entities():
        assert await rows(desk, entity, an_executive()) > 0, entity
        assert await rows(desk, entity, a_principal("sales_rep", region_ids=["reg-scope"])) > 0, entity
        for stranger in strangers:
            assert await rows(desk, entity, stranger) == 0, (entity, stranger.kind)


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
