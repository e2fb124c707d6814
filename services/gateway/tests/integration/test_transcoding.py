"""HTTP and JSON in front, gRPC and protobuf behind."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from gateway_world import eventually

from facet_contracts.facet.sales.v1 import order_service_pb as orders
from facet_contracts.facet.sales.v1.resources_pb import Order
from facet_kit.errors import Conflict, Forbidden, Invalid, PreconditionMissing, Stale, Unavailable

ADMIN = "admin@facet.example"
SERVICE = "/facet.sales.v1.OrderService/"


def the_order(**fields: Any) -> Order:
    return Order(**({"id": "o1", "etag": "v3"} | fields))


async def test_a_get_answers_the_resource_with_its_etag(world: Any) -> None:
    world.services["sales"].answers[SERVICE + "GetOrder"] = lambda asked: the_order()
    answer = await world.call("GET", "/v1/orders/o1", by=ADMIN)
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == '"v3"'
    assert answer.json()["id"] == "o1"
    again = await world.call("GET", "/v1/orders/o1", by=ADMIN, headers={"If-None-Match": '"v3"'})
    assert again.status_code == 304
    assert again.content == b""


async def test_the_service_learns_who_calls_and_in_what_name(world: Any) -> None:
    world.services["sales"].answers[SERVICE + "GetOrder"] = lambda asked: the_order()
    await world.call("GET", "/v1/orders/o1", by=ADMIN, headers={"X-Request-Id": "abc"})
    asked = world.services["sales"].calls(SERVICE + "GetOrder")[-1]
    assert asked.principal.id == ADMIN
    assert asked.principal.person_id == f"person-of-{ADMIN}"
    assert asked.metadata["x-request-id"] == "abc"
    assert orders.GetOrderRequest.from_binary(asked.payload).order_id == "o1"


async def test_a_create_answers_201_with_the_place_of_the_new_resource(world: Any) -> None:
    sales = world.services["sales"]
    sales.answers[SERVICE + "CreateOrder"] = lambda asked: the_order(id="new")
    sales.trailing = [("x-facet-replayed", "true")]
    headers = {"Idempotency-Key": "k-1", "X-Facet-Reason": "客户要求".encode()}
    answer = await world.call("POST", "/v1/orders", by=ADMIN, json={"customerId": "c1"}, headers=headers)
    sales.trailing = []
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == "/v1/orders/new"
    assert answer.headers["idempotent-replayed"] == "true"
    (asked,) = sales.calls(SERVICE + "CreateOrder")
    assert asked.metadata["idempotency-key"] == "k-1"
    assert unquote(asked.metadata["x-facet-reason"]) == "客户要求"


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (Stale("Order", "o1"), 412, "STALE_ETAG"),
        (PreconditionMissing("Order", "o1"), 428, "ETAG_MISSING"),
        (Conflict("ILLEGAL_TRANSITION", "no", metadata={"state": "DRAFT"}), 409, "ILLEGAL_TRANSITION"),
        (Forbidden("DUTIES", "not you"), 403, "DUTIES"),
        (Invalid("BAD", "no", field="order.unit_price"), 422, "BAD"),
        (Unavailable("DATABASE_UNAVAILABLE", "away", retry_after=2), 503, "DATABASE_UNAVAILABLE"),
    ],
)
async def test_refusals_of_the_service_keep_status_reason_and_fields(
    world: Any, error: Exception, status: int, reason: str
) -> None:
    def refuse(_asked: object) -> Order:
        raise error

    world.services["sales"].answers[SERVICE + "ApproveOrder"] = refuse
    answer = await world.call(
        "POST", "/v1/orders/o1:approve", by=ADMIN, json={}, headers={"If-Match": '"v1"'}
    )
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem["reason"]) == (status, status, reason)
    assert answer.headers["content-type"] == "application/problem+json"
    assert "httpStatus" not in problem.get("metadata", {})
    if status == 422:
        assert problem["violations"][0]["field"] == "order.unitPrice"
    if status == 503:
        assert answer.headers["retry-after"] == "2"


async def test_an_update_carries_mask_and_etag(world: Any) -> None:
    sales = world.services["sales"]
    sales.answers[SERVICE + "UpdateOrder"] = lambda asked: the_order(etag="v4")
    answer = await world.call(
        "PATCH", "/v1/orders/o1", by=ADMIN, json={"customerReference": ""}, headers={"If-Match": '"v3"'}
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == '"v4"'
    request = orders.UpdateOrderRequest.from_binary(sales.calls(SERVICE + "UpdateOrder")[-1].payload)
    assert request.etag == "v3"
    assert request.order is not None
    assert request.order.id == "o1"
    assert request.update_mask is not None
    assert list(request.update_mask.paths) == ["customer_reference"]


async def test_a_missing_permission_is_refused_before_the_service_is_asked(world: Any) -> None:
    sales = world.services["sales"]
    before = len(sales.asked)
    answer = await world.call("POST", "/v1/orders/o1:approve", by="executive@facet.example", json={})
    assert answer.status_code == 403
    assert answer.json()["metadata"] == {"permission": "sales.orders.approve"}
    assert len(sales.asked) == before


async def test_what_every_service_answers_goes_to_the_one_that_is_named(world: Any) -> None:
    from facet_contracts.facet.platform.v1.resources_pb import Operation

    operation = "service-desk-01980000-0000-7000-8000-000000000000"
    rpc = "/facet.platform.v1.OperationsService/GetOperation"
    world.services["service-desk"].answers[rpc] = lambda asked: Operation(id=operation)
    answer = await world.call("GET", f"/v1/operations/{operation}", by=ADMIN)
    assert answer.json()["id"] == operation
    assert world.services["service-desk"].calls(rpc)
    nowhere = await world.call("GET", "/v1/operations/nothing-01980000-0000-7000-8000-000000000000", by=ADMIN)
    assert (nowhere.status_code, nowhere.json()["reason"]) == (404, "NO_SUCH_SERVICE")
    assert (await world.call("GET", "/v1/services/nothing/deadLetters", by=ADMIN)).status_code == 404


async def test_a_path_takes_only_its_methods(world: Any) -> None:
    answer = await world.call("DELETE", "/v1/orders/o1:approve", by=ADMIN)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    unknown = await world.call("GET", "/v1/nothing/here", by=ADMIN)
    assert (unknown.status_code, unknown.json()["reason"]) == (404, "NO_SUCH_ROUTE")
    assert unknown.headers["content-type"] == "application/problem+json"


async def test_a_service_that_is_away_answers_503_and_serves_again_when_it_returns(world: Any) -> None:
    marketing = world.services["marketing"]
    from facet_contracts.facet.marketing.v1.resources_pb import Campaign

    marketing.answers["/facet.marketing.v1.CampaignService/GetCampaign"] = lambda asked: Campaign(id="m1")
    assert (await world.call("GET", "/v1/campaigns/m1", by=ADMIN)).status_code == 200
    await marketing.stop()
    away = await world.call("GET", "/v1/campaigns/m1", by=ADMIN)
    assert (away.status_code, away.json()["reason"]) == (503, "UPSTREAM_UNAVAILABLE")
    assert "retry-after" in away.headers
    await marketing.start()

    async def serves() -> bool:
        return (await world.call("GET", "/v1/campaigns/m1", by=ADMIN)).status_code == 200

    await eventually(serves)
