"""The gateway as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys

import httpx
from gateway_world import eventually
from joserfc.jwk import OKPKey

from facet_kit.migrations import commands
from facet_kit.testing.databases import Databases


async def test_it_starts_alone_serves_and_drains_on_sigterm(
    databases: Databases, nats_url: str, redis_url: str, principal_key: str
) -> None:
    async def migrate(url: str) -> None:
        await asyncio.to_thread(commands.upgrade, "facet_gateway", url)

    url = await databases.create("facet_gateway", template=await databases.template("facet_gateway", migrate))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    public = OKPKey.import_key(json.loads(principal_key)).as_dict(private=False)
    environment = os.environ | {
        "FACET_DATABASE_URL": commands.asyncpg_url(url),
        "FACET_NATS_URL": nats_url,
        "FACET_REDIS_URL": redis_url,
        "FACET_PRINCIPAL_JWKS": json.dumps({"keys": [public]}),
        "FACET_PRINCIPAL_KEY": principal_key,
        "FACET_PAGE_TOKEN_KEY": "k",
        "FACET_HTTP_PORT": str(port),
        # Nobody listens there: the gateway starts with all services away.
        "FACET_UPSTREAMS": json.dumps({"default": {"customer": "127.0.0.1:1", "sales": "127.0.0.1:1"}}),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "facet_gateway.main", env=environment
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:

            async def ready() -> bool:
                assert process.returncode is None
                try:
                    return (await http.get("/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(ready, seconds=60)
            surroundings = (await http.get("/readyz")).json()["surroundings"]
            assert surroundings["default/gateway"] == "up"
            assert (await http.get("/v1/orders/o1")).status_code == 401
            # The development issuer is not there unless it is asked for.
            assert (await http.post("/dev/issuer/token", json={"subject": "x"})).status_code == 404
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 30) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await databases.drop(url)
