"""Lists through the gateway: filters, orders, and pages without gap or double while others write."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import httpx
import pytest

from .builders import Office, every, ok, unique
from .conftest import RunningPlatform

As = Callable[[str], httpx.Client]


@pytest.fixture(scope="module")
def marked(office: Office) -> tuple[str, list[str]]:
    """A mark, and the ids of twenty-three customers who carry it, in the order of their names."""
    mark = unique("list")
    made = [
        office.customer(displayName=f"{mark}-{number % 7:02d}", employeeCount=number, source=mark)["id"]
        for number in range(23)
    ]
    return mark, made


@pytest.mark.parametrize("order_by", ["create_time", "display_name", "display_name desc, create_time"])
def test_pages_have_neither_gap_nor_double(
    office: Office, marked: tuple[str, list[str]], order_by: str
) -> None:
    mark, made = marked
    client = office.administrator.http
    seen: list[str] = []
    token = ""
    while True:
        parameters = {"filter": f'source="{mark}"', "orderBy": order_by, "pageSize": 4, "pageToken": token}
        page = ok(client.get("/v1/customers", params=parameters))
        assert len(page["customers"]) <= 4
        seen += [customer["id"] for customer in page["customers"]]
        token = page["nextPageToken"]
        if not token:
            break
    assert len(seen) == len(set(seen))
    assert set(seen) == set(made)


def test_who_comes_between_two_pages_moves_nobody(office: Office) -> None:
    mark, client = unique("between"), office.administrator.http
    made = [office.customer(displayName=f"{mark}-{number}", source=mark)["id"] for number in range(6)]
    parameters = {"filter": f'source="{mark}"', "orderBy": "display_name", "pageSize": 3}
    first = ok(client.get("/v1/customers", params=parameters))
    office.customer(displayName=f"{mark}-0a", source=mark)
    rest = ok(client.get("/v1/customers", params=parameters | {"pageToken": first["nextPageToken"]}))
    assert [customer["id"] for customer in first["customers"] + rest["customers"]] == made


def test_a_list_comes_in_the_order_asked_for(office: Office, marked: tuple[str, list[str]]) -> None:
    mark, made = marked
    client = office.administrator.http
    wanted = {"filter": f'source="{mark}"', "orderBy": "display_name desc"}
    names = [customer["displayName"] for customer in every(client, "/v1/customers", "customers", **wanted)]
    assert len(names) == len(made)
    assert all(before >= after for before, after in pairwise(names))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("employee_count >= 20", {20, 21, 22}),
        ("employee_count < 3", {0, 1, 2}),
        ("employee_count = 5 OR employee_count = 6", {5, 6}),
        ("NOT employee_count > 0", {0}),
        ("employee_count != 0 AND employee_count <= 2", {1, 2}),
        ("employeeCount = 7", {7}),
        ("kind = PERSON", set()),
    ],
)
def test_a_filter_selects_what_it_says(
    office: Office, marked: tuple[str, list[str]], condition: str, expected: set[int]
) -> None:
    mark, made = marked
    answer = every(
        office.administrator.http,
        "/v1/customers",
        "customers",
        filter=f'source="{mark}" AND ({condition})',
    )
    assert {customer["id"] for customer in answer} == {made[number] for number in expected}


def test_a_filter_by_group_and_by_tree_of_classification_reaches_descendants(
    as_role: As, platform: RunningPlatform
) -> None:
    executive = as_role("executive")
    members = ok(executive.get(f"/v1/customers/{platform.group_id}:hierarchy"))["members"]
    group = every(
        executive, "/v1/customers", "customers", filter=f'descendants(group, "{platform.group_id}")'
    )
    assert {customer["id"] for customer in group} == {member["customerId"] for member in members}
    some = next(customer for customer in group if set(customer["nodeAncestorIds"]) - set(customer["nodeIds"]))
    above = next(iter(set(some["nodeAncestorIds"]) - set(some["nodeIds"])))
    condition = f'descendants(classification, "{above}")'
    below = every(executive, "/v1/customers", "customers", filter=condition)
    assert some["id"] in {customer["id"] for customer in below}
    assert all(above in customer["nodeAncestorIds"] for customer in below)
    exactly = every(executive, "/v1/customers", "customers", filter=f'classification="{above}"')
    assert some["id"] not in {customer["id"] for customer in exactly}


def test_a_region_in_a_filter_may_stand_for_its_cities(as_role: As) -> None:
    executive = as_role("executive")
    regions = every(executive, "/v1/regions", "regions")
    top = next(region for region in regions if not region["parentId"])
    inside = {region["id"] for region in regions if top["id"] in (region["id"], *region["ancestorIds"])}
    condition = f'descendants(region_id, "{top["id"]}")'
    found = every(executive, "/v1/customers", "customers", filter=condition)
    assert found
    assert {customer["regionId"] for customer in found} <= inside


@pytest.mark.parametrize(
    ("collection", "key"),
    [
        ("orders", "orders"),
        ("opportunities", "opportunities"),
        ("contracts", "contracts"),
        ("invoices", "invoices"),
        ("payments", "payments"),
        ("projects", "projects"),
        ("tickets", "tickets"),
        ("assets", "assets"),
        ("campaigns", "campaigns"),
        ("contacts", "contacts"),
        ("products", "products"),
        ("staff", "staff"),
    ],
)
def test_every_list_of_the_demo_enterprise_is_the_same_in_small_pages_as_in_large_ones(
    office: Office, collection: str, key: str
) -> None:
    client = office.administrator.http
    whole = ok(client.get(f"/v1/{collection}", params={"pageSize": 60, "orderBy": "create_time"}))
    assert whole[key]
    parts: list[str] = []
    token = ""
    while len(parts) < len(whole[key]):
        parameters = {"pageSize": 17, "orderBy": "create_time", "pageToken": token}
        page = ok(client.get(f"/v1/{collection}", params=parameters))
        parts += [item["id"] for item in page[key]]
        token = page["nextPageToken"]
        if not token:
            break
    assert parts[: len(whole[key])] == [item["id"] for item in whole[key]]
