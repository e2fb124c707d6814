"""The service runner: gRPC server, relay, consumers and timers of one service in one event loop, by role."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Protocol

import grpc
import structlog
import uvloop
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer  # pyright: ignore[reportMissingTypeStubs]
from sqlalchemy import make_url, text

from facet_contracts.descriptors import service_methods
from facet_kit import refs_events
from facet_kit.audit_chain import keep_sealing
from facet_kit.clock import SystemClock
from facet_kit.database.session import Database
from facet_kit.errors import Unavailable
from facet_kit.messaging.consumer import Consumer
from facet_kit.messaging.handlers import Handlers
from facet_kit.messaging.processing import Processing
from facet_kit.messaging.relay import Relay
from facet_kit.messaging.streams import Bus, StreamSettings
from facet_kit.platform import platform_apis
from facet_kit.principal import PrincipalVerifier
from facet_kit.server.dispatch import Dispatcher, Servicer, methods
from facet_kit.server.idempotency import keep_forgetting
from facet_kit.server.probes import Probes, probe_server
from facet_kit.settings import KitSettings
from facet_kit.telemetry import (
    configure_logging,
    configure_telemetry,
    instrument_databases,
    shutdown_telemetry,
)

_log = structlog.get_logger()
_ENDING_SECONDS = 10.0
_MESSAGE_BYTES = 4 * 1024 * 1024
_OPTIONS = (
    ("grpc.max_receive_message_length", _MESSAGE_BYTES),
    ("grpc.max_metadata_size", 32 * 1024),
    ("grpc.so_reuseport", 0),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.max_connection_age_ms", 300_000),
    ("grpc.max_connection_age_grace_ms", 30_000),
)


async def end_tasks(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancels background tasks and waits for their end; one that does not come is left to the process."""
    for task in tasks:
        task.cancel()
    if tasks:
        _, stuck = await asyncio.wait(tasks, timeout=_ENDING_SECONDS)
        for task in stuck:
            _log.warning("task_does_not_end", task=task.get_name())


class ServiceApp:
    """One service: its APIs and event handlers on its database.

    Args:
        name: the service's name, as in subjects and streams ("service-desk").
        apis: servicers, one per gRPC service of the contract.
        handlers: event handlers of the features; those of the kit's replicas are added.
        follows_customers: False where the service writes the replicas itself, with the changes they copy (an event
            still on its way must not set them back), or has no use for them.
    """

    def __init__(
        self,
        *,
        name: str,
        settings: KitSettings,
        apis: Sequence[Servicer],
        handlers: Iterable[Handlers] = (),
        follows_customers: bool = True,
    ) -> None:
        self.name = name
        self.settings = settings
        self.database = Database.connect(
            name,
            settings.database_url,
            pool_size=settings.database_pool_size,
            overflow=settings.database_pool_overflow,
            backdating=settings.backdating,
        )
        self.bus = Bus(settings.nats_url, f"facet-{name}")
        self.processing = Processing(
            name,
            Handlers(*((refs_events.handlers,) if follows_customers else ()), *handlers),
            sessions=self.database.system_sessions,
            contexts=self.database.event_context,
            clock=SystemClock(),
            ids=self.database.ids,
        )
        self.apis = (*apis, *platform_apis(self.database, self.processing))
        self.probes = Probes({"database": self._check_database})
        self._server: grpc.aio.Server | None = None
        self._health = HealthServicer()
        self._tasks: list[asyncio.Task[None]] = []
        self.grpc_port = 0

    def dispatcher(self) -> Dispatcher:
        """The pipeline around this service's methods."""
        return Dispatcher(
            self.database,
            PrincipalVerifier(self.settings.principal_jwks),
            self.settings.page_token_key.encode(),
            self.settings.deadline_seconds,
        )

    async def start(self) -> None:
        """Starts what the role asks for; returns when the gRPC server listens.

        Raises:
            TypeError: a servicer does not fulfil its contract.
        """
        configure_telemetry(self.name, self.settings)
        instrument_databases(self.database.engine)
        if self.settings.role != "worker":
            await self._serve()
        if self.settings.role != "api":
            self._work()
        if self.settings.http_port:
            probing = probe_server(self.probes, self.settings.host, self.settings.http_port)
            self._spawn("probes", probing.serve())
        _log.info("service_started", service=self.name, role=self.settings.role, grpc_port=self.grpc_port)

    async def _serve(self) -> None:
        server = grpc.aio.server(options=_OPTIONS)
        dispatcher = self.dispatcher()
        for api in self.apis:
            served = {
                method.path.rsplit("/", 1)[-1]: dispatcher.handler(method)
                for method in methods(service_methods(api.service), api)
            }
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(api.service, served),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)  # pyright: ignore[reportUnknownMemberType]
        self.grpc_port = server.add_insecure_port(f"{self.settings.host}:{self.settings.grpc_port}")
        await server.start()
        self._server = server
        self._spawn("health", self._watch_health())

    def _work(self) -> None:
        relay = Relay(
            self.name,
            database=make_url(self.settings.database_url),
            bus=self.bus,
            clock=SystemClock(),
            stream=StreamSettings(replicas=self.settings.stream_replicas),
        )
        self._spawn("relay", relay.run())
        self._spawn("consumer", Consumer(self.processing, self.bus).run())
        self._spawn("audit", keep_sealing(self.database.engine))
        self._spawn("idempotency", keep_forgetting(self.database.system_sessions))

    async def _watch_health(self) -> None:
        """Serves what /readyz says as gRPC health, so that callers learn of a lost database within a second."""
        last: bool | None = None
        while True:
            ready, _ = await self.probes.readiness()
            if ready is not last:
                state = (
                    health_pb2.HealthCheckResponse.SERVING
                    if ready
                    else health_pb2.HealthCheckResponse.NOT_SERVING
                )
                await self._health.set("", state)
                last = ready
            await asyncio.sleep(1)

    async def _check_database(self) -> None:
        async with asyncio.timeout(2), self.database.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))

    def _spawn(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.create_task(work, name=f"{self.name}:{name}"))

    async def stop(self) -> None:
        """Drains: refuses new calls, lets those in flight end, then stops the workers and closes connections."""
        self.probes.draining = True
        await self._health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
        if self._server:
            await self._server.stop(self.settings.drain_seconds)
        await end_tasks(self._tasks)
        await self.bus.close()
        await self.database.close()
        shutdown_telemetry()
        _log.info("service_stopped", service=self.name)

    async def failed(self) -> None:
        """Returns only when a background task has died, raising its error; they are made to run for ever."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_EXCEPTION)
        for task in done:
            task.result()
        raise Unavailable("WORKER_STOPPED", "A background task ended. The process restarts.")


def run(app: ServiceApp) -> None:
    """Runs a service until SIGTERM or SIGINT."""
    configure_logging(app.settings.log_level)
    uvloop.run(serve(app))


class Process(Protocol):
    """What a process runs from its start to its end."""

    async def start(self) -> None:
        """Returns when everything is served."""
        ...

    async def failed(self) -> None:
        """Returns only by raising the error of a background task that has died."""
        ...

    async def stop(self) -> None:
        """Drains and releases everything."""
        ...


async def serve(app: Process) -> None:
    """Starts the process's work, waits for SIGTERM, SIGINT or the death of a background task, drains."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    await app.start()
    failed = asyncio.create_task(app.failed())
    waiting = asyncio.create_task(stopped.wait())
    done, _ = await asyncio.wait((failed, waiting), return_when=asyncio.FIRST_COMPLETED)
    try:
        if failed in done:
            failed.result()
    finally:
        failed.cancel()
        await app.stop()
