"""Custom fields against PostgreSQL: stored only when valid, filterable, and seen by those who may."""

from __future__ import annotations

from typing import Any

import pytest
from protobuf.wkt import Struct
from sqlalchemy import select

from facet_contracts.facet.platform.v1.custom_fields_service_pb import ListCustomFieldsRequest
from facet_contracts.facet.platform.v1.resources_pb import CustomFieldType
from facet_contracts.facet.sales.v1.order_service_pb import ListOrdersResponse
from facet_contracts.facet.sales.v1.resources_pb import Order
from facet_kit.custom_fields import (
    CustomFieldDefinition,
    definitions,
    forget_on_commit,
    mask_custom_fields,
    visible,
)
from facet_kit.database.session import Database
from facet_kit.errors import Invalid
from facet_kit.paging import ListSpec
from facet_kit.principal import Principal

from .widgets import REQUEST, Widget, a_widget, given, staff

widgets = ListSpec(Widget, custom_fields=True)
REP = staff("ann", roles=("sales_rep",))


async def defined(database: Database, *fields: CustomFieldDefinition) -> None:
    async with database.unit_of_work(staff(), REQUEST) as ctx:
        for each in fields:
            ctx.add(each)
        forget_on_commit(ctx.session)


def a_field(name: str, type: CustomFieldType = CustomFieldType.TEXT, **fields: Any) -> CustomFieldDefinition:
    return CustomFieldDefinition(
        **({"resource": "widget", "name": name, "display_name": name, "type": type} | fields)
    )


@pytest.fixture
async def fields(clean: Database) -> Database:
    await defined(
        clean,
        a_field("note"),
        a_field("score", CustomFieldType.NUMBER, max_value=100.0),
        a_field("vip", CustomFieldType.BOOLEAN),
        a_field("since", CustomFieldType.DATE),
        a_field("tier", CustomFieldType.CHOICE, choices=["gold", "silver"]),
        a_field("topics", CustomFieldType.MULTI_CHOICE, choices=["a", "b"]),
        a_field("margin", CustomFieldType.NUMBER, visible_roles=["finance"]),
    )
    return clean


async def saved(database: Database, values: dict[str, Any], *, principal: Principal = REP) -> Widget:
    async with database.unit_of_work(principal, REQUEST) as ctx:
        ctx.add(widget := a_widget(custom_fields=values))
    return widget


async def changed(
    database: Database, id: str, values: dict[str, Any], *, principal: Principal = REP
) -> dict[str, Any]:
    async with database.unit_of_work(principal, REQUEST) as ctx:
        widget = await ctx.get(Widget, id)
        widget.custom_fields = values
    async with database.unit_of_work(principal, REQUEST, read_only=True) as ctx:
        return (await ctx.get(Widget, id)).custom_fields


async def test_a_field_defined_at_run_time_is_validated(fields: Database) -> None:
    widget = await saved(fields, {"score": 3.0, "tier": "gold", "note": "", "topics": ["b", "a"]})
    assert widget.custom_fields == {"score": 3, "tier": "gold", "topics": ["a", "b"]}
    with pytest.raises(Invalid) as refused:
        await saved(fields, {"score": 101, "tier": "iron", "unknown": 1})
    assert {violation.field for violation in refused.value.violations} == {
        "custom_fields.score",
        "custom_fields.tier",
        "custom_fields.unknown",
    }


async def test_a_required_field_must_have_a_value(clean: Database) -> None:
    await defined(clean, a_field("code", required=True))
    with pytest.raises(Invalid, match="required"):
        await saved(clean, {})
    assert (await saved(clean, {"code": "x"})).custom_fields == {"code": "x"}


async def test_a_wrong_value_is_refused_also_after_an_early_flush(fields: Database) -> None:
    async def early_flush() -> None:
        async with fields.unit_of_work(REP, REQUEST) as ctx:
            ctx.session.add(a_widget(custom_fields={"score": "many"}))
            await ctx.session.flush()

    with pytest.raises(Invalid):
        await early_flush()


async def test_an_update_keeps_what_its_author_cannot_see(fields: Database) -> None:
    finance = staff("fin", roles=("finance",))
    widget = await saved(fields, {"margin": 0.4, "note": "a"}, principal=finance)
    assert await changed(fields, widget.id, {"note": "b"}) == {"note": "b", "margin": 0.4}
    with pytest.raises(Invalid, match="margin"):
        await changed(fields, widget.id, {"margin": 0.9})
    assert await changed(fields, widget.id, {}, principal=finance) == {}


