"""The gateway process put together: its own small service, the upstreams, the edge, the view, the HTTP server."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from importlib.metadata import version

import structlog
import uvicorn
from fastapi import FastAPI

from facet_gateway.application import Edge, build_application
from facet_gateway.contracts import Contracts
from facet_gateway.edge.authentication import Authenticator
from facet_gateway.edge.caller import Caller
from facet_gateway.edge.dev_issuer import DevIssuer
from facet_gateway.edge.directory import Directory
from facet_gateway.edge.discovery import DiscoveredKeys
from facet_gateway.edge.invalidation import Invalidation
from facet_gateway.edge.limiter import Limiter, LimitPolicy
from facet_gateway.edge.oidc import Issuer, TokenVerifier
from facet_gateway.keys.api import ApiKeyApi
from facet_gateway.keys.ring import ApiKeyRing
from facet_gateway.openapi.document import openapi_document
from facet_gateway.openapi.pages import DocumentPages
from facet_gateway.probes import GatewayProbes
from facet_gateway.redis_access import RedisAccess
from facet_gateway.settings import GatewaySettings
from facet_gateway.transcoding.handler import Transcoder
from facet_gateway.transcoding.operation import operations_of
from facet_gateway.transcoding.request import RequestReader
from facet_gateway.transcoding.response import ResponseWriter
from facet_gateway.transcoding.router import ContractRoutes
from facet_gateway.upstream.breaker import BreakerPolicy
from facet_gateway.upstream.cells import Cells
from facet_gateway.upstream.health import HealthWatcher
from facet_gateway.view.fanout import FanOut
from facet_gateway.view.handler import RPC as UNIFIED_VIEW
from facet_gateway.view.handler import ViewHandler
from facet_gateway.view.plan import ViewPlan
from facet_gateway.view.reader import ViewReader
from facet_gateway.view.schema import view_schemas
from facet_gateway.view.sections import sources_of
from facet_gateway.view.store import SectionStore
from facet_gateway.view.worker import ViewWorker
from facet_kit.clock import SystemClock
from facet_kit.ids import Uuid7Ids
from facet_kit.principal import PrincipalSigner, service_principal
from facet_kit.server.app import ServiceApp, end_tasks
from facet_kit.server.http import HttpServer

log = structlog.get_logger(__name__)

NAME = "gateway"
# The service that owns people and customers: who somebody is, and who sees which customer.
AUTHORITY = "customer"
_LOOPBACK = "127.0.0.1"


def build_service(settings: GatewaySettings) -> ServiceApp:
    """The gateway as a service of its own data, API keys: gRPC on loopback, outbox, audit."""
    own = settings.model_copy(update={"http_port": 0, "host": _LOOPBACK})
    return ServiceApp(name=NAME, settings=own, apis=[ApiKeyApi()], follows_customers=False)


class Gateway:
    """One gateway process. Make it, `start` and `stop` it inside one running loop."""

    def __init__(self, settings: GatewaySettings, contracts: Contracts | None = None) -> None:
        self.settings = settings
        self.contracts = contracts or Contracts.packaged()
        self.service = build_service(settings)
        self.clock = SystemClock()
        self.redis = RedisAccess(settings.redis_url)
        self.http_port = 0
        self._background: Cells | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Starts everything the role asks for; returns when HTTP is served."""
        await self.service.start()
        self._connect()
        self._spawn("health", HealthWatcher(self.cells, interval=self.settings.health_interval_seconds).run())
        if self.settings.role != "api":
            self._spawn("view", self._worker().run())
        self.application = self._application()
        await self._serve_http()
        self._spawn("invalidation", self.invalidation.start())
        self.probes.ready = True
        log.info("gateway_started", http_port=self.http_port, role=self.settings.role)

    def _connect(self) -> None:
        addresses = {cell: dict(services) for cell, services in self.settings.upstreams.items()}
        if self.service.grpc_port:
            next(iter(addresses.values()))[NAME] = f"{_LOOPBACK}:{self.service.grpc_port}"
        policy = BreakerPolicy(max_concurrency=self.settings.upstream_concurrency)
        self.cells = Cells(addresses, policy)
        self.signer = PrincipalSigner(self.settings.principal_key)
        self.itself = Caller(service_principal(NAME), self.signer)
        self.plan = ViewPlan(sources_of(self.contracts), self.cells, AUTHORITY)
        self.store = SectionStore(self.redis, self.plan.origins, self.plan.slots)
        self.fan_out = FanOut(
            self.cells, self.contracts.registry, self.clock, deadline=self.settings.view_deadline_seconds
        )
        self.probes = GatewayProbes(self.cells, self.redis)

    def _worker(self) -> ViewWorker:
        # Channels and breakers of its own: what the worker meets with never closes the way for people. Nobody waits
        # for it, so an owner has more time for it than for a reader.
        self._background = Cells(self.settings.upstreams)
        patient = FanOut(
            self._background, self.contracts.registry, self.clock, deadline=self.settings.deadline_seconds
        )
        return ViewWorker(self.service.bus, self.plan, self._background, patient, self.store, self.itself)

    def _application(self) -> FastAPI:
        settings, contracts = self.settings, self.contracts
        operations = operations_of(contracts)
        reader = RequestReader(contracts.registry, max_depth=settings.max_body_depth)
        transcoder = Transcoder(
            self.cells,
            reader,
            ResponseWriter(contracts.registry),
            self.clock,
            deadline=settings.deadline_seconds,
            max_body=settings.max_body_bytes,
        )
        views = ViewHandler(ViewReader(self.plan, self.store, self.fan_out, self.itself, self.clock), reader)
        document = openapi_document(
            contracts,
            operations,
            version=version("facet-gateway"),
            replaced=view_schemas(contracts, self.plan.sources),
        )
        edge, dev_issuer = self._edge()
        return build_application(
            edge,
            [
                ContractRoutes(operations, transcoder.serve, {UNIFIED_VIEW: views.serve}),
                *self.probes.routes(),
                *DocumentPages(document).routes(),
                *(dev_issuer.routes() if dev_issuer else ()),
            ],
        )

    def _edge(self) -> tuple[Edge, DevIssuer | None]:
        settings = self.settings
        self.directory = directory = Directory(
            lambda: self.cells.named(AUTHORITY), self.redis, self.signer, self.clock
        )
        issuers = [
            Issuer(issuer.url, issuer.audience, issuer.subject_claim, DiscoveredKeys(issuer.url))
            for issuer in settings.oidc_issuers
        ]
        dev_issuer: DevIssuer | None = None
        if settings.dev_issuer:
            log.warning(
                "development_issuer_on", advice="anybody can sign in as anyone; never outside of one machine"
            )
            base = settings.public_url or f"http://{settings.host}:{settings.http_port}"
            dev_issuer = DevIssuer(base, self.clock, settings.principal_key)
            issuers.append(Issuer(dev_issuer.url, dev_issuer.audience, "sub", dev_issuer))
        ring = ApiKeyRing(self.service.database.system_sessions, directory, self.clock)
        self.invalidation = Invalidation(
            settings.nats_url,
            {
                f"facet.{AUTHORITY}.staff.*": directory.forget,
                f"facet.{AUTHORITY}.contact.*": directory.forget,
                f"facet.{NAME}.api_key.*": ring.forget,
            },
        )
        limits = LimitPolicy(settings.rate_limit, settings.rate_window_seconds, settings.daily_quota)
        authenticator = Authenticator(TokenVerifier(issuers, self.clock), ring, directory)
        limiter = Limiter(self.redis, limits, self.clock)
        return Edge(Uuid7Ids(), authenticator, limiter, settings.cors_origins), dev_issuer

    async def _serve_http(self) -> None:
        config = uvicorn.Config(
            self.application,
            host=self.settings.host,
            port=self.settings.http_port,
            http="auto",  # httptools
            ws="none",
            lifespan="off",
            access_log=False,
            log_level="warning",
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=30,
            backlog=2048,
        )
        self._http = HttpServer(config)
        serving = asyncio.create_task(self._http.serve(), name="gateway:http")
        while not self._http.started:
            if serving.done():
                serving.result()
                raise OSError(f"port {self.settings.http_port} cannot be listened on")
            await asyncio.sleep(0.01)
        self._serving = serving
        self.http_port = self._http.servers[0].sockets[0].getsockname()[1]

    def _spawn(self, name: str, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.create_task(work, name=f"gateway:{name}"))

    async def failed(self) -> None:
        """Returns only by raising the error of a background task that has died; they are made to run for ever."""
        endless = [task for task in self._tasks if task.get_name() != "gateway:invalidation"]
        done, _ = await asyncio.wait([*endless, self._serving], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        raise RuntimeError("a background task of the gateway ended; the process restarts")

    async def stop(self) -> None:
        """Drains: HTTP first, so that nobody calls what is going; then the workers, the channels and the service."""
        self.probes.ready = False
        self._http.should_exit = True
        await asyncio.wait([self._serving], timeout=self.settings.drain_seconds)
        await end_tasks(self._tasks)
        await self.invalidation.close()
        await self.cells.close()
        if self._background is not None:
            await self._background.close()
        await self.redis.close()
        await self.service.stop()
