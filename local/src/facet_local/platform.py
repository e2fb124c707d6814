"""The platform as a whole: servers, databases, services, gateway, demo; started, supervised, stopped."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from facet_local import keys, seeding
from facet_local.catalogue import DATABASE_OWNERS, GATEWAY, SERVICES
from facet_local.control import Answer, ControlServer
from facet_local.daemon import Daemon
from facet_local.databases import ServiceDatabases
from facet_local.home import Home
from facet_local.jsonfile import Json, write_json
from facet_local.processes import Backing, GatewayProcess, ServiceProcess
from facet_local.records import end_recorded
from facet_local.report import Report
from facet_local.running import RunningPlatform
from facet_local.servers import NatsServer, PostgresServer, RedisServer
from facet_local.signins import NoSignIn, half_spent, sign_everybody_in
from facet_local.supervisor import Supervisor

_LOOK_AT_TOKENS_EVERY_SECONDS = 60.0


class Platform:
    """Everything Facet needs on one machine, in one home: `start`, then `serve`, and `stop` in any case."""

    def __init__(self, home: Home, report: Report, *, demo: bool = True) -> None:
        """With `demo` False the services start empty: no enterprise, no sign-ins."""
        self.home = home
        self._report = report
        self._demo = demo
        self._postgres = PostgresServer(home)
        self._nats = NatsServer(home)
        self._redis = RedisServer(home)
        self._services: dict[str, ServiceProcess] = {}
        self._gateway: GatewayProcess | None = None
        self._supervisor: Supervisor | None = None
        self._control = ControlServer(home, self._obey)
        self._tokens: dict[str, str] = {}
        self._stopping = threading.Event()
        self._writing = threading.Lock()

    @property
    def gateway_url(self) -> str:
        """What clients call; empty before the gateway has a port."""
        return self._gateway.url if self._gateway else ""

    @property
    def tokens(self) -> Mapping[str, str]:
        """The sign-ins by role; empty without the demo enterprise."""
        return self._tokens

    def start(self) -> None:
        """Starts everything and returns when all of it is ready. Raises what the failing step raises."""
        self.home.run_file.unlink(missing_ok=True)
        if seeding.was_interrupted(self.home):
            self._report.say(
                "  the demo enterprise was loaded by half only: starting over with empty servers"
            )
            self.home.forget_data()
        self._end_leftovers()
        with self._report.step("postgres, nats, redis"):
            _start_together([self._postgres, self._nats, self._redis])
        with self._report.step("databases and migrations"):
            databases = ServiceDatabases(self.home, self._postgres.url, DATABASE_OWNERS)
            asyncio.run(databases.prepare())
        self._build_processes(databases)
        with self._report.step("services and gateway"):
            _start_together(self._processes())
        self._running(databases).write()
        daemons = [self._postgres, self._nats, self._redis, *self._processes()]
        self._supervisor = Supervisor(daemons, say=self._report.say, changed=self._write_run_file)
        self._supervisor.open()
        if self._demo:
            self._load_demo()
        self._control.open()
        self._write_run_file()

    def serve(self) -> None:
        """Returns when somebody asked for the end; keeps the sign-ins valid until then."""
        while not self._stopping.wait(_LOOK_AT_TOKENS_EVERY_SECONDS):
            if self._tokens and half_spent(self._tokens):
                try:
                    self._tokens = sign_everybody_in(self.gateway_url)
                except NoSignIn as error:
                    self._report.say(str(error))  # tried again next time
                else:
                    self._write_run_file()

    def stop(self) -> None:
        """Stops everything: the gateway first, so that nobody calls what is going; the databases last."""
        self._stopping.set()
        self.home.run_file.unlink(missing_ok=True)
        self._control.close()
        if self._supervisor:
            self._supervisor.close()
        if self._gateway:
            self._gateway.stop()
        _stop_together(list(self._services.values()))
        _stop_together([self._nats, self._redis])
        self._postgres.stop()

    def _build_processes(self, databases: ServiceDatabases) -> None:
        backing = Backing(
            nats_url=self._nats.url,
            redis_url=self._redis.url,
            principal_jwks=keys.principal_jwks(self.home),
            page_token_key=keys.page_token_key(self.home),
        )
        self._services = {
            name: ServiceProcess(name, self.home, backing, databases.url(name)) for name in SERVICES
        }
        self._gateway = GatewayProcess(
            self.home,
            backing,
            database_url=databases.url(GATEWAY),
            private_key=keys.principal_key(self.home),
            upstreams={name: service.grpc_address for name, service in self._services.items()},
        )

    def _processes(self) -> list[Daemon]:
        gateway: list[Daemon] = [self._gateway] if self._gateway else []
        return [*self._services.values(), *gateway]

    def _end_leftovers(self) -> None:
        """Stops what a crashed run left behind, the services before the servers they use."""
        with ThreadPoolExecutor(len(DATABASE_OWNERS)) as pool:
            list(pool.map(lambda name: end_recorded(self.home.record(name)), DATABASE_OWNERS))
        for server in (self._nats, self._redis, self._postgres):
            server.end_stale()

    def _running(self, databases: ServiceDatabases) -> RunningPlatform:
        return RunningPlatform(
            home=self.home,
            gateway=self.gateway_url,
            services={name: service.grpc_address for name, service in self._services.items()},
            databases={name: databases.url(name) for name in DATABASE_OWNERS},
            nats_url=self._nats.url,
            principal_key=keys.principal_key(self.home),
        )

    def _load_demo(self) -> None:
        if not seeding.is_loaded(self.home):
            with self._report.step("demo enterprise"):
                seeding.load_in_child(self.home, self._report.moving)
        with self._report.step("sign-ins"):
            self._tokens = sign_everybody_in(self.gateway_url)

    def _write_run_file(self) -> None:
        """Writes run.json, which exists only while everything has been ready once and nobody stops it."""
        with self._writing:
            if self._stopping.is_set() or not self.home.control_file.exists():
                return
            tokens: Json = dict(self._tokens)
            services: Json = {
                name: {"pid": service.pid, "grpc": service.grpc_address, "http": service.http_url}
                for name, service in self._services.items()
            }
            document: dict[str, Json] = {
                "gateway": self.gateway_url,
                "tokens": tokens,
                "group_id": seeding.group_id(self.home),
                "services": services,
            }
            write_json(self.home.run_file, document)

    def _obey(self, order: Mapping[str, Json]) -> Answer:
        """Carries out an order that came through the control socket."""
        what, name = order.get("do"), str(order.get("name", ""))
        supervisor = self._supervisor
        if supervisor is None:
            raise RuntimeError("the platform is still starting")
        match what:
            case "status":
                programs: Json = supervisor.status()
                return {"gateway": self.gateway_url, "programs": programs}
            case "stop":
                supervisor.stop(name)
            case "start":
                supervisor.start(name)
            case "restart":
                supervisor.stop(name)
                supervisor.start(name)
            case "shutdown":
                self._stopping.set()
            case _:
                raise ValueError(f"{what!r} is no order: status, stop, start, restart or shutdown")
        return {}


def _start_together(daemons: Sequence[Daemon]) -> None:
    """Starts all at once and returns when all are ready; if one fails, or Ctrl-C comes, the others end."""
    with ThreadPoolExecutor(len(daemons)) as pool:
        try:
            list(pool.map(lambda daemon: daemon.start(), daemons))
        except BaseException:
            for daemon in daemons:
                daemon.kill()
            raise


def _stop_together(daemons: Sequence[Daemon]) -> None:
    if daemons:
        with ThreadPoolExecutor(len(daemons)) as pool:
            list(pool.map(lambda daemon: daemon.stop(), daemons))
