"""The unified view: prepared and joined, sliced by scope, honest about what is away."""

from __future__ import annotations

import itertools
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any

import pytest
import pytest_asyncio
from gateway_world import Asked, eventually
from protobuf import Message

from facet_contracts.facet.type.v1.account_pb import AccountSummaryChanged, GetAccountSummaryRequest
from facet_kit.errors import NotFound
from facet_kit.messaging.streams import StreamSettings, ensure_stream

EXECUTIVE = "executive@facet.example"
REP = "rep@facet.example"
_accounts = itertools.count()


class Owners:
    """The summaries that the stand-in services give: everything filled, counted, and hidden where it should be."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.known: set[str] = set()
        self.behind_seconds = 0
        self.hidden_from: dict[str, set[str]] = {}
        self.sources = {source.service: source for source in world.gateway.plan.sources}
        for source in self.sources.values():
            world.services[source.service].answers[source.rpc] = lambda asked, source=source: self.answer(
                source, asked
            )

    def answer(self, source: Any, asked: Asked) -> Message[Any]:
        account = GetAccountSummaryRequest.from_binary(asked.payload).customer_id
        if account not in self.known or asked.principal.id in self.hidden_from.get(account, ()):
            raise NotFound("Customer", account)
        stamp = next(
            field for field in source.response.desc().fields if field.name == "as_of"
        ).value.message.type
        answer = source.response(as_of=stamp.from_nanos(time.time_ns() - self.behind_seconds * 10**9))
        for section in source.sections:
            setattr(answer, section.field, section.message.type())
        return answer

    def calls(self, service: str) -> int:
        return len(self.world.services[service].calls(self.sources[service].rpc))

    async def announce(self, service: str, *accounts: str) -> None:
        jetstream = await self.world.gateway.service.bus.jetstream()
        event = AccountSummaryChanged(account_ids=list(accounts))
        await jetstream.publish(f"facet.{service}.account_summary.changed", event.to_binary())

    def an_account(self) -> str:
        account = f"account-{next(_accounts)}-{time.time_ns()}"
        self.known.add(account)
        return account


@pytest_asyncio.fixture(scope="module")
async def owners(world: Any) -> AsyncGenerator[Owners]:
    yield Owners(world)


async def view(world: Any, account: str, *, by: str = EXECUTIVE, query: str = "", **headers: str) -> Any:
    return await world.call("GET", f"/v1/customers/{account}/unifiedView{query}", by=by, headers=headers)


async def test_every_section_says_its_source_its_cell_its_age_and_its_state(
    world: Any, owners: Owners
) -> None:
    answer = await view(world, owners.an_account())
    assert answer.status_code == 200, answer.text
    document = answer.json()
    assert document["scope"] == "full"
    assert set(document["sections"]) == world.gateway.plan.names
    for section in document["sections"].values():
        assert section["status"] == "fresh"
        assert section["cell"] == "default"
        assert section["source"] in owners.sources
        assert section["asOf"] >= document["asOf"][:19]
        assert isinstance(section["data"], dict)


async def test_a_prepared_view_asks_no_service_and_is_304_for_who_holds_it(
    world: Any, owners: Owners
) -> None:
    account = owners.an_account()
    first = await view(world, account)
    calls = {service: owners.calls(service) for service in owners.sources}
    second = await view(world, account)
    assert second.content == first.content
    assert {service: owners.calls(service) for service in owners.sources} == calls
    held = await view(world, account, **{"If-None-Match": first.headers["etag"]})
    assert (held.status_code, held.content) == (304, b"")


async def test_what_was_prepared_in_an_earlier_hour_is_shown_and_asked_for_again(
    world: Any, owners: Owners
) -> None:
    account = owners.an_account()
    owners.behind_seconds = 2 * 3600
    try:
        old = (await view(world, account)).json()["asOf"]
    finally:
        owners.behind_seconds = 0
    assert (await view(world, account)).json()["asOf"] == old

    async def renewed() -> bool:
        return (await view(world, account)).json()["asOf"] > old

    await eventually(renewed)


async def test_only_the_sections_asked_for_are_answered_and_unknown_ones_are_named(
    world: Any, owners: Owners
) -> None:
    account = owners.an_account()
    answer = await view(world, account, query="?sections=orders,profile")
    assert set(answer.json()["sections"]) == {"orders", "profile"}
    wrong = await view(world, account, query="?sections=orders,nonsense")
    assert wrong.status_code == 422
    assert "nonsense" in wrong.json()["violations"][0]["message"]


@pytest.mark.parametrize("by", [EXECUTIVE, REP])
async def test_unknown_and_foreign_customers_are_the_same_404(world: Any, owners: Owners, by: str) -> None:
    foreign = owners.an_account()
    owners.hidden_from[foreign] = {REP}
    unknown = await view(world, "account-unknown", by=by)
    assert unknown.status_code == 404
    if by == REP:
        for _ in range(2):
            answer = await view(world, foreign, by=REP)
            assert answer.status_code == 404
            assert answer.json()["detail"].replace(foreign, "") == unknown.json()["detail"].replace(
                "account-unknown", ""
            )


async def test_a_narrower_scope_gets_its_own_slice_until_something_changes(
    world: Any, owners: Owners
) -> None:
    account = owners.an_account()
    await view(world, account)
    first = await view(world, account, by=REP)
    assert (first.status_code, first.json()["scope"]) == (200, "partial")
    calls = owners.calls("sales")
    assert (await view(world, account, by=REP)).content == first.content
    assert owners.calls("sales") == calls
    asked = world.services["sales"].calls(owners.sources["sales"].rpc)[-1]
    assert asked.principal.id == REP

    await follow(world, owners, "sales")
    await owners.announce("sales", account)

    async def anew() -> bool:
        return (await view(world, account, by=REP)).content != first.content

    await eventually(anew)


async def follow(world: Any, owners: Owners, service: str) -> None:
    """Makes the stream that the stand-in has none of, and waits until the worker follows it."""
    jetstream = await world.gateway.service.bus.jetstream()
    await ensure_stream(jetstream, service, StreamSettings())

    async def followed() -> bool:
        try:
            info = await jetstream.consumer_info(f"FACET_{service.upper().replace('-', '_')}", "gateway-view")
        except Exception:
            return False
        return bool(info.num_waiting)

    await eventually(followed)


async def test_a_change_is_in_the_view_soon_after_it_is_announced(world: Any, owners: Owners) -> None:
    await follow(world, owners, "sales")
    account = owners.an_account()
    before = (await view(world, account)).json()["sections"]["orders"]["asOf"]
    await owners.announce("sales", account)

    async def newer() -> bool:
        return (await view(world, account)).json()["sections"]["orders"]["asOf"] > before

    await eventually(newer)
    profile = (await view(world, account)).json()["sections"]["profile"]
    assert profile["asOf"] < (await view(world, account)).json()["sections"]["orders"]["asOf"]


async def test_a_customer_that_is_gone_is_gone_from_the_view(world: Any, owners: Owners) -> None:
    await follow(world, owners, "customer")
    account = owners.an_account()
    assert (await view(world, account)).status_code == 200
    owners.known.discard(account)
    await owners.announce("customer", account)

    async def gone() -> bool:
        return (await view(world, account)).status_code == 404

    await eventually(gone)


async def test_a_service_that_is_away_costs_its_own_sections_only(world: Any, owners: Owners) -> None:
    prepared, fresh = owners.an_account(), owners.an_account()
    await view(world, prepared)
    await view(world, prepared, by=REP)
    sales = world.services["sales"]
    await sales.stop()
    try:
        await eventually(lambda: not world.gateway.cells.named("sales").up)
        for by in (EXECUTIVE, REP):
            answer = await view(world, prepared, by=by)
            sections = answer.json()["sections"]
            assert answer.status_code == 200
            assert sections["orders"]["status"] == "stale"
            assert sections["orders"]["data"] is not None
            assert sections["profile"]["status"] == "fresh"
            began = time.monotonic()
            answer = await view(world, fresh, by=by)
            assert time.monotonic() - began < 1.0
            orders = answer.json()["sections"]["orders"]
            assert answer.status_code == 200
            assert (orders["status"], orders["data"]) == ("unavailable", None)
            assert "sales" in orders["reason"]
    finally:
        await sales.start()

    async def fresh_again() -> bool:
        sections = (await view(world, fresh)).json()["sections"]
        return all(section["status"] == "fresh" for section in sections.values())

    await eventually(fresh_again)


async def test_the_view_outlives_the_service_that_owns_customers(world: Any, owners: Owners) -> None:
    account = owners.an_account()
    await view(world, account)
    await view(world, account, by=REP)
    customer = world.services["customer"]
    await customer.stop()
    try:
        await eventually(lambda: not world.gateway.cells.named("customer").up)
        for by in (EXECUTIVE, REP):
            answer = await view(world, account, by=by)
            assert answer.status_code == 200
            assert answer.json()["sections"]["profile"]["status"] == "stale"
    finally:
        await customer.start()
        await eventually(lambda: world.gateway.cells.named("customer").up)


async def test_a_missing_permission_leaves_sections_out_and_says_so_when_asked(
    world: Any, owners: Owners
) -> None:
    world.people.add("finance@facet.example", "finance")
    account = owners.an_account()
    sections = (await view(world, account, by="finance@facet.example")).json()["sections"]
    assert "orders" in sections
    assert "tickets" not in sections
    asked = (await view(world, account, by="finance@facet.example", query="?sections=tickets")).json()[
        "sections"
    ]
    assert asked["tickets"]["status"] == "unavailable"
    assert "service-desk.summaries.read" in asked["tickets"]["reason"]


async def test_without_redis_the_owners_are_asked(world: Any, owners: Owners) -> None:
    account = owners.an_account()
    redis = world.gateway.redis
    redis._away_until = time.monotonic() + 3600
    try:
        for by in (EXECUTIVE, REP):
            answer = await view(world, account, by=by)
            assert answer.status_code == 200
            assert all(section["status"] == "fresh" for section in answer.json()["sections"].values())
        assert (await view(world, "account-unknown")).status_code == 404
    finally:
        redis._away_until = 0.0


async def test_sections_of_a_further_cell_stand_beside_and_its_outage_is_flagged(
    make_world: Callable[..., Awaitable[Any]],
) -> None:
    world = await make_world(further_cell=True)
    world.people.add(EXECUTIVE, "executive")
    owners = Owners(world)
    source, north = owners.sources["sales"], world.services["sales@north"]
    north.answers[source.rpc] = lambda asked: owners.answer(source, asked)
    account = owners.an_account()
    sections = (await view(world, account)).json()["sections"]
    assert (sections["orders"]["cell"], sections["orders@north"]["cell"]) == ("default", "north")
    await north.stop()
    await eventually(lambda: not world.gateway.cells.everywhere("sales")[1].up)
    sections = (await view(world, account)).json()["sections"]
    assert (sections["orders"]["status"], sections["orders@north"]["status"]) == ("fresh", "stale")
    other = (await view(world, owners.an_account())).json()["sections"]
    assert (other["orders"]["status"], other["orders@north"]["status"]) == ("fresh", "unavailable")
