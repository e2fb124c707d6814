"""A contact moves to another employer: his seat in the decision tree is vacant, and the unified view says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import httpx

from .builders import Json, Office, act, eventually, ok, view_of

As = Callable[[str], httpx.Client]
_SECONDS = 2.0


def a_project_with_a_seat(office: Office, customer_id: str, contact: Json) -> tuple[Json, Json]:
    """A project at the customer whose decision tree is unit, department and one seat, taken by the contact."""
    manager = office.administrator.http
    wanted = {
        "customerId": customer_id,
        "displayName": "新厂房",
        "ownerId": office.administrator.id,
        "expectedRevenue": {"currency": "CNY", "amount": "800000.00"},
    }
    project = ok(manager.post("/v1/projects", json=wanted))
    nodes = f"/v1/projects/{project['id']}/decisionNodes"
    unit = ok(
        manager.post(nodes, json={"kind": "UNIT", "displayName": "总部", "organizationId": customer_id})
    )
    department = ok(
        manager.post(nodes, json={"kind": "DEPARTMENT", "displayName": "采购部", "parentId": unit["id"]})
    )
    seat = {
        "kind": "SEAT",
        "displayName": "采购总监",
        "parentId": department["id"],
        "contactId": contact["id"],
        "contactName": contact["displayName"],
        "roles": ["DECIDER"],
        "influenceWeight": 90,
        "stance": "SUPPORTER",
        "relationshipStrength": 4,
    }
    return project, ok(manager.post(nodes, json=seat))


def seat_in_view(client: httpx.Client, customer_id: str, node_id: str) -> dict[str, Any]:
    items = view_of(client, customer_id, "decisionMakers")["decisionMakers"]["data"]["items"]
    return next((item for item in items if item["nodeId"] == node_id), {})


def test_within_two_seconds_the_seat_is_vacant_and_the_view_says_so(office: Office, as_role: As) -> None:
    executive = as_role("executive")
    old, new = office.customer(), office.customer()
    contact = office.contact(old["id"])
    project, seat = a_project_with_a_seat(office, old["id"], contact)
    eventually(
        lambda: seat_in_view(executive, old["id"], seat["id"]).get("contactId") == contact["id"],
        what="the taken seat in the view",
    )

    moved = act(
        office.administrator.http,
        f"/v1/contacts/{contact['id']}:changeAffiliation",
        contact,
        customerId=new["id"],
        title="总经理",
    )
    begun = time.monotonic()
    assert ok(moved)["customerId"] == new["id"]
    eventually(
        lambda: seat_in_view(executive, old["id"], seat["id"]).get("vacant"),
        seconds=_SECONDS,
        what="the vacant seat in the view",
    )
    tree = ok(executive.get(f"/v1/projects/{project['id']}/decisionTree"))
    assert time.monotonic() - begun < _SECONDS + 0.5
    node = next(node for node in tree["nodes"] if node["id"] == seat["id"])
    assert node["vacant"]
    assert not node["contactId"]
    assert node["formerContactId"] == contact["id"]
    assert tree["figures"]["vacantNodeIds"] == [seat["id"]]
    assert tree["figures"]["coveragePercent"] == 0


def test_the_employers_of_the_past_stay_as_they_were(office: Office) -> None:
    reader = office.administrator.http
    old, new = office.customer(), office.customer()
    contact = office.contact(old["id"])
    path = f"/v1/contacts/{contact['id']}"
    moved = ok(act(reader, f"{path}:changeAffiliation", contact, customerId=new["id"]))
    assert [place["customerId"] for place in moved["affiliations"]].count(old["id"]) == 1
    before = ok(reader.get(path, params={"asOf": contact["affiliation"]["validFrom"]}))
    assert before["affiliation"]["customerId"] == old["id"]
    assert ok(reader.get(path))["affiliation"]["customerId"] == new["id"]
