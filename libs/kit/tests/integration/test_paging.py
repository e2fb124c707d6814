"""Lists against PostgreSQL: every row exactly once, whatever the order, the page size and the ties."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from facet_contracts.facet.platform.v1.custom_fields_service_pb import ListCustomFieldsRequest
from facet_contracts.facet.platform.v1.resources_pb import OperationState
from facet_contracts.facet.sales.v1.order_service_pb import ListOrdersRequest
from facet_kit.database.session import Database
from facet_kit.errors import Invalid
from facet_kit.paging import ListSpec
from facet_kit.principal import Principal, PrincipalKind

from .widgets import REQUEST, Widget, a_widget, given, staff

widgets = ListSpec(
    Widget,
    fields={
        "name": Widget.name,
        "state": Widget.state,
        "total": Widget.total_amount,
        "size": Widget.size,
        "due": Widget.due,
        "tags": Widget.tags,
    },
    order=("name", "state", "total", "size", "due"),
)


async def listed(
    database: Database, *, principal: Principal | None = None, **fields: object
) -> tuple[list[str], str]:
    request = ListCustomFieldsRequest(service="kit", **fields)
    async with database.unit_of_work(principal or staff(), REQUEST, read_only=True) as ctx:
        rows, token = await widgets.page(ctx, request)
        return [row.id for row in rows], token


async def walked(database: Database, **fields: object) -> list[str]:
    """The ids of all pages."""
    found, token = await listed(database, **fields)
    while token:
        more, token = await listed(database, page_token=token, **fields)
        assert more, "a page token leads to a page with rows"
        found += more
    return found


async def refused(database: Database, **fields: object) -> Invalid:
    with pytest.raises(Invalid) as refusal:
        await listed(database, **fields)
    return refusal.value


def some_widgets() -> list[Widget]:
    """Eleven widgets with ties and unset values in every field."""
    return [
        a_widget(
            name="abc"[n % 3],
            state=OperationState(1 + n % 3),
            size=None if n % 4 == 0 else n % 2,
            due=None if n % 3 == 0 else date(2026, 1, 1 + n % 2),
            total_amount=Decimal(n % 3) / 4,
        )
        for n in range(11)
    ]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 11, 50])
@pytest.mark.parametrize(
    "order",
    [
        "",
        "create_time",
        "name",
        "name desc",
        "size",
        "size desc",
        "due desc, size",
        "size asc, due desc, name",
        "state desc, total",
        "total desc",
        "id desc",
    ],
)
async def test_every_row_comes_exactly_once(clean: Database, order: str, size: int) -> None:
    rows = some_widgets()
    await given(clean, *rows)
    found = await walked(clean, order_by=order, page_size=size)
    assert sorted(found) == sorted(row.id for row in rows)
    assert found == await walked(clean, order_by=order, page_size=200)


async def test_rows_come_in_the_order_asked_for(clean: Database) -> None:
    rows = some_widgets()
    await given(clean, *rows)
    by_id = {row.id: row for row in rows}
    found = [by_id[id] for id in await walked(clean, order_by="size desc, name", page_size=3)]
    unset_first = [(row.size is not None, -(row.size or 0), row.name, row.id) for row in found]
    assert unset_first == sorted(unset_first)


async def test_a_row_that_comes_in_between_moves_no_other(clean: Database) -> None:
    rows = [a_widget() for _ in range(4)]
    await given(clean, *rows)
    first, token = await listed(clean, page_size=2, order_by="create_time desc")
    await given(clean, a_widget())
    second, _ = await listed(clean, page_size=2, order_by="create_time desc", page_token=token)
    assert first + second == [row.id for row in reversed(rows)]


async def test_page_sizes_have_a_default_and_a_limit(clean: Database) -> None:
    await given(clean, *(a_widget() for _ in range(201)))
    assert len((await listed(clean))[0]) == 50
    assert len((await listed(clean, page_size=1000))[0]) == 200
    assert (await refused(clean, page_size=-1)).violations[0].field == "page_size"


async def test_a_token_is_bound_to_its_request_and_caller(clean: Database) -> None:
    await given(clean, *(a_widget() for _ in range(5)))
    _, token = await listed(clean, page_size=2, filter="size = null")
    for other in (
        {"filter": "size = 1"},
        {"filter": "size = null", "order_by": "name"},
        {"filter": "size = null", "principal": staff("bob")},
        {"filter": "size = null", "principal": staff("ann", full_scope=False)},
    ):
        refusal = await refused(clean, page_token=token, **other)
        assert refusal.violations[0].field == "page_token"
    again, _ = await listed(clean, page_token=token, filter="size = null", page_size=100)
    assert len(again) == 3


@pytest.mark.parametrize(
    "forge", [lambda t: "", lambda t: "x" + t[1:], lambda t: t[:-2] + "AA", lambda _: "é~"]
)
async def test_a_forged_token_is_refused(clean: Database, forge: object) -> None:
    await given(clean, *(a_widget() for _ in range(3)))
    _, token = await listed(clean, page_size=1)
    forged = forge(token) or "AAAA"
    assert (await refused(clean, page_size=1, page_token=forged)).reason == "INVALID_PAGE_TOKEN"


async def test_deleted_rows_and_rows_outside_the_scope_are_not_listed(clean: Database) -> None:
    mine, other = a_widget(owner_id="ann"), a_widget(owner_id="bob")
    gone = a_widget(delete_time=mine.create_time)
    await given(clean, mine, other, gone)
    assert (await listed(clean))[0] == [other.id, mine.id]
    assert (await listed(clean, principal=staff("ann", full_scope=False)))[0] == [mine.id]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("size = 1", "b"),
        ("size != 1", "ac"),
        ("NOT size = 1", "ac"),
        ("size:*", "bc"),
        ("size = null", "a"),
        ('name:"ALPH"', "a"),
        ("name:%", "c"),
        ("tags:red", "ab"),
        ("tags:red AND tags:blue", "b"),
        ("-tags:*", "c"),
        ("state = DONE OR state = OPERATION_STATE_FAILED", "bc"),
        ("total > 1.5 AND (size > 1 OR due < 2026-02-01)", "bc"),
        ("total = 1.50000000000000001", ""),
        ("total < 1e90", "abc"),
        ("due = null", "a"),
        ("createTime > 2030-01-01T00:00:00Z", ""),
        ("name = 'Al\\'pha'", ""),
    ],
)
async def test_filters_select_what_they_say(clean: Database, text: str, expected: str) -> None:
    rows = {
        "a": a_widget(name="Alpha", total_amount=Decimal("1.5"), tags=["red"]),
        "b": a_widget(
            name="Beta",
            size=1,
            due=date(2026, 1, 31),
            total_amount=Decimal(2),
            tags=["red", "blue"],
            state=OperationState.DONE,
        ),
        "c": a_widget(
            name="100%", size=2, due=date(2026, 3, 1), total_amount=Decimal(3), state=OperationState.FAILED
        ),
    }
    await given(clean, *rows.values())
    found = await walked(clean, filter=text, page_size=2)
    assert sorted(found) == sorted(rows[key].id for key in expected)


@pytest.mark.parametrize("order", ["secret", "name sideways", "name, name desc", ",", "tags"])
async def test_an_order_that_is_not_offered_is_refused(clean: Database, order: str) -> None:
    refusal = await refused(clean, order_by=order)
    assert refusal.violations[0].field == "order_by"
    assert "total" in refusal.message


async def test_what_a_caller_does_not_see_he_can_neither_filter_nor_order_by(clean: Database) -> None:
    orders = ListSpec(
        Widget, fields={"state": Widget.state, "owner_id": Widget.owner_id}, order=("state", "owner_id")
    )
    partner = Principal(id="p", kind=PrincipalKind.PARTNER, person_id="p", group_id="g")

    async def listed_orders(principal: Principal, **fields: str) -> None:
        async with clean.unit_of_work(principal, REQUEST, read_only=True) as ctx:
            await orders.page(ctx, ListOrdersRequest(**fields))

    await listed_orders(staff(), filter="owner_id = ann", order_by="owner_id")
    await listed_orders(partner, filter="state = DONE", order_by="state desc")
    for fields in ({"filter": "owner_id = ann"}, {"order_by": "owner_id"}):
        with pytest.raises(Invalid) as refused:
            await listed_orders(partner, **fields)
        assert "owner_id" not in refused.value.metadata["allowed"]
