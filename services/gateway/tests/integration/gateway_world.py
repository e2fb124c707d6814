"""A gateway on real PostgreSQL, NATS and Redis among stand-ins for the services, which speak the real contracts.

The gateway's peers are remote, so a stand-in is a gRPC server with programmable answers: it verifies the principal as
the kit does, and keeps what it was asked.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from protobuf import Message

from facet_contracts.facet.customer.v1.resources_pb import PrincipalKind, PrincipalRecord
from facet_kit.errors import FacetError, NotFound
from facet_kit.principal import HEADER, Principal, PrincipalVerifier
from facet_kit.server.status import abort

RESOLVE = "/facet.customer.v1.DirectoryService/ResolvePrincipal"


@dataclass(frozen=True, slots=True)
class Asked:
    """One call that a stand-in received."""

    rpc: str
    payload: bytes
    principal: Principal
    metadata: Mapping[str, str]


Answer = Callable[[Asked], Message[Any]]


class _Anything(grpc.GenericRpcHandler):
    def __init__(self, service: StandIn) -> None:
        self._service = service

    def service(self, call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        if call_details.method.startswith("/grpc.health"):
            return None
        return grpc.unary_unary_rpc_method_handler(self._service.handler(call_details.method))


class StandIn:
    """One service. Give it answers by RPC path; an answer may raise a FacetError."""

    def __init__(self, name: str, jwks: str) -> None:
        self.name = name
        self.answers: dict[str, Answer] = {}
        self.trailing: list[tuple[str, str]] = []
        self.asked: list[Asked] = []
        self.port = 0
        self._verifier = PrincipalVerifier(jwks)
        self._server: grpc.aio.Server | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def calls(self, rpc: str) -> list[Asked]:
        """What was asked of one RPC."""
        return [asked for asked in self.asked if asked.rpc == rpc]

    async def start(self) -> None:
        server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
        server.add_generic_rpc_handlers((_Anything(self),))
        state = health.aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(state, server)
        self.port = server.add_insecure_port(f"127.0.0.1:{self.port}")
        await state.set("", health_pb2.HealthCheckResponse.SERVING)
        await server.start()
        self._server = server

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(0)
            self._server = None

    def handler(self, rpc: str) -> Callable[[bytes, Any], Any]:
        async def serve(payload: bytes, context: Any) -> bytes:
            metadata = {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}
            try:
                asked = Asked(rpc, payload, self._verifier.verify(metadata.get(HEADER)), metadata)
                self.asked.append(asked)
                answer = self.answers.get(rpc)
                if answer is None:
                    raise NotFound("Method", rpc)
                message = answer(asked)
                context.set_trailing_metadata(tuple(self.trailing))
                return message.to_binary()
            except FacetError as error:
                await abort(context, error)
                raise

        return serve


@dataclass
class People:
    """The directory behind the customer stand-in: subjects and their records."""

    records: dict[str, PrincipalRecord] = field(default_factory=dict)

    def resolve(self, asked: Asked) -> PrincipalRecord:
        from facet_contracts.facet.customer.v1.directory_service_pb import ResolvePrincipalRequest

        request = ResolvePrincipalRequest.from_binary(asked.payload)
        record = self.records.get(request.subject)
        if record is None:
            raise NotFound("Principal", request.subject)
        return record

    def add(self, subject: str, *roles: str, **fields: Any) -> PrincipalRecord:
        """Somebody who may sign in; staff with full scope unless said otherwise."""
        values: dict[str, Any] = {
            "person_id": f"person-of-{subject}",
            "kind": PrincipalKind.STAFF,
            "display_name": subject,
            "roles": list(roles),
            "full_scope": True,
            "active": True,
        }
        record = PrincipalRecord(**(values | fields))
        self.records[subject] = record
        return record


async def eventually(holds: Callable[[], Any], *, seconds: float = 10.0) -> Any:
    """Waits until the condition answers something true, and returns that."""
    until = time.monotonic() + seconds
    while True:
        found = holds()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        if time.monotonic() > until:
            raise AssertionError("the condition did not come true in time")
        await asyncio.sleep(0.02)
