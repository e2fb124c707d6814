"""Search stays quick with as many customers and contacts as the catalogue names (CUS-06)."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from string import ascii_lowercase

import pytest
from sqlalchemy import TextClause, func, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from facet_contracts.facet.customer.v1 import search_service_pb as rpc
from facet_contracts.facet.customer.v1.resources_pb import CustomerKind, CustomerRole
from facet_customer.contacts.model import Contact
from facet_customer.customers.model import Customer
from facet_kit.testing.principals import a_sales_rep

SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗"
GIVEN = [one + two for one in "志文海晓建丽国秀永春" for two in "强芳军敏杰燕涛静伟娟"]
PLACES = ["上海", "北京", "Tianjin", "重庆", "Xi'an", "沈阳"]
TRADES = ["电气集团", "风电科技", "Pharma Holding", "铁路信号", "Machine Tools"]
QUERIES = [
    "王志强",
    "志强",
    "晓",
    "王",
    "wangzhiq",
    "wzq",
    "zq",
    "lx",
    "00004",
    "1390001",
    "欧阳",
    "zzzz",
    "shan",
    "风电",
]
NOW = datetime.now(UTC)
LIMIT_SECONDS = 0.1
UNDISTURBED_SECONDS = 0.001


def findable(entity, *, phone: str) -> dict[str, object]:
    """What search looks at, as the entity itself makes it."""
    entity.phones, entity.emails = [phone], []
    entity.make_findable()
    names = ("search_text", "search_pinyin", "search_initials", "search_phones", "search_bigrams")
    return {"phones": entity.phones} | {name: getattr(entity, name) for name in names}


def common(number: int, region: str) -> dict[str, object]:
    return {
        "id": f"scale-{number}",
        "version": 1,
        "create_time": NOW,
        "update_time": NOW,
        "region_id": region,
    }


def contacts(region: str) -> list[dict[str, object]]:
    rows = []
    for number, name in enumerate(surname + given for surname in SURNAMES for given in GIVEN):
        keys = findable(Contact(display_name=name), phone=f"+86139{number:06}")
        rows.append(common(number, region) | keys | {"display_name": name})
    return rows


def customers(region: str) -> list[dict[str, object]]:
    rows = []
    for number in range(600):
        name = f"{PLACES[number % 6]}{TRADES[number % 5]} {number}"
        keys = findable(
            Customer(display_name=name, alias="", tax_id=f"9131{number:08}"), phone=f"+8621{number:06}"
        )
        own = common(number, region)
        tree = {"group_id": own["id"], "ancestor_ids": [own["id"]], "lifecycle_stage_time": NOW}
        kind = {"kind": CustomerKind.ORGANISATION, "roles": [CustomerRole.END_CUSTOMER]}
        rows.append(own | keys | tree | kind | {"display_name": name})
    return rows


def once_more(table: str) -> TextClause:
    """A further row like each first one, with id and phone number of its own."""
    return text(f"""
        INSERT INTO {table} SELECT made.* FROM {table} AS row, LATERAL jsonb_populate_record(
            row, jsonb_build_object('id', row.id || :copy, 'search_phones', row.search_phones || :copy)
        ) AS made WHERE row.id ~ '^scale-[0-9]+$'
    """)


async def fill(session: AsyncSession, region: str) -> None:
    """Stores 40,000 contacts and 12,000 customers; the search indexes are built afterwards, which is quicker."""
    indexes = (
        await session.execute(text("SELECT indexname, indexdef FROM pg_indexes WHERE indexname ~ '_search_'"))
    ).all()
    for name, _ in indexes:
        await session.execute(text(f"DROP INDEX {name}"))
    for entity, rows in ((Contact, contacts(region)), (Customer, customers(region))):
        await session.execute(insert(entity), rows)
        for letter in ascii_lowercase[:19]:
            await session.execute(once_more(entity.__tablename__), {"copy": f"{ord(letter)}{letter}"})
        assert await session.scalar(select(func.count()).select_from(entity)) == 20 * len(rows)
    for _, definition in indexes:
        await session.execute(text(definition))
    await session.execute(text("ANALYZE contacts, customers"))


def slowness() -> float:
    """How much slower than undisturbed the machine is at this moment: other work on it is not what is measured."""
    start = time.perf_counter()
    for _ in range(40_000):
        pass
    return max(1.0, (time.perf_counter() - start) / UNDISTURBED_SECONDS)


@pytest.mark.capability("CUS-06")
async def test_search_over_forty_thousand_contacts_answers_in_a_tenth_of_a_second(world, service):
    region = (await world.region()).id
    async with service.session() as session:
        await fill(session, region)
        await session.commit()
    rep = a_sales_rep(region_ids=[region])
    best: dict[tuple[str, str], float] = {}
    for query in QUERIES * 3:
        for method, request in (
            ("search_contacts", rpc.SearchContactsRequest(query=query)),
            ("search_customers", rpc.SearchCustomersRequest(query=query)),
        ):
            slow = slowness()
            start = time.perf_counter()
            await world.call("SearchService", method, request, rep)
            taken = (time.perf_counter() - start) / slow
            best[method, query] = min(taken, best.get((method, query), taken))
    found = await world.call("SearchService", "search_contacts", rpc.SearchContactsRequest(query="wzq"), rep)
    assert found.contacts[0].display_name == "王志强"
    ranked = sorted(best.values())
    assert ranked[int(len(ranked) * 0.95)] <= LIMIT_SECONDS, best
