"""Builders of the end-to-end tests: people who sign in, and records made through the gateway like anybody's."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import grpc
import httpx

from facet_contracts.facet.customer.v1.resources_pb import Staff
from facet_contracts.facet.customer.v1.staff_service_pb import HireStaffRequest
from facet_kit.principal import HEADER, PrincipalSigner, service_principal
from facet_local.running import RunningPlatform as Platform
from facet_local.waiting import wait_until

Json = dict[str, Any]
SECTIONS = {
    "customer": ("profile", "group", "accountTeam", "contacts"),
    "sales": ("pipeline", "orders", "contracts", "receivables", "commitments"),
    "project": ("projects", "decisionMakers"),
    "service-desk": ("tickets", "assets"),
    "marketing": ("campaigns", "consents", "points"),
    "analytics": ("value", "timeline"),
}


def unique(prefix: str = "e2e") -> str:
    """A name nobody has had before; `random` is seeded anew for each test and would repeat itself."""
    return f"{prefix}-{secrets.token_hex(5)}"


def ok(answer: httpx.Response) -> Json:
    """The answer's body; fails with it when the answer is no success."""
    assert answer.is_success, (
        f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    )
    return answer.json() if answer.content else {}


def refused(answer: httpx.Response, status: int, reason: str | None = None) -> Json:
    """The problem of a refusal; fails when it is another one, or none."""
    where = f"{answer.request.method} {answer.request.url}"
    assert answer.status_code == status, f"{where}: {answer.status_code} {answer.text}"
    assert answer.headers["content-type"] == "application/problem+json", where
    problem: Json = answer.json()
    assert {"type", "title", "status", "detail", "instance", "reason", "traceId"} <= set(problem), problem
    assert problem["status"] == status
    assert reason is None or problem["reason"] == reason, problem
    return problem


def eventually(attempt: Callable[[], Any], *, seconds: float = 10.0, what: str) -> Any:
    """The first true answer of `attempt`, asked until the deadline."""
    found: list[Any] = []

    def holds() -> bool:
        found[:] = [attempt()]
        return bool(found[0])

    wait_until(holds, seconds=seconds, what=what)
    return found[0]


def every(client: httpx.Client, path: str, key: str, **parameters: Any) -> list[Json]:
    """All items of a list, page by page."""
    items: list[Json] = []
    token = ""
    while True:
        page = ok(client.get(path, params={"pageSize": 200, **parameters, "pageToken": token}))
        items += page[key]
        token = page["nextPageToken"]
        if not token:
            return items


def seconds_of(action: Callable[[], Any]) -> float:
    """How long an action takes."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def act(client: httpx.Client, path: str, record: Mapping[str, Any], **body: Any) -> httpx.Response:
    """A verb on a record as it was read: its etag goes with the call."""
    return client.post(path, json=body, headers={"If-Match": f'"{record["etag"]}"'})


@dataclass(frozen=True)
class Person:
    """A member of staff who is signed in."""

    id: str
    email: str
    http: httpx.Client

    def api_key(self, gateway: str, *scopes: str) -> httpx.Client:
        """A client with an API key of this person's."""
        wanted = {"displayName": unique("key"), "scopes": list(scopes)}
        secret = ok(self.http.post("/v1/apiKeys", json=wanted))["secret"]
        return httpx.Client(base_url=gateway, headers={"X-API-Key": secret}, timeout=15)


