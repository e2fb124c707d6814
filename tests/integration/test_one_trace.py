"""One trace runs from the HTTP request through gRPC, SQL, outbox and NATS to the write of the service that hears of it.

Gateway, customer and sales services run in this process, on real servers, so that all their spans reach one exporter.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import grpc
import httpx
import pytest_asyncio
from joserfc.jwk import OKPKey
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from facet_contracts.facet.customer.v1.department_service_pb import CreateDepartmentRequest
from facet_contracts.facet.customer.v1.department_service_pb_grpc import DepartmentServiceClient
from facet_contracts.facet.customer.v1.region_service_pb import CreateRegionRequest
from facet_contracts.facet.customer.v1.region_service_pb_grpc import RegionServiceClient
from facet_contracts.facet.customer.v1.resources_pb import Department, Region, Staff
from facet_contracts.facet.customer.v1.staff_service_pb import HireStaffRequest
from facet_contracts.facet.customer.v1.staff_service_pb_grpc import StaffServiceClient
from facet_customer.main import build as build_customer
from facet_customer.settings import Settings as CustomerSettings
from facet_gateway.gateway import Gateway
from facet_gateway.settings import GatewaySettings
from facet_kit.migrations import commands
from facet_kit.principal import HEADER, PrincipalSigner, service_principal
from facet_kit.server.app import ServiceApp
from facet_kit.telemetry import instrument_databases
from facet_kit.testing.databases import Databases
from facet_sales.main import build as build_sales
from facet_sales.settings import Settings as SalesSettings

PATIENCE_SECONDS = 60.0
ADMINISTRATOR = "administrator@facet.example"


@dataclass(frozen=True)
class World:
    """A gateway over two services, and what their spans say."""

    client: httpx.AsyncClient
    spans: InMemorySpanExporter
    department_id: str
    region_id: str

    async def trace_of(
        self, request_id: str, complete: Callable[[list[ReadableSpan]], bool]
    ) -> list[ReadableSpan]:
        """All spans of the trace with that W3C id, once they are what was waited for."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                finished = self.spans.get_finished_spans()
                found = [
                    span for span in finished if span.context and span.context.trace_id == int(request_id, 16)
                ]
                if complete(found):
                    return found
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def world(databases: Databases, nats_url: str, redis_url: str) -> AsyncGenerator[World]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    key = OKPKey.generate_key("Ed25519")
    private = json.dumps(key.as_dict(private=True))
    public = json.dumps({"keys": [key.as_dict(private=False) | {"kid": key.thumbprint()}]})
    common = {
        "nats_url": nats_url,
        "redis_url": redis_url,
        "principal_jwks": public,
        "page_token_key": "trace",
    }
    common |= {"grpc_port": 0, "http_port": 0}
    async with AsyncExitStack() as stack:

        async def database(package: str) -> str:
            url = await databases.create(package)
            await asyncio.to_thread(commands.upgrade, package, url)
            return commands.asyncpg_url(url)

        customer = build_customer(CustomerSettings(database_url=await database("facet_customer"), **common))
        sales = build_sales(SalesSettings(database_url=await database("facet_sales"), **common))
        instrument_databases(customer.database.engine, sales.database.engine)
        for app in (customer, sales):
            await stack.enter_async_context(_running(app))
        upstreams = {"customer": f"127.0.0.1:{customer.grpc_port}", "sales": f"127.0.0.1:{sales.grpc_port}"}
        settings = GatewaySettings(
            **(common | {"database_url": await database("facet_gateway")}),
            upstreams={"default": upstreams},
            principal_key=private,
            dev_issuer=True,
        )
        department_id, region_id = await _organisation(upstreams["customer"], PrincipalSigner(private))
        gateway = Gateway(settings)
        await gateway.start()
        stack.push_async_callback(gateway.stop)
        base = f"http://127.0.0.1:{gateway.http_port}"
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=base, timeout=30))
        issued = await client.post("/dev/issuer/token", json={"subject": ADMINISTRATOR})
        client.headers["Authorization"] = f"Bearer {issued.json()['access_token']}"
        yield World(client, exporter, department_id, region_id)


@asynccontextmanager
async def _running(app: ServiceApp) -> AsyncGenerator[None]:
    await app.start()
    try:
        yield
    finally:
        await app.stop()


async def _organisation(address: str, signer: PrincipalSigner) -> tuple[str, str]:
    """A department, a region and an administrator in them."""
    token = signer.sign(service_principal("test"), now=datetime.now(UTC))
    call = {"metadata": ((HEADER, token),), "timeout": 30.0}
    async with grpc.aio.insecure_channel(address) as channel:
        wanted = CreateDepartmentRequest(department=Department(code="it", display_name="IT"))
        department = await DepartmentServiceClient(channel).create_department(wanted, **call)
        north = CreateRegionRequest(region=Region(code="north", display_name="North"))
        region = await RegionServiceClient(channel).create_region(north, **call)
        staff = Staff(
            display_name="Ada",
            email=ADMINISTRATOR,
            department_id=department.id,
            region_id=region.id,
            roles=["administrator"],
            full_scope=True,
        )
        await StaffServiceClient(channel).hire_staff(HireStaffRequest(staff=staff), **call)
    return department.id, region.id


async def test_one_trace_runs_from_the_request_to_the_write_of_another_service(world: World) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    response = await world.client.post(
        "/v1/customers",
        json={
            "displayName": "Traced Works",
            "kind": "CUSTOMER_KIND_ORGANISATION",
            "roles": ["CUSTOMER_ROLE_END_CUSTOMER"],
            "departmentId": world.department_id,
            "regionId": world.region_id,
        },
        headers={"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"},
    )
    assert response.status_code == 201, response.text

    consumed = "process facet.customer.customer.created"

    def replicated(spans: list[ReadableSpan]) -> bool:
        by_id = {span.context.span_id: span for span in spans if span.context}
        return any(
            "customer_ref" in str((span.attributes or {}).get("db.statement", ""))
            and span.parent is not None
            and span.parent.span_id in by_id
            and by_id[span.parent.span_id].name == consumed
            for span in spans
        )

    spans = await world.trace_of(trace_id, replicated)
    names = [span.name for span in spans]
    statements = [str((span.attributes or {}).get("db.statement", "")) for span in spans]
    assert any(
        "CreateCustomer" in name and span.kind is trace.SpanKind.SERVER
        for name, span in zip(names, spans, strict=True)
    )
    assert "facet.customer.v1.CustomerService/CreateCustomer" in names
    assert any(statement.startswith("INSERT INTO customers") for statement in statements)
    assert any(statement.startswith("INSERT INTO outbox") for statement in statements)
    assert "publish facet.customer.customer.created" in names
    assert consumed in names
    edge = next(
        span
        for span in spans
        if span.parent is not None and span.parent.is_remote and span.parent.span_id == 0x00F067AA0BA902B7
    )
    assert edge.kind is trace.SpanKind.SERVER
