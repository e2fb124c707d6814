"""Who comes in, as whom, and for how long."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from gateway_world import eventually
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey

from facet_contracts.facet.customer.v1.resources_pb import PrincipalKind
from facet_contracts.facet.sales.v1.resources_pb import Order
from facet_kit.messaging.streams import connect

ADMIN = "admin@facet.example"
GET_ORDER = "/facet.sales.v1.OrderService/GetOrder"


async def as_somebody(world: Any, **headers: str) -> Any:
    return await world.http.get("/v1/orders/o1", headers=headers)


async def test_without_a_credential_nothing_of_the_api_answers(world: Any) -> None:
    for path in ("/v1/orders/o1", "/v1/nothing", "/v1/customers/c1/unifiedView"):
        answer = await world.http.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"


async def test_health_and_documentation_are_open(world: Any) -> None:
    for path in (
        "/livez",
        "/readyz",
        "/openapi.json",
        "/docs",
        "/docs/swagger-ui-bundle.js",
        "/docs/start.js",
    ):
        assert (await world.http.get(path)).status_code == 200


async def test_a_person_the_directory_does_not_know_stays_out(world: Any) -> None:
    answer = await world.call("GET", "/v1/orders/o1", by="nobody@facet.example")
    assert (answer.status_code, answer.json()["reason"]) == (401, "UNKNOWN_SUBJECT")


async def test_a_person_who_may_not_sign_in_any_more_stays_out(world: Any) -> None:
    world.people.add("gone@facet.example", "administrator", active=False)
    assert (await world.call("GET", "/v1/orders/o1", by="gone@facet.example")).status_code == 401


async def test_several_credentials_are_ambiguous(world: Any) -> None:
    token = await world.token(ADMIN)
    answer = await as_somebody(world, Authorization=f"Bearer {token}", **{"X-Api-Key": "x"})
    assert (answer.status_code, answer.json()["reason"]) == (400, "AMBIGUOUS_CREDENTIALS")


@pytest.mark.parametrize(
    "change", ["foreign key", "no algorithm", "symmetric", "issuer", "audience", "expired", "id token"]
)
async def test_a_token_that_proves_nothing_is_refused(world: Any, change: str) -> None:
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": "http://gateway.test/dev/issuer",
        "aud": "facet",
        "sub": ADMIN,
        "iat": now,
        "exp": now + 600,
    }
    keys = (await world.http.get("/dev/issuer/jwks")).json()
    header = {"alg": "ES256", "kid": keys["keys"][0]["kid"]}
    key: Any = ECKey.generate_key("P-256")
    token = ""
    match change:
        case "no algorithm":
            import base64

            parts = ({"alg": "none", "typ": "JWT"}, claims)
            token = (
                ".".join(
                    base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts
                )
                + "."
            )
        case "symmetric":
            header, key = {"alg": "HS256"}, OctKey.import_key(json.dumps(keys["keys"][0]))
            token = jwt.encode(header, claims, key, algorithms=["HS256"])
        case "issuer":
            claims["iss"] = "https://elsewhere.example"
        case "audience":
            claims["aud"] = "somebody else"
        case "expired":
            claims["exp"] = now - 120
        case "id token":
            header["typ"] = "id+jwt"
    token = token or jwt.encode(header, claims, key, algorithms=["ES256"])
    answer = await as_somebody(world, Authorization=f"Bearer {token}")
    assert (answer.status_code, answer.json()["reason"]) == (401, "INVALID_TOKEN"), change


async def test_nobody_is_locked_out_while_the_customer_service_is_away(world: Any) -> None:
    customer, sales = world.services["customer"], world.services["sales"]
    sales.answers[GET_ORDER] = lambda asked: Order(id="o1")
    assert (await world.call("GET", "/v1/orders/o1", by=ADMIN)).status_code == 200
    await customer.stop()
    try:
        world.gateway.directory.forget(f"person-of-{ADMIN}")
        assert (await world.call("GET", "/v1/orders/o1", by=ADMIN)).status_code == 200
        stranger = await world.call("GET", "/v1/orders/o1", by="stranger@facet.example")
        assert stranger.status_code == 503
    finally:
        await customer.start()
        upstream = world.gateway.cells.named("customer")
        await eventually(lambda: upstream.up)


async def test_a_change_of_rights_is_in_force_once_it_is_announced(world: Any) -> None:
    sales = world.services["sales"]
    sales.answers[GET_ORDER] = lambda asked: Order(id="o1")
    world.people.add("mover@facet.example", "executive")
    assert (await world.call("GET", "/v1/orders/o1", by="mover@facet.example")).status_code == 200
    world.people.add("mover@facet.example", "customer", kind=PrincipalKind.STAFF, full_scope=False)
    world.people.records["mover@facet.example"].roles.clear()
    client = await connect(world.gateway.settings.nats_url, "test")
    await client.publish(
        "facet.customer.staff.updated", b"", headers={"ce-subject": "person-of-mover@facet.example"}
    )
    await client.close()

    async def refused() -> bool:
        return (await world.call("GET", "/v1/orders/o1", by="mover@facet.example")).status_code == 403

    await eventually(refused, seconds=4)


@pytest.mark.capability("GTW-09")
async def test_an_api_key_acts_for_its_maker_within_its_scopes_until_it_is_revoked(world: Any) -> None:
    sales = world.services["sales"]
    sales.answers[GET_ORDER] = lambda asked: Order(id="o1")
    wanted = {"displayName": "ERP", "scopes": ["sales.orders.read"]}
    made = await world.call("POST", "/v1/apiKeys", by=ADMIN, json=wanted)
    assert made.status_code == 201, made.text
    key = made.json()
    secret = key["secret"]
    assert made.headers["location"] == f"/v1/apiKeys/{key['id']}"
    assert secret.startswith(key["secretPrefix"])

    answer = await as_somebody(world, **{"X-Api-Key": secret})
    assert answer.status_code == 200, answer.text
    principal = sales.calls(GET_ORDER)[-1].principal
    assert (principal.kind, principal.person_id) == ("API_KEY", f"person-of-{ADMIN}")
    beyond = await world.http.get("/v1/invoices/i1", headers={"X-Api-Key": secret})
    assert beyond.status_code == 403

    shown = await world.call("GET", f"/v1/apiKeys/{key['id']}", by=ADMIN)
    assert shown.json()["secret"] == ""
    revoked = await world.call("POST", f"/v1/apiKeys/{key['id']}:revoke", by=ADMIN, json={})
    assert revoked.status_code == 200, revoked.text
    assert (await world.call("POST", f"/v1/apiKeys/{key['id']}:revoke", by=ADMIN, json={})).status_code == 409

    async def refused() -> bool:
        return (await as_somebody(world, **{"X-Api-Key": secret})).status_code == 401

    await eventually(refused)


async def test_a_key_carries_at_most_its_makers_permissions(world: Any) -> None:
    wanted = {"displayName": "all", "scopes": ["*.*.*"]}
    answer = await world.call("POST", "/v1/apiKeys", by="rep@facet.example", json=wanted)
    assert (answer.status_code, answer.json()["reason"]) == (403, "SCOPE_BEYOND_PERMISSIONS")


@pytest.mark.parametrize("secret", ["", "x", "fct_" + "A" * 43, "fct_é"])
async def test_an_unknown_key_opens_nothing(world: Any, secret: str) -> None:
    answer = await world.http.get("/v1/orders/o1", headers={"X-Api-Key": secret.encode()})
    assert answer.status_code == 401


@pytest.mark.capability("GTW-09")
async def test_one_idempotency_key_makes_one_api_key(world: Any) -> None:
    wanted = {"displayName": "once", "scopes": ["sales.orders.read"]}
    headers = {"Idempotency-Key": "make-once"}
    first = await world.call("POST", "/v1/apiKeys", by=ADMIN, json=wanted, headers=headers)
    second = await world.call("POST", "/v1/apiKeys", by=ADMIN, json=wanted, headers=headers)
    assert first.json()["id"] == second.json()["id"]
    assert second.headers["idempotent-replayed"] == "true"
    other = await world.call(
        "POST", "/v1/apiKeys", by=ADMIN, json={**wanted, "displayName": "two"}, headers=headers
    )
    assert other.status_code == 422
