"""The filter grammar and how fields of each type are compared."""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import ARRAY, Boolean, Column, Date, DateTime, Integer, MetaData, Numeric, Table, Text
from sqlalchemy.dialects import postgresql

from facet_kit.database.base import enum_type
from facet_kit.errors import Invalid
from facet_kit.filtering import compile_filter, descendants, parse, snake_case
from facet_kit.filtering.syntax import And, Call, Comparison, Literal, Malformed, Node, Not, Operator, Or


class OrderState(enum.IntEnum):
    DRAFT = 1
    APPROVED = 2


orders = Table(
    "orders",
    MetaData(),
    Column("name", Text),
    Column("state", enum_type(OrderState)),
    Column("total", Numeric(20, 4)),
    Column("lines", Integer),
    Column("urgent", Boolean),
    Column("create_time", DateTime(timezone=True)),
    Column("due", Date),
    Column("tags", ARRAY(Text)),
    Column("region_id", Text),
)
regions = Table("regions", MetaData(), Column("id", Text), Column("ancestor_ids", ARRAY(Text)))
FIELDS: dict[str, Any] = {column.name: column for column in orders.columns} | {
    "region_id": descendants(orders.c.region_id, node=regions.c.id, ancestors=regions.c.ancestor_ids)
}


def sql(text: str) -> tuple[str, list[object]]:
    compiled = compile_filter(text, FIELDS).compile(dialect=postgresql.dialect())
    return str(compiled).replace("orders.", "").replace("\n", ""), list(compiled.params.values())


def refusal(text: str) -> Invalid:
    with pytest.raises(Invalid) as refused:
        compile_filter(text, FIELDS)
    return refused.value


def test_or_binds_tighter_than_and() -> None:
    node = parse("a=1 AND b=2 OR c=3")
    assert isinstance(node, And)
    assert isinstance(node.terms[1], Or)


def test_an_empty_filter_matches_everything() -> None:
    assert parse("  ") is None
    assert sql("")[0] == "true"


def test_minus_and_not_are_the_same() -> None:
    assert sql("-urgent=true") == sql("NOT urgent=true")
    assert "IS NOT true" in sql("-urgent=true")[0]


def test_lower_camel_case_names_are_the_same_fields() -> None:
    assert sql("createTime > 2026-01-01") == sql("create_time > 2026-01-01")
    assert snake_case("customFields.ContractNo") == "custom_fields.ContractNo"
    assert snake_case("account.ownerId") == "account.owner_id"


@pytest.mark.parametrize("value", ["APPROVED", "ORDER_STATE_APPROVED", "approved", '"APPROVED"'])
def test_enum_names_are_accepted_with_and_without_their_prefix(value: str) -> None:
    assert sql(f"state = {value}")[1] == [OrderState.APPROVED]


def test_values_are_read_by_the_type_of_the_field() -> None:
    assert sql("total >= -12.50")[1] == [Decimal("-12.50")]
    assert sql("lines < 3")[1] == [3]
    assert sql("urgent = TRUE")[1] == [True]
    assert sql("due = 2026-02-28")[1] == [date(2026, 2, 28)]
    assert sql("createTime < 2026-01-01T08:00:00+08:00")[1] == [datetime(2026, 1, 1, tzinfo=UTC)]
    assert sql("createTime < 2026-01-01")[1] == [datetime(2026, 1, 1, tzinfo=UTC)]


def test_has_on_text_takes_wildcards_literally() -> None:
    text, values = sql('name:"50%_腾讯"')
    assert "LIKE" in text
    assert values == ["50/%/_腾讯"]


def test_has_on_a_list_is_membership_and_star_is_presence() -> None:
    assert sql("tags:vip")[1] == [["vip"]]
    assert "cardinality" in sql("tags:*")[0]
    assert sql("name:*")[0].startswith("name IS NOT NULL AND name != ")
    assert sql("due = null")[0] == "due IS NULL"


