"""Who sees what: a region's representative his region, a customer's user his own group and the fields meant for him."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from .builders import Json, Office, act, eventually, every, ok, refused, unique, view_of
from .conftest import RunningPlatform

As = Callable[[str], httpx.Client]
UNKNOWN = "01920000-0000-7000-8000-000000000000"
HIDDEN_FROM_CUSTOMERS = {
    "creditLimit",
    "relationshipStrategy",
    "keyAccount",
    "lifecycleStage",
    "description",
    "employeeCount",
    "nodeIds",
}
BY_ID = ("/v1/customers/{}", "/v1/customers/{}/unifiedView", "/v1/customers/{}:hierarchy")


def without_place(problem: Json, id: str) -> Json:
    """The problem but for what must differ from request to request: the id asked for, the path, the trace."""
    told = {name: value for name, value in problem.items() if name not in ("instance", "traceId")}
    return json.loads(json.dumps(told).replace(id, "{id}"))


def keys_in(value: Any) -> Iterator[str]:
    """Every key of every object in a JSON value that says something; what is masked is there without its value."""
    match value:
        case dict():
            for key, item in value.items():
                if item not in ("", 0, "0", False, None, [], {}, "UNSPECIFIED"):
                    yield key
                yield from keys_in(item)
        case list():
            for item in value:
                yield from keys_in(item)


@pytest.fixture(scope="module")
def group_members(as_role: As, platform: RunningPlatform) -> list[Json]:
    tree = ok(as_role("executive").get(f"/v1/customers/{platform.group_id}:hierarchy"))
    return tree["members"]


@pytest.fixture(scope="module")
def his_regions(as_role: As, office: Office) -> set[str]:
    """The representative's region with all its cities."""
    granted = set(office.staff_of("rep@facet.example")["scopeRegionIds"])
    regions = every(as_role("executive"), "/v1/regions", "regions")
    return {region["id"] for region in regions if granted & {region["id"], *region["ancestorIds"]}}


def test_the_regional_representative_lists_the_customers_of_his_region_only(
    as_role: As, his_regions: set[str]
) -> None:
    seen = every(as_role("sales_rep"), "/v1/customers", "customers")
    everybody = every(as_role("executive"), "/v1/customers", "customers")
    mine = {customer["id"] for customer in everybody if customer["regionId"] in his_regions}
    assert mine
    assert {customer["id"] for customer in seen} == mine
    assert len(mine) < len(everybody)


def test_the_regional_representative_sees_his_regions_part_of_the_group_only(
    as_role: As, platform: RunningPlatform, group_members: list[Json], his_regions: set[str]
) -> None:
    rep = as_role("sales_rep")
    mine = [member["customerId"] for member in group_members if member["regionId"] in his_regions]
    others = [member["customerId"] for member in group_members if member["regionId"] not in his_regions]
    assert mine
    assert others
    for id in others:
        refused(rep.get(f"/v1/customers/{id}"), 404)
    view = ok(rep.get(f"/v1/customers/{mine[0]}/unifiedView"))
    assert view["scope"] == "partial"
    data = view["sections"]["group"]["data"]
    assert {member["customerId"] for member in data["members"]} <= set(mine)
    for section in view["sections"].values():
        pieces = (section["data"] or {}).get("byRegion", [])
        assert {piece["regionId"] for piece in pieces} <= his_regions, section


def test_the_representative_gets_no_order_of_another_region(
    as_role: As, his_regions: set[str], office: Office
) -> None:
    me = office.staff_of("rep@facet.example")["id"]
    orders = every(as_role("sales_rep"), "/v1/orders", "orders")
    assert orders
    assert all(order["regionId"] in his_regions or order["ownerId"] == me for order in orders)


def test_the_account_team_sees_its_whole_group_and_no_other(
    as_role: As, platform: RunningPlatform, group_members: list[Json]
) -> None:
    manager = as_role("key_account_manager")
    seen = view_of(manager, platform.group_id, "group")["group"]["data"]["members"]
    assert {member["customerId"] for member in seen} == {member["customerId"] for member in group_members}


def test_a_customers_user_reads_his_own_group_with_the_fields_meant_for_him(
    as_role: As, platform: RunningPlatform, group_members: list[Json]
) -> None:
    user = as_role("customer")
    listed = every(user, "/v1/customers", "customers")
    assert {customer["id"] for customer in listed} == {member["customerId"] for member in group_members}
    view = ok(user.get(f"/v1/customers/{platform.group_id}/unifiedView"))
    for answer in (listed, view, ok(user.get(f"/v1/customers/{platform.group_id}"))):
        assert not HIDDEN_FROM_CUSTOMERS & set(keys_in(answer))
    assert {"orders", "contracts", "tickets", "assets"} <= set(view["sections"])
    assert "coveragePercent" not in set(keys_in(view))
    orders = every(user, "/v1/orders", "orders")
    assert {order["customerId"] for order in orders} <= {member["customerId"] for member in group_members}
    assert not {"ownerId", "departmentId", "exchangeRate"} & set(keys_in(orders))


@pytest.mark.parametrize("path", BY_ID)
def test_for_a_customers_user_another_customer_is_the_same_as_none(
    as_role: As, group_members: list[Json], path: str
) -> None:
    own = {member["customerId"] for member in group_members}
    everybody = every(as_role("executive"), "/v1/customers", "customers")
    foreign = [customer["id"] for customer in everybody if customer["id"] not in own][:5]
    user = as_role("customer")
    nobody = refused(user.get(path.format(UNKNOWN)), 404)
    for id in foreign:
        problem = refused(user.get(path.format(id)), 404)
        assert without_place(problem, id) == without_place(nobody, UNKNOWN)


