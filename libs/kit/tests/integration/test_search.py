"""The search box against PostgreSQL: what finds what, and that an index answers."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import insert, text
from sqlalchemy.dialects import postgresql

from facet_kit.database.session import Database
from facet_kit.errors import Invalid
from facet_kit.search import search_clause, search_select

from .widgets import REQUEST, Widget, a_widget, given, staff


def a_contact(
    *names: str, phones: tuple[str, ...] = (), emails: tuple[str, ...] = (), **fields: object
) -> Widget:
    widget = a_widget(name=names[0], **fields)
    widget.index_search(names, phones=phones, emails=emails)
    return widget


async def found(database: Database, query: str, *, full_scope: bool = True) -> list[str]:
    async with database.unit_of_work(staff(full_scope=full_scope), REQUEST, read_only=True) as ctx:
        rows = await ctx.session.execute(search_select(Widget, query))
        return [row.name for row in rows.scalars()]


@pytest.fixture
async def contacts(clean: Database) -> Database:
    await given(
        clean,
        a_contact("腾讯科技（深圳）有限公司", "Tencent", phones=("+8675586013388",)),
        a_contact("重庆长安汽车股份有限公司"),
        a_contact("李雷", phones=("+8613812345678",), emails=("li.lei@acme.com",)),
        a_contact("ACME Holdings, Ltd.", "100% Widgets"),
    )
    return clean


@pytest.mark.capability("CUS-06")
@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("腾", ["腾讯科技（深圳）有限公司"]),
        ("讯", []),
        ("科技", ["腾讯科技（深圳）有限公司"]),
        ("技科", []),
        ("科技深圳", ["腾讯科技（深圳）有限公司"]),
        ("騰訊", ["腾讯科技（深圳）有限公司"]),
        ("tengxun", ["腾讯科技（深圳）有限公司"]),
        ("txkj", ["腾讯科技（深圳）有限公司"]),
        ("tx", ["腾讯科技（深圳）有限公司"]),
        ("changan", ["重庆长安汽车股份有限公司"]),
        ("长安 汽车", ["重庆长安汽车股份有限公司"]),
        ("有限公司", ["重庆长安汽车股份有限公司", "腾讯科技（深圳）有限公司"]),
        ("lilei", ["李雷"]),
        ("ll", ["李雷"]),
        ("1234", ["李雷"]),
        ("138-1234 5678", ["李雷"]),
        ("+86 138 1234", ["李雷"]),
        ("0755 8601", ["腾讯科技（深圳）有限公司"]),
        ("li.lei@ACME.com", ["李雷"]),
        ("ａｃｍｅ", ["ACME Holdings, Ltd.", "李雷"]),
        ("ltd", ["ACME Holdings, Ltd."]),
        ("h", ["ACME Holdings, Ltd."]),
        ("old", ["ACME Holdings, Ltd."]),
        ("100%", ["ACME Holdings, Ltd."]),
        ("1%0", []),
        ("nobody", []),
        ("tencent 深圳", ["腾讯科技（深圳）有限公司"]),
    ],
)
async def test_a_contact_is_found_by_what_people_type(
    contacts: Database, query: str, expected: list[str]
) -> None:
    assert await found(contacts, query) == expected


async def test_names_that_begin_with_the_query_come_first(clean: Database) -> None:
    await given(clean, a_contact("大华为兴"), a_contact("华为技术有限公司"), a_contact("华为"))
    assert await found(clean, "华为") == ["华为", "华为技术有限公司", "大华为兴"]


async def test_search_keeps_to_the_row_scope(clean: Database) -> None:
    await given(clean, a_contact("华为", owner_id="ann"), a_contact("华为二", owner_id="bob"))
    assert await found(clean, "华为", full_scope=False) == ["华为"]


async def test_a_query_of_endless_length_is_refused(clean: Database) -> None:
    with pytest.raises(Invalid):
        await found(clean, "x" * 101)


async def test_every_kind_of_query_is_answered_by_an_index(clean: Database) -> None:
    dice = random.Random(7)
    characters = "".join(chr(code) for code in range(0x4E00, 0x4E00 + 1500))
    template = {column.name: None for column in Widget.__table__.columns}
    rows = []
    for number in range(6000):
        widget = a_contact("".join(dice.choices(characters, k=6)), phones=(f"+86139{number:08}",), version=1)
        rows.append({name: getattr(widget, name) for name in template} | {"event_seq": 0, "tags": []})
    async with clean.engine.begin() as connection:
        await connection.execute(
            insert(Widget), [{k: v for k, v in row.items() if v is not None} for row in rows]
        )
        await connection.execute(text("ANALYZE test_widgets"))
        await connection.execute(text("SET LOCAL enable_seqscan = off"))  # the table is too small to need one
        for query in ("腾", "腾讯", "讯科技", "txkj", "tx", "tengxun", "13900004242"):
            condition = search_clause(Widget, query).compile(
                dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}
            )
            # Escapes of the driver's own placeholders do not belong into a statement without parameters.
            statement = f"EXPLAIN (ANALYZE, TIMING OFF) SELECT id FROM test_widgets WHERE {condition}"
            plan = "\n".join((await connection.exec_driver_sql(statement.replace("%%", "%"))).scalars())
            assert "Seq Scan" not in plan, f"{query}: {plan}"
            # An index that could do nothing with the pattern would give every row to be checked again.
            assert "Rows Removed by Index Recheck" not in plan, f"{query}: {plan}"