class Office:
    """Hires people and makes records. Everything has a name of its own, so that tests do not meet."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._clients = ExitStack()
        self.gateway = platform.gateway

    def close(self) -> None:
        """Closes all clients."""
        self._clients.close()

    def keep(self, client: httpx.Client) -> httpx.Client:
        """Closes the client at the end."""
        return self._clients.enter_context(client)

    def sign_in(self, subject: str) -> httpx.Client:
        """A client that is signed in as whoever has this e-mail address or portal subject."""
        answer = httpx.post(f"{self.gateway}/dev/issuer/token", json={"subject": subject}, timeout=15)
        headers = {"Authorization": f"Bearer {ok(answer)['access_token']}"}
        return self.keep(httpx.Client(base_url=self.gateway, headers=headers, timeout=15))

    @cached_property
    def administrator(self) -> Person:
        """The first administrator, whom nobody inside can hire: the platform's own set-up does."""
        email = f"{unique('admin')}@facet.example"
        first = self.staff_of("executive@facet.example")
        wanted = Staff(
            display_name="系统管理员",
            email=email,
            department_id=first["departmentId"],
            region_id=first["regionId"],
            roles=["administrator"],
        )
        token = PrincipalSigner(self._platform.principal_key).sign(
            service_principal("set-up"), now=datetime.now(UTC)
        )
        with grpc.insecure_channel(self._platform.services["customer"]) as channel:
            hire = channel.unary_unary("/facet.customer.v1.StaffService/HireStaff")
            request = HireStaffRequest(staff=wanted).to_binary()
            answer = hire(request, metadata=((HEADER, token),), timeout=15)
        return Person(Staff.from_binary(answer).id, email, self.sign_in(email))

    def staff_of(self, email: str) -> Json:
        """The record of a member of staff, by e-mail address."""
        reader = self.sign_in("executive@facet.example")
        return ok(reader.get("/v1/staff", params={"filter": f'email="{email}"'}))["staff"][0]

    def hire(self, *roles: str, **fields: Any) -> Person:
        """Somebody with these roles, who sees everything unless told otherwise."""
        email = f"{unique('staff')}@facet.example"
        home = self.staff_of("executive@facet.example")
        wanted = {
            "displayName": email.partition("@")[0],
            "email": email,
            "departmentId": home["departmentId"],
            "regionId": home["regionId"],
            "roles": list(roles),
            "fullScope": True,
        }
        made = ok(self.administrator.http.post("/v1/staff", json=wanted | fields))
        return Person(made["id"], email, self.sign_in(email))

    def region(self, code: str) -> str:
        """The id of a region. The demo enterprise's are R1 to R6; R1 is that of the representative who signs in."""
        found = self.administrator.http.get("/v1/regions", params={"filter": f'code="{code}"'})
        return ok(found)["regions"][0]["id"]

    def customer(self, **fields: Any) -> Json:
        """An organisation."""
        return ok(self.administrator.http.post("/v1/customers", json=a_customer(**fields)))

    def contact(self, customer_id: str, **fields: Any) -> Json:
        """A person who works for the customer."""
        since = (datetime.now(UTC).date() - timedelta(days=400)).isoformat()
        wanted = {
            "displayName": unique("contact"),
            "affiliation": {"customerId": customer_id, "title": "采购总监", "validFrom": since},
        }
        return ok(self.administrator.http.post("/v1/contacts", json=wanted | fields))

    @cached_property
    def product_id(self) -> str:
        """Some product of the catalogue."""
        return ok(self.administrator.http.get("/v1/products", params={"pageSize": 1}))["products"][0]["id"]

    def an_order(self, customer_id: str, **fields: Any) -> Json:
        """The body of an order of two pieces."""
        line = {
            "productId": self.product_id,
            "quantity": "2",
            "unitPrice": {"currency": "CNY", "amount": "1500.00"},
        }
        return {"customerId": customer_id, "currency": "CNY", "lines": [line]} | fields

    def order(self, by: httpx.Client, customer_id: str) -> Json:
        """A draft, entered by somebody."""
        return ok(by.post("/v1/orders", json=self.an_order(customer_id)))


def a_customer(**fields: Any) -> Json:
    """The body of an organisation that buys."""
    return {"displayName": unique("客户"), "kind": "ORGANISATION", "roles": ["END_CUSTOMER"]} | fields


def view_of(client: httpx.Client, customer_id: str, sections: str = "") -> Json:
    """The sections of an account's unified view."""
    parameters = {"sections": sections} if sections else {}
    return ok(client.get(f"/v1/customers/{customer_id}/unifiedView", params=parameters))["sections"]
