"""Fixtures: the gateway, its stand-ins, and a client."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio
from joserfc.jwk import OKPKey

from facet_gateway.gateway import Gateway
from facet_gateway.settings import GatewaySettings
from facet_kit.migrations import commands
from facet_kit.testing.databases import Databases

sys.path.insert(0, str(Path(__file__).parent))  # for `gateway_world`, which the tests share

from gateway_world import RESOLVE, People, StandIn

SERVICES = ("customer", "sales", "project", "service-desk", "marketing", "analytics")


class World:
    """Everything an integration test touches."""

    def __init__(
        self, gateway: Gateway, services: dict[str, StandIn], people: People, http: httpx.AsyncClient
    ) -> None:
        self.gateway = gateway
        self.services = services
        self.people = people
        self.http = http
        self._tokens: dict[str, str] = {}

    async def token(self, subject: str) -> str:
        """A bearer token of the development issuer."""
        if subject not in self._tokens:
            answer = await self.http.post("/dev/issuer/token", json={"subject": subject})
            self._tokens[subject] = answer.json()["access_token"]
        return self._tokens[subject]

    async def call(
        self,
        method: str,
        path: str,
        *,
        by: str,
        headers: Mapping[str, str | bytes] | None = None,
        json: Any = None,
        content: bytes | None = None,
    ) -> httpx.Response:
        """One request by a person."""
        credential = {"Authorization": f"Bearer {await self.token(by)}"}
        return await self.http.request(
            method, path, headers={**credential, **(headers or {})}, json=json, content=content
        )


@pytest_asyncio.fixture(scope="session")
async def principal_key() -> str:
    """The gateway's signing key."""
    return json.dumps(OKPKey.generate_key("Ed25519").as_dict(private=True))


MakeWorld = Callable[..., Awaitable[World]]


@pytest_asyncio.fixture(scope="module")
async def make_world(
    databases: Databases, nats_url: str, redis_url: str, principal_key: str
) -> AsyncGenerator[MakeWorld]:
    """Makes worlds with settings of their own; everything in them ends with the test."""
    made: list[World] = []
    urls: list[str] = []
    public = {"keys": [OKPKey.import_key(json.loads(principal_key)).as_dict(private=False)]}
    jwks = json.dumps(public)

    async def migrate(url: str) -> None:
        await asyncio.to_thread(commands.upgrade, "facet_gateway", url)

    async def make(*, further_cell: bool = False, **settings: Any) -> World:
        template = await databases.template("facet_gateway", migrate)
        url = await databases.create("facet_gateway", template=template)
        urls.append(url)
        services = {name: StandIn(name, jwks) for name in SERVICES}
        people = People()
        services["customer"].answers[RESOLVE] = people.resolve
        for service in services.values():
            await service.start()
        values: dict[str, Any] = {
            "database_url": commands.asyncpg_url(url),
            "nats_url": nats_url,
            "redis_url": redis_url,
            "principal_jwks": jwks,
            "principal_key": principal_key,
            "page_token_key": "page tokens of the tests",
            "upstreams": {"default": {name: service.address for name, service in services.items()}},
            "http_port": 0,
            "public_url": "http://gateway.test",
            "dev_issuer": True,
            "health_interval_seconds": 0.1,
        }
        if further_cell:
            services["sales@north"] = north = StandIn("sales", jwks)
            await north.start()
            values["upstreams"]["north"] = {"sales": north.address}
        gateway = Gateway(GatewaySettings(**(values | settings)))
        if gateway.settings.redis_url == redis_url:
            await gateway.redis.run(lambda redis: redis.flushdb())
        await gateway.start()
        http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{gateway.http_port}", timeout=10)
        world = World(gateway, services, people, http)
        made.append(world)
        return world

    yield make
    for world in made:
        await world.http.aclose()
        await world.gateway.stop()
        for service in world.services.values():
            await service.stop()
    for url in urls:
        await databases.drop(url)


@pytest_asyncio.fixture(scope="module")
async def world(make_world: MakeWorld) -> World:
    """A module's world with the usual settings; in it an executive, an administrator and a regional representative."""
    made = await make_world()
    made.people.add("executive@facet.example", "executive")
    made.people.add("admin@facet.example", "administrator")
    made.people.add(
        "rep@facet.example", "sales_rep", full_scope=False, region_ids=["north"], region_id="north"
    )
    return made
