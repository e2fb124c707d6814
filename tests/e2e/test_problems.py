"""Refusals: problem+json that says what was wrong, where, and how to mend it; never a bare 500."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from .builders import Office, a_customer, ok, refused
from .conftest import RunningPlatform

As = Callable[[str], httpx.Client]
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def administrator(office: Office) -> httpx.Client:
    return office.administrator.http


def fields(problem: dict[str, object]) -> set[str]:
    violations = problem.get("violations", [])
    assert isinstance(violations, list)
    assert all(violation["message"] for violation in violations)
    return {violation["field"] for violation in violations}


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"displayName": "A"', "INVALID_JSON"),
        (b'{"displayName": "A", "displayName": "B"}', "DUPLICATE_KEY"),
        (b"\xef\xbb\xbf{}", "BYTE_ORDER_MARK"),
        (b'{"displayName": "\xff"}', "INVALID_UTF8"),
        (b'{"displayName": "a\\u0000b"}', "NUL_CHARACTER"),
        (b'{"displayName": "\\ud800"}', "LONE_SURROGATE"),
        (b'{"employeeCount": NaN}', "INVALID_NUMBER"),
        (b'{"customFields": ' + b'{"a":' * 200 + b"1" + b"}" * 200 + b"}", "TOO_DEEP"),
    ],
)
def test_a_body_that_cannot_be_read_is_a_400(administrator: httpx.Client, body: bytes, reason: str) -> None:
    refused(administrator.post("/v1/customers", content=body, headers=JSON), 400, reason)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"colour": "red"}, "colour"),
        ({"kind": "ROBOT"}, "kind"),
        ({"displayName": 7}, "displayName"),
        ({"displayName": "x" * 201}, "displayName"),
        ({"displayName": ""}, "displayName"),
        ({"employeeCount": -1}, "employeeCount"),
        ({"employeeCount": "many"}, "employeeCount"),
        ({"emails": ["nobody"]}, "emails"),
        ({"countryCode": "China"}, "countryCode"),
        ({"website": "not a uri"}, "website"),
        ({"annualRevenue": {"currency": "CNY", "amount": "1.2.3"}}, "annualRevenue"),
        ({"roles": ["END_CUSTOMER", "END_CUSTOMER"]}, "roles"),
        ({"regionId": "nowhere"}, "regionId"),
        ({"parentId": "nobody"}, "parentId"),
        ({"ownerId": "nobody"}, "ownerId"),
    ],
)
def test_a_field_that_does_not_fit_is_a_422_that_names_it(
    administrator: httpx.Client, change: dict[str, object], field: str
) -> None:
    problem = refused(administrator.post("/v1/customers", json=a_customer(**change)), 422)
    assert any(field in named for named in fields(problem)), problem


def test_every_field_that_does_not_fit_is_named_at_once(administrator: httpx.Client) -> None:
    wrong = a_customer(countryCode="China", employeeCount=-1, emails=["nobody"])
    named = " ".join(fields(refused(administrator.post("/v1/customers", json=wrong), 422)))
    assert all(field in named for field in ("countryCode", "employeeCount", "emails"))


def test_a_filter_that_is_none_is_a_422_that_says_where_it_breaks(administrator: httpx.Client) -> None:
    answer = administrator.get("/v1/customers", params={"filter": 'display_name="A" AND ('})
    problem = refused(answer, 422)
    assert fields(problem) == {"filter"}
    assert problem["metadata"]["position"] == "23"


@pytest.mark.parametrize(
    ("parameters", "field"),
    [
        ({"filter": 'colour="red"'}, "filter"),
        ({"filter": 'display_name>"A" colour'}, "filter"),
        ({"orderBy": "colour"}, "orderBy"),
        ({"pageToken": "abc"}, "pageToken"),
        ({"pageSize": "-1"}, "pageSize"),
        ({"pageSize": "many"}, "pageSize"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_parameter_that_does_not_fit_is_a_422_that_names_it(
    administrator: httpx.Client, parameters: dict[str, str], field: str
) -> None:
    assert fields(refused(administrator.get("/v1/customers", params=parameters), 422)) == {field}


def test_a_page_token_of_another_list_is_refused(administrator: httpx.Client, as_role: As) -> None:
    token = ok(administrator.get("/v1/customers", params={"pageSize": 1}))["nextPageToken"]
    other = {"pageToken": token, "filter": 'kind="ORGANISATION"'}
    refused(administrator.get("/v1/customers", params=other), 422, "INVALID_PAGE_TOKEN")
    refused(as_role("customer").get("/v1/customers", params={"pageToken": token}), 422, "INVALID_PAGE_TOKEN")
    refused(administrator.get("/v1/orders", params={"pageToken": token}), 422, "INVALID_PAGE_TOKEN")


def test_a_body_that_is_no_json_by_name_is_a_415(administrator: httpx.Client) -> None:
    for kind in ("text/plain", "application/xml", "application/json; charset=gbk"):
        answer = administrator.post("/v1/customers", content=b"{}", headers={"Content-Type": kind})
        refused(answer, 415)
    squeezed = administrator.post("/v1/customers", content=b"{}", headers=JSON | {"Content-Encoding": "gzip"})
    refused(squeezed, 415)


def test_a_body_that_is_too_large_is_a_413(administrator: httpx.Client) -> None:
    body = b'{"description": "' + b"x" * (2 * 1024 * 1024) + b'"}'
    refused(administrator.post("/v1/customers", content=body, headers=JSON), 413, "BODY_TOO_LARGE")


def test_a_path_that_nobody_serves_is_a_404(administrator: httpx.Client) -> None:
    for path in ("/v1/robots", "/v1/orders/x/lines", "/v1/", "/v2/customers", "/nothing"):
        refused(administrator.get(path), 404, "NO_SUCH_ROUTE")


def test_a_method_that_a_path_does_not_take_is_a_405_that_says_which_it_takes(
    administrator: httpx.Client,
) -> None:
    answer = administrator.delete("/v1/customers")
    refused(answer, 405, "METHOD_NOT_ALLOWED")
    assert answer.headers["allow"] == "GET, POST"


def test_what_is_not_there_is_a_404_that_says_so(administrator: httpx.Client) -> None:
    for path in ("/v1/customers/none", "/v1/orders/none", "/v1/tickets/none", "/v1/projects/none"):
        assert "none" in refused(administrator.get(path), 404)["detail"]


def test_a_verb_in_the_wrong_state_is_a_409_that_names_state_and_verb(office: Office) -> None:
    seller = office.hire("sales_manager").http
    order = office.order(seller, office.customer()["id"])
    answer = seller.post(
        f"/v1/orders/{order['id']}:settle", json={}, headers={"If-Match": f'"{order["etag"]}"'}
    )
    problem = refused(answer, 409, "ILLEGAL_TRANSITION")
    assert problem["metadata"] == {"state": "DRAFT", "verb": "settle"}


def test_a_duplicate_is_a_409_that_says_of_what(administrator: httpx.Client, office: Office) -> None:
    taken = ok(administrator.get(f"/v1/products/{office.product_id}"))
    twin = {name: taken[name] for name in ("modelCode", "displayName", "categoryId", "unit", "listPrice")}
    problem = refused(administrator.post("/v1/products", json=twin), 409)
    assert taken["modelCode"] in problem["detail"]


def test_what_is_not_allowed_is_a_403_that_names_the_permission(as_role: As) -> None:
    problem = refused(as_role("finance").post("/v1/customers", json=a_customer()), 403)
    assert problem["metadata"]["permission"] == "customer.customers.create"


def test_two_sign_ins_in_one_request_are_refused(office: Office) -> None:
    client = office.administrator.http
    refused(client.get("/v1/customers", headers={"X-API-Key": "fct_x"}), 400, "AMBIGUOUS_CREDENTIALS")


def test_every_answer_names_the_request_and_a_problem_its_trace(
    administrator: httpx.Client, platform: RunningPlatform
) -> None:
    answer = administrator.get("/v1/customers/none", headers={"X-Request-Id": "my-request-7"})
    problem = refused(answer, 404)
    assert answer.headers["x-request-id"] == "my-request-7"
    assert len(problem["traceId"]) == 32
    assert problem["instance"] == "/v1/customers/none"
    assert "x-request-id" in administrator.get(f"/v1/customers/{platform.group_id}").headers