def test_descendants_selects_the_subtree() -> None:
    text, values = sql('descendants(regionId, "north")')
    assert "region_id IN (SELECT regions.id" in text
    assert values == [["north"]]
    assert sql('region_id = "north"')[1] == ["north"]


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("state", 6, "expected one of = != < <= > >= :"),
        ("state = ", 9, "expected a value, found the end"),
        ("(state = DRAFT", 15, 'expected AND, OR or ")"'),
        ("state = DRAFT lines = 1", 15, "expected AND, OR or the end, found lines"),
        ("margin > 3", 1, "there is no field margin"),
        ("lines = many", 9, "expected a number, found many"),
        ("lines = 1.5", 9, "expected a whole number"),
        ("lines = 99999999999", 9, "out of range"),
        ("due = 2026-02-30", 7, "expected a date"),
        ("createTime > 2026-01-01T00:00:00", 14, "expected a date or a timestamp"),
        ("state = LOST", 9, "expected one of DRAFT, APPROVED"),
        ("state > DRAFT", 1, "has no order"),
        ("tags = a", 1, "is a list"),
        ('name = "open', 8, "this quote is not closed"),
        ('descendants(state, "x")', 1, "has no function"),
        ("descendants(region_id)", 1, "takes a field and a node"),
        ("name = \x00", 8, "not allowed"),
        ("NOT " * 40 + "lines=1", 81, "nests at most"),
        (" AND ".join(["lines=1"] * 51), 601, "at most 50 terms"),
        ("x" * 5000, 4001, "at most 4,000 characters"),
    ],
)
def test_an_invalid_filter_names_its_position(text: str, position: int, message: str) -> None:
    refused = refusal(text)
    assert message in str(refused)
    assert f"character {position}:" in str(refused)
    assert "create_time" in str(refused)


names = st.from_regex(r"[a-z][a-z_]{0,8}(\.[a-z]{1,5})?", fullmatch=True)
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
literals = st.one_of(
    texts.map(lambda text: Literal(text, True, 0)),
    st.from_regex(r"[A-Za-z0-9+.:-]{1,12}", fullmatch=True).map(lambda text: Literal(text, False, 0)),
)
terms = st.one_of(
    st.builds(Comparison, names, st.sampled_from(Operator), literals, st.just(0)),
    st.builds(Call, st.just("descendants"), names, st.tuples(literals), st.just(0)),
)
trees = st.recursive(
    terms,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


def written(node: Node) -> str:
    match node:
        case Comparison(field, operator, value):
            return f"{field} {operator.value} {quoted(value)}"
        case Call(function, field, arguments):
            return f"{function}({', '.join([field, *map(quoted, arguments)])})"
        case Not(term):
            return f"NOT ({written(term)})"
        case And(terms):
            return " AND ".join(f"({written(term)})" for term in terms)
        case Or(terms):
            return " OR ".join(f"({written(term)})" for term in terms)


def quoted(value: Literal) -> str:
    escaped = value.text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if value.quoted else value.text


def placeless(node: Node) -> Node:
    match node:
        case Comparison(field, operator, value):
            return Comparison(field, operator, Literal(value.text, value.quoted, 0), 0)
        case Call(function, field, arguments):
            return Call(function, field, tuple(Literal(each.text, each.quoted, 0) for each in arguments), 0)
        case Not(term):
            return Not(placeless(term))
        case And(terms):
            return And(tuple(map(placeless, terms)))
        case Or(terms):
            return Or(tuple(map(placeless, terms)))


@given(trees)
def test_a_filter_is_read_as_it_was_written(tree: Node) -> None:
    node = parse(written(tree))
    assert node is not None
    assert placeless(node) == tree


@given(st.text(max_size=60) | st.text("ab=<>:()\"'-,. ANDORNT*", max_size=60))
def test_any_text_is_a_filter_or_a_refusal_within_the_text(text: str) -> None:
    refused: Malformed | None = None
    try:
        parse(text)
    except Malformed as malformed:
        refused = malformed
    assert refused is None or 0 <= refused.position <= len(text)
