"""Requests against the contracts: what is read, and what is said of what cannot be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from protobuf import Message

from facet_contracts.facet.sales.v1 import order_service_pb as orders
from facet_gateway.contracts import Contracts
from facet_gateway.problem import Problem
from facet_gateway.transcoding.operation import Operation
from facet_gateway.transcoding.request import Incoming, RequestReader
from facet_kit.errors import FacetError


@pytest.fixture(scope="session")
def reader(contracts: Contracts) -> RequestReader:
    return RequestReader(contracts.registry, max_depth=64)


def incoming(*values: str, body: object = None, query: str = "", if_match: str = "") -> Incoming:
    raw = b"" if body is None else json.dumps(body).encode()
    return Incoming(values, query.encode(), raw, "application/json", None, if_match)


def fields(problem: pytest.ExceptionInfo[Problem]) -> dict[str, str]:
    return {violation.field: violation.message for violation in problem.value.violations}


def test_a_query_is_read_by_either_name(reader: RequestReader, operations: Mapping[str, Operation]) -> None:
    operation = operations["sales_ListOrders"]
    for query in ("pageSize=7&orderBy=create_time%20desc&filter=state%20%3D%20%22DRAFT%22", "page_size=7"):
        message: Any = reader.read(operation, incoming(query=query))
        assert message.page_size == 7


def test_the_path_wins_over_the_body(reader: RequestReader, operations: Mapping[str, Operation]) -> None:
    operation = operations["sales_UpdateOrder"]
    message = reader.read(
        operation, incoming("o1", body={"id": "other", "customerReference": "x"}, if_match="v1")
    )
    request = orders.UpdateOrderRequest.from_binary(message.to_binary())
    assert request.order is not None
    assert (request.order.id, request.etag) == ("o1", "v1")


def test_a_patch_without_mask_changes_what_the_body_names(
    reader: RequestReader, operations: Mapping[str, Operation]
) -> None:
    body = {
        "customerReference": "",
        "etag": "v1",
        "id": "o1",
        "state": "DRAFT",
        "createTime": "2026-01-01T00:00:00Z",
    }
    message: Any = reader.read(operations["sales_UpdateOrder"], incoming("o1", body=body))
    assert list(message.update_mask.paths) == ["customer_reference"]
    assert message.etag == "v1"


def test_a_given_mask_is_kept(reader: RequestReader, operations: Mapping[str, Operation]) -> None:
    sent = incoming("o1", body={"customerReference": "x"}, query="updateMask=customFields,customer_reference")
    message: Any = reader.read(operations["sales_UpdateOrder"], sent)
    assert list(message.update_mask.paths) == ["custom_fields", "customer_reference"]


def test_enums_are_read_with_and_without_their_prefix(
    reader: RequestReader, operations: Mapping[str, Operation]
) -> None:
    operation = operations["customer_CreateCustomer"]
    for name in ("ORGANISATION", "CUSTOMER_KIND_ORGANISATION"):
        message: Any = reader.read(operation, incoming(body={"displayName": "北方", "kind": name}))
        assert message.customer.kind == 1


def test_every_field_that_does_not_fit_is_named_by_its_path(
    reader: RequestReader, operations: Mapping[str, Operation]
) -> None:
    body = {
        "customerId": 5,
        "nonsense": 1,
        "lines": [{"quantity": {}, "unitPrice": {"currency": 3}}, "text"],
        "customFields": [],
    }
    with pytest.raises(Problem) as refused:
        reader.read(operations["sales_CreateOrder"], incoming(body=body))
    found = fields(refused)
    assert refused.value.status == 422
    assert found["order.customerId"] == "must be a text"
    assert "is not a field of Order" in found["order.nonsense"]
    assert found["order.lines[1]"] == "must be an object"
    assert found["order.lines[0].unitPrice.currency"] == "must be a text"
    assert found["order.customFields"] == "must be an object"


def test_an_enum_that_is_none_lists_what_there_is(
    reader: RequestReader, operations: Mapping[str, Operation]
) -> None:
    with pytest.raises(Problem) as refused:
        reader.read(operations["customer_CreateCustomer"], incoming(body={"kind": "ALIEN"}))
    assert "ORGANISATION" in fields(refused)["customer.kind"]


@pytest.mark.parametrize("query", ["order.id=x", "order=x", "etagg=1", "updateMask.paths=a"])
def test_what_path_and_body_give_is_no_parameter(
    reader: RequestReader, operations: Mapping[str, Operation], query: str
) -> None:
    with pytest.raises(Problem) as refused:
        reader.read(operations["sales_UpdateOrder"], incoming("o1", body={}, query=query))
    assert "is not a parameter" in next(iter(fields(refused).values()))


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda below: (
        st.lists(below, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "lines", "customerId", "quantity", "amount", "x"]), below, max_size=4
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(body=JSON_VALUES)
def test_no_body_breaks_the_reader(
    reader: RequestReader, operations: Mapping[str, Operation], body: object
) -> None:
    for name in ("sales_CreateOrder", "sales_UpdateOrder", "sales_ApproveOrder"):
        operation = operations[name]
        values = ["o1"] * len(operation.template.variables)
        try:
            assert isinstance(reader.read(operation, incoming(*values, body=body)), Message)
        except (Problem, FacetError) as refused:
            status = refused.status if isinstance(refused, Problem) else refused.http_status
            assert 400 <= status < 500
