"""One view of a key account across departments and regions: complete, consistent with the services, quick."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import median
from typing import Any

import httpx
import pytest

from .builders import SECTIONS, Office, act, eventually, every, ok, refused, seconds_of, view_of
from .conftest import RunningPlatform

WITH_TOTALS = [name for names in SECTIONS.values() for name in names if name not in ("profile", "timeline")]
OPEN_ORDERS = (
    "SUBMITTED",
    "COMMERCIALLY_APPROVED",
    "FINANCE_APPROVED",
    "PARTLY_SHIPPED",
    "SHIPPED",
    "RECEIVED",
)

As = Callable[[str], httpx.Client]


@pytest.fixture(scope="module")
def executive(as_role: As) -> httpx.Client:
    return as_role("executive")


@pytest.fixture
def sections(executive: httpx.Client, platform: RunningPlatform) -> dict[str, Any]:
    return view_of(executive, platform.group_id)


def path(customer_id: str) -> str:
    return f"/v1/customers/{customer_id}/unifiedView"


def of(amount: dict[str, str] | None) -> Decimal:
    return Decimal(amount["amount"]) if amount else Decimal(0)


def holds_something(value: Any) -> bool:
    """Whether any number, text or list in it says more than its default."""
    match value:
        case dict():
            return any(holds_something(item) for key, item in value.items() if key != "currency")
        case list():
            return any(holds_something(item) for item in value)
        case str():
            return value not in ("", "0") and not value.startswith("0.0")
        case _:
            return bool(value)


def test_one_call_answers_every_section_of_every_service_with_source_and_age(
    sections: dict[str, Any],
) -> None:
    assert set(sections) == {name for names in SECTIONS.values() for name in names}
    now = datetime.now(UTC)
    for service, names in SECTIONS.items():
        for name in names:
            section = sections[name]
            assert section["status"] == "fresh", (name, section)
            assert section["source"] == service, name
            assert section["cell"], name
            as_of = datetime.fromisoformat(section["asOf"])
            assert now - timedelta(days=1) < as_of <= now + timedelta(seconds=5), name
            assert holds_something(section["data"]), (name, section["data"])


def test_the_group_spans_at_least_four_regions_and_three_departments(sections: dict[str, Any]) -> None:
    group = sections["group"]["data"]
    assert group["totals"]["memberCount"] == len(group["members"]) == 10
    assert group["totals"]["regionCount"] >= 4
    assert group["totals"]["departmentCount"] >= 3
    assert len({member["regionId"] for member in group["members"]}) == group["totals"]["regionCount"]


@pytest.mark.parametrize("name", WITH_TOTALS)
def test_every_section_has_totals_by_department_and_by_region(sections: dict[str, Any], name: str) -> None:
    data = sections[name]["data"]
    assert data["totals"]
    assert data["byDepartment"]
    assert data["byRegion"]
    assert all(piece["departmentId"] and piece["displayName"] for piece in data["byDepartment"]), data
    assert all(piece["regionId"] and piece["displayName"] for piece in data["byRegion"]), data


@pytest.mark.parametrize("name", ["pipeline", "orders", "contracts", "receivables", "projects"])
def test_departments_add_up_to_what_regions_add_up_to(sections: dict[str, Any], name: str) -> None:
    data = sections[name]["data"]
    by_department, by_region = data["byDepartment"], data["byRegion"]
    assert sum(piece["count"] for piece in by_department) == sum(piece["count"] for piece in by_region)
    assert sum(of(piece.get("amount")) for piece in by_department) == sum(
        of(piece.get("amount")) for piece in by_region
    )


@pytest.mark.capability("CUS-14")
def test_orders_and_receivables_of_the_subsidiaries_roll_up_to_the_group(
    executive: httpx.Client, platform: RunningPlatform, sections: dict[str, Any]
) -> None:
    orders = open_count = 0
    invoices: list[dict[str, Any]] = []
    for member in (member["customerId"] for member in sections["group"]["data"]["members"]):
        mine = every(executive, "/v1/orders", "orders", filter=f'customer_id="{member}"')
        orders += len(mine)
        open_count += sum(order["state"] in OPEN_ORDERS for order in mine)
        invoices += every(executive, "/v1/invoices", "invoices", filter=f'customer_id="{member}"')
    assert orders > 10
    assert sections["orders"]["data"]["totals"]["openCount"] == open_count
    owed = sum(
        of(invoice["amount"]) - of(invoice.get("paid")) for invoice in invoices if invoice["state"] != "VOID"
    )
    assert of(sections["receivables"]["data"]["totals"]["openAmount"]) == owed


@pytest.mark.capability("CUS-14")
def test_a_group_cannot_be_moved_below_one_of_its_subsidiaries(office: Office) -> None:
    root = office.customer()
    below = office.customer(parentId=root["id"])
    lowest = office.customer(parentId=below["id"])
    administrator = office.administrator.http
    moved = act(administrator, f"/v1/customers/{root['id']}:move", root, parentId=lowest["id"])
    refused(moved, 409, "TREE_RING")
    assert ok(administrator.get(f"/v1/customers/{lowest['id']}"))["groupId"] == root["id"]


def test_who_holds_the_current_view_is_not_sent_it_again(
    executive: httpx.Client, platform: RunningPlatform
) -> None:
    first = executive.get(path(platform.group_id))
    again = executive.get(path(platform.group_id), headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert not again.content
    assert again.headers["etag"] == first.headers["etag"]


def test_only_the_sections_asked_for_are_answered(executive: httpx.Client, platform: RunningPlatform) -> None:
    assert set(view_of(executive, platform.group_id, "orders,tickets")) == {"orders", "tickets"}
    problem = refused(executive.get(path(platform.group_id), params={"sections": "orders,secrets"}), 422)
    assert problem["violations"][0]["field"] == "sections"
    assert "secrets" in problem["violations"][0]["message"]


def test_a_prepared_view_is_read_in_a_fraction_of_asking_every_service(
    executive: httpx.Client, platform: RunningPlatform
) -> None:
    group = platform.group_id

    def ask_everybody() -> None:
        for service in SECTIONS:
            ok(executive.get(f"/v1/customers/{group}/summaries/{service}"))

    asked = median(seconds_of(ask_everybody) for _ in range(5))
    read = median(seconds_of(lambda: ok(executive.get(path(group)))) for _ in range(15))
    assert read < asked / 2, (read, asked)


def test_a_change_in_a_service_is_in_the_view_within_two_seconds(
    executive: httpx.Client, office: Office
) -> None:
    customer = office.customer()
    seller = office.hire("sales_manager")
    order = office.order(seller.http, customer["id"])
    assert view_of(executive, customer["id"])["orders"]["data"]["totals"]["openCount"] == 0
    ok(act(seller.http, f"/v1/orders/{order['id']}:submit", order))

    def is_open() -> bool:
        return view_of(executive, customer["id"], "orders")["orders"]["data"]["totals"]["openCount"] == 1

    eventually(is_open, seconds=2, what="the submitted order in the view")