async def test_values_of_a_retired_field_stay_and_hide(fields: Database) -> None:
    widget = await saved(fields, {"note": "kept"})
    async with fields.unit_of_work(staff(), REQUEST) as ctx:
        known = {each.name: each for each in (await ctx.session.scalars(select(CustomFieldDefinition))).all()}
        known["note"].inactive = True
        forget_on_commit(ctx.session)
    assert await changed(fields, widget.id, {"score": 1}) == {"note": "kept", "score": 1}
    async with fields.unit_of_work(REP, REQUEST, read_only=True) as ctx:
        assert await visible(ctx.session, REP, "widget", {"note": "kept", "score": 1}) == {"score": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('custom_fields.note = "50% off"', "a"),
        ("customFields.note:OFF", "ab"),
        ("custom_fields.note:*", "ab"),
        ("custom_fields.note = null", "c"),
        ("custom_fields.score >= 9.5", "b"),
        ("custom_fields.score < 9.5", "a"),
        ("custom_fields.vip = true", "b"),
        ("NOT custom_fields.vip = true", "ac"),
        ("custom_fields.since > 2026-01-15", "b"),
        ("custom_fields.tier = gold OR custom_fields.tier = silver", "ab"),
        ("custom_fields.tier != gold", "bc"),
        ("custom_fields.topics:a", "ab"),
        ("custom_fields.topics:a AND custom_fields.topics:b", "b"),
        ("custom_fields.topics:*", "ab"),
    ],
)
async def test_custom_fields_can_be_filtered(fields: Database, text: str, expected: str) -> None:
    a = await saved(
        fields, {"note": "50% off", "score": 9, "since": "2026-01-01", "tier": "gold", "topics": ["a"]}
    )
    b = await saved(
        fields,
        {
            "note": "On/OFF",
            "score": 10,
            "vip": True,
            "since": "2026-02-01",
            "tier": "silver",
            "topics": ["a", "b"],
        },
    )
    c = await saved(fields, {})
    names = {a.id: "a", b.id: "b", c.id: "c"}
    assert "".join(sorted(names[id] for id in await found(fields, text))) == expected


@pytest.mark.parametrize(
    "text",
    [
        "custom_fields.nothing = 1",
        "custom_fields.score = high",
        "custom_fields.topics = a",
        "custom_fields.margin > 0",
    ],
)
async def test_a_filter_on_a_field_unknown_to_the_caller_is_refused(fields: Database, text: str) -> None:
    with pytest.raises(Invalid) as refused:
        await found(fields, text)
    assert refused.value.violations[0].field == "filter"


async def test_a_value_of_another_type_than_defined_matches_nothing(fields: Database) -> None:
    await given(fields, a_widget(custom_fields={"score": "a lot", "vip": "yes", "topics": 3}))
    for text in ("custom_fields.score > 0", "custom_fields.vip = true", "custom_fields.topics:a"):
        assert await found(fields, text) == []


async def test_answers_show_the_fields_that_the_role_may_see(clean: Database) -> None:
    await defined(
        clean,
        a_field("public", resource="order", visible_roles=["customer", "sales_rep"]),
        a_field("internal", resource="order"),
    )
    values = {"public": "1", "internal": "2", "undefined": "3"}
    assert await masked(clean, values) == {"public": "1", "internal": "2"}
    assert await masked(clean, values, principal=staff(roles=("finance",))) == {"internal": "2"}


async def test_definitions_of_another_transaction_are_known_after_its_commit(clean: Database) -> None:
    async with clean.unit_of_work(staff(), REQUEST, read_only=True) as ctx:
        assert await definitions(ctx.session, "widget") == {}
    await defined(clean, a_field("note"))
    async with clean.unit_of_work(staff(), REQUEST, read_only=True) as ctx:
        assert list(await definitions(ctx.session, "widget")) == ["note"]


async def found(database: Database, text: str) -> list[str]:
    async with database.unit_of_work(REP, REQUEST, read_only=True) as ctx:
        rows, _ = await widgets.page(ctx, ListCustomFieldsRequest(service="kit", filter=text))
        return [row.id for row in rows]


async def masked(database: Database, values: dict[str, Any], *, principal: Principal = REP) -> dict[str, Any]:
    answer = ListOrdersResponse(orders=[Order(id="o", custom_fields=Struct.from_python(values))])
    async with database.unit_of_work(principal, REQUEST, read_only=True) as ctx:
        await mask_custom_fields(ctx, answer)
    held = answer.orders[0].custom_fields
    return held.to_python() if held else {}
