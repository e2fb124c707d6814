"""Path templates and the table of routes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facet_gateway.transcoding.template import PathTemplate, RouteTable, TemplateError


def table(*routes: tuple[str, str]) -> RouteTable[str]:
    made: RouteTable[str] = RouteTable()
    for method, text in routes:
        made.add(method, PathTemplate.parse(text), f"{method} {text}")
    return made


ROUTES = table(
    ("GET", "/v1/orders"),
    ("POST", "/v1/orders"),
    ("GET", "/v1/orders/{order_id}"),
    ("PATCH", "/v1/orders/{order.id}"),
    ("POST", "/v1/orders/{order_id}:approve"),
    ("GET", "/v1/orders:search"),
    ("GET", "/v1/orders/{order_id}/lines/{line_id}"),
    ("GET", "/v1/orders/open/lines/{line_id}"),
)


@pytest.mark.parametrize(
    ("path", "method", "found", "values"),
    [
        ("/v1/orders", "GET", "GET /v1/orders", []),
        ("/v1/orders/o1", "GET", "GET /v1/orders/{order_id}", ["o1"]),
        ("/v1/orders/o1", "PATCH", "PATCH /v1/orders/{order.id}", ["o1"]),
        ("/v1/orders/o1:approve", "POST", "POST /v1/orders/{order_id}:approve", ["o1"]),
        ("/v1/orders:search", "GET", "GET /v1/orders:search", []),
        ("/v1/orders/o1/lines/l1", "GET", "GET /v1/orders/{order_id}/lines/{line_id}", ["o1", "l1"]),
        ("/v1/orders/open/lines/l1", "GET", "GET /v1/orders/open/lines/{line_id}", ["l1"]),
        ("/v1/orders/open", "GET", "GET /v1/orders/{order_id}", ["open"]),
        ("/v1/orders/a%2Fb", "GET", "GET /v1/orders/{order_id}", ["a/b"]),
        ("/v1/orders/a%3Aapprove", "GET", "GET /v1/orders/{order_id}", ["a:approve"]),
        ("/v1/orders/%E5%AE%A2", "GET", "GET /v1/orders/{order_id}", ["客"]),
    ],
)
def test_a_path_finds_its_operation(path: str, method: str, found: str, values: list[str]) -> None:
    match = ROUTES.match(path)
    assert match is not None
    assert match.operations[method] == found
    assert list(match.values) == values


@pytest.mark.parametrize(
    "path", ["", "/", "v1/orders", "/v1/orders/", "/v1/orders//lines/l", "/v1/orders/o1/lines", "/v2/orders"]
)
def test_other_paths_find_nothing(path: str) -> None:
    assert ROUTES.match(path) is None


def test_a_verb_is_reached_by_its_own_method_only() -> None:
    match = ROUTES.match("/v1/orders/o1:approve")
    assert match is not None
    assert set(match.operations) == {"POST"}


def test_an_unknown_verb_is_part_of_the_id() -> None:
    match = ROUTES.match("/v1/orders/o1:dance")
    assert match is not None
    assert list(match.values) == ["o1:dance"]


@pytest.mark.parametrize(
    "text", ["v1/x", "/v1/{x=**}", "/v1/{x", "/v1/x y", "/v1/{X}", "/v1/{a}{b}", "/v1/x:2y", "/v1//x"]
)
def test_templates_that_cannot_be_served_are_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        PathTemplate.parse(text)


def test_two_operations_cannot_share_method_and_path() -> None:
    with pytest.raises(TemplateError):
        table(("GET", "/v1/a/{b}"), ("GET", "/v1/a/{c}"))


@given(st.text(max_size=60))
def test_no_path_breaks_the_table(path: str) -> None:
    try:
        ROUTES.match(path)
    except UnicodeDecodeError:
        assert "%" in path