def test_no_filter_search_or_record_leads_a_customers_user_out_of_his_group(
    as_role: As, group_members: list[Json]
) -> None:
    own = {member["customerId"] for member in group_members}
    executive, user = as_role("executive"), as_role("customer")
    foreign = [c for c in every(executive, "/v1/customers", "customers") if c["id"] not in own]
    for customer in [customer for customer in foreign if customer["taxId"]][:3]:
        assert not every(user, "/v1/customers", "customers", filter=f'id="{customer["id"]}"')
        assert not every(user, "/v1/orders", "orders", filter=f'customer_id="{customer["id"]}"')
        found = ok(user.get("/v1/customers:search", params={"query": customer["taxId"]}))["customers"]
        assert not found
    for collection in ("orders", "contracts", "invoices", "tickets", "assets"):
        records = every(executive, f"/v1/{collection}", collection)
        record = next(record for record in records if record["customerId"] not in own)
        refused(user.get(f"/v1/{collection}/{record['id']}"), 404)
        mine = every(user, f"/v1/{collection}", collection)
        assert {record["customerId"] for record in mine} <= own, collection
    refused(user.get("/v1/customers", params={"filter": 'relationship_strategy="INVEST"'}), 422)


def test_a_customers_user_may_do_nothing_that_is_for_staff(as_role: As, platform: RunningPlatform) -> None:
    user = as_role("customer")
    problem = refused(user.post("/v1/customers", json={"displayName": "新客户"}), 403)
    assert problem["metadata"]["permission"] == "customer.customers.create"
    refused(user.get("/v1/staff"), 403)
    refused(user.get("/v1/projects/any/decisionTree"), 403)


def test_who_gets_a_right_has_it_soon_and_who_loses_it_soon_has_it_no_more(office: Office) -> None:
    person = office.hire("finance")
    refused(person.http.post("/v1/customers", json={"displayName": "某客户"}), 403)
    record = office.staff_of(person.email)
    administrator = office.administrator.http
    path = f"/v1/staff/{person.id}"
    changed = administrator.patch(
        path, json={"roles": ["sales_manager"]}, headers={"If-Match": f'"{record["etag"]}"'}
    )
    record = ok(changed)

    def may_create() -> bool:
        return person.http.post("/v1/customers", json={}).status_code == 422

    eventually(may_create, seconds=7, what="the right to create customers")
    ok(act(administrator, f"{path}:deactivate", record))
    eventually(
        lambda: person.http.get("/v1/customers").status_code == 401, seconds=7, what="the end of access"
    )


def test_an_api_key_is_narrower_than_its_maker_and_dies_when_revoked(office: Office) -> None:
    person = office.hire("sales_rep")
    wanted = {"displayName": unique("key"), "scopes": ["customer.customers.read"]}
    made = ok(person.http.post("/v1/apiKeys", json=wanted))
    beyond = {"displayName": unique("key"), "scopes": ["customer.staff.create"]}
    refused(person.http.post("/v1/apiKeys", json=beyond), 403)
    with httpx.Client(base_url=office.gateway, headers={"X-API-Key": made["secret"]}, timeout=15) as machine:
        assert ok(machine.get("/v1/customers", params={"pageSize": 1}))["customers"]
        refused(machine.get("/v1/orders"), 403)
        refused(machine.get("/v1/apiKeys"), 403)
        assert "secret" not in {
            key for key, value in ok(person.http.get(f"/v1/apiKeys/{made['id']}")).items() if value
        }
        ok(person.http.post(f"/v1/apiKeys/{made['id']}:revoke", json={}))
        eventually(
            lambda: machine.get("/v1/customers").status_code == 401, seconds=7, what="the end of the key"
        )


def _encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def _decoded(part: str) -> dict[str, Any]:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _spoilt(token: str, way: str) -> str:
    """A sign-in that proves nothing any more."""
    header, claims, signature = token.split(".")
    match way:
        case "alg none":
            return f"{_encoded(_decoded(header) | {'alg': 'none'})}.{claims}."
        case "another person":
            return f"{header}.{_encoded(_decoded(claims) | {'sub': 'executive@facet.example'})}.{signature}"
        case "longer life":
            return f"{header}.{_encoded(_decoded(claims) | {'exp': int(time.time()) + 10**6})}.{signature}"
        case "hmac with the public key":
            return f"{_encoded(_decoded(header) | {'alg': 'HS256'})}.{claims}.{signature}"
        case "no signature":
            return f"{header}.{claims}."
        case _:
            return way


@pytest.mark.parametrize(
    "way",
    [
        "alg none",
        "another person",
        "longer life",
        "hmac with the public key",
        "no signature",
        "nonsense",
        "a.b.c",
    ],
)
def test_a_sign_in_that_proves_nothing_opens_nothing(
    anonymous: httpx.Client, platform: RunningPlatform, way: str
) -> None:
    headers = {"Authorization": f"Bearer {_spoilt(platform.token('finance'), way)}"}
    answer = anonymous.get("/v1/customers", headers=headers)
    refused(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_without_a_sign_in_nothing_is_answered_not_even_that_something_is_missing(
    anonymous: httpx.Client, platform: RunningPlatform
) -> None:
    for path in (f"/v1/customers/{platform.group_id}", f"/v1/customers/{UNKNOWN}", "/v1/orders"):
        refused(anonymous.get(path), 401)
    refused(anonymous.get("/v1/customers", headers={"X-API-Key": "fct_" + "A" * 43}), 401, "INVALID_API_KEY")
    refused(anonymous.get("/v1/customers", headers={"Authorization": "Basic YTpi"}), 401)
