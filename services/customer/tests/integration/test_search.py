"""Search over customers and contacts (CUS-06)."""

from __future__ import annotations

import pytest
from protobuf.wkt import FieldMask

from facet_contracts.facet.customer.v1 import customer_service_pb as customer_rpc
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_contracts.facet.customer.v1 import search_service_pb as rpc
from facet_kit.testing.principals import a_principal, a_sales_rep

API = "SearchService"


async def customers(world, query, by=None):
    answer = await world.call(API, "search_customers", rpc.SearchCustomersRequest(query=query), by)
    return [each.id for each in answer.customers]


async def contacts(world, query, by=None):
    answer = await world.call(API, "search_contacts", rpc.SearchContactsRequest(query=query), by)
    return [each.id for each in answer.contacts]


@pytest.mark.parametrize(
    "query",
    [
        "华锐",
        "华锐风电",
        "風電",
        "hrfd",
        "huaruif",
        "sinovel",
        "Wind Gr",
        "8251",
        "010 6251 8251",
        "91110000789",
        "ir@sinovel.example",
    ],
)
async def test_a_customer_is_found_by_part_of_what_one_knows(world, query):
    if not await customers(world, "华锐风电科技"):
        await world.customer(
            display_name="华锐风电科技集团",
            alias="Sinovel Wind Group",
            phones=["010-62518251"],
            emails=["ir@sinovel.example"],
            tax_id="91110000-789 123",
        )
    [found] = await customers(world, "华锐风电科技")
    await world.customer(display_name="Something else")
    assert found in await customers(world, query)


@pytest.mark.capability("CUS-06")
@pytest.mark.parametrize("query", ["诸葛", "zhuge", "zgkm", "zg", "1390001", "kongming@"])
async def test_a_contact_is_found_by_name_pinyin_initials_phone_or_email(world, query):
    if not await contacts(world, "诸葛孔明"):
        customer = await world.customer()
        await world.contact(
            customer.id, display_name="诸葛孔明", phones=["13900012345"], emails=["kongming@shu.example"]
        )
    [found] = await contacts(world, "诸葛孔明")
    assert found in await contacts(world, query)


async def test_the_name_that_begins_with_the_query_comes_first(world):
    longer = await world.customer(display_name="Old Zyxel Trading")
    first = await world.customer(display_name="Zyxel Trading Company Limited")
    assert await customers(world, "zyxel") == [first.id, longer.id]


async def test_search_follows_changes(world):
    customer = await world.customer(display_name="Before Qwertz")
    request = customer_rpc.UpdateCustomerRequest(
        customer=pb.Customer(id=customer.id, display_name="After Asdfgh"),
        update_mask=FieldMask(paths=["display_name"]),
        etag=customer.etag,
    )
    await world.call("CustomerService", "update_customer", request)
    assert await customers(world, "qwertz") == []
    assert await customers(world, "asdfgh") == [customer.id]


async def test_search_finds_only_what_the_caller_sees(world):
    region = await world.region()
    customer = await world.customer(display_name="Hidden Champion", region_id=region.id)
    contact = await world.contact(customer.id, display_name="Hidden Person", phones=["13911112222"])
    assert await customers(world, "hidden champ", a_sales_rep()) == []
    assert await contacts(world, "hidden", a_sales_rep()) == []
    assert await customers(world, "hidden champ", a_sales_rep(region_ids=[region.id])) == [customer.id]
    assert await contacts(world, "hidden", a_sales_rep(region_ids=[region.id])) == [contact.id]


async def test_a_customers_user_finds_colleagues_by_name_but_not_by_number(world):
    customer = await world.customer()
    contact = await world.contact(customer.id, display_name="Colleague", phones=["13933334444"])
    user = a_principal("customer", group_id=customer.id)
    assert await contacts(world, "colleag", user) == [contact.id]
    assert await contacts(world, "13933334444", user) == []
