"""The pipeline around every call, in one place: trace, principal, permission, validation, deadline, idempotency, unit
of work, field masking, errors. A servicer only turns a request into an answer.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast
from urllib.parse import unquote

import grpc
import structlog
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode
from protobuf import DescMethod, Message

from facet_contracts.facet.type.v1.annotations_pb import ext_access
from facet_contracts.google.api.annotations_pb import ext_http
from facet_kit.audit import audit_read
from facet_kit.context import Ctx, RequestInfo
from facet_kit.custom_fields import mask_custom_fields
from facet_kit.database.session import Database, is_transient
from facet_kit.errors import Exhausted, FacetError, Internal, Late, Unparseable
from facet_kit.messaging.envelope import trace_context
from facet_kit.naming import resource_name, snake_case
from facet_kit.principal import HEADER, Principal, PrincipalVerifier
from facet_kit.server import idempotency
from facet_kit.server.masking import kept_form, mask
from facet_kit.server.status import abort
from facet_kit.server.validation import validate

_log = structlog.get_logger()
_tracer = trace.get_tracer("facet.kit.server")
_ATTEMPTS = 3
REPLAYED = "x-facet-replayed"

Call = Callable[[Message[Any], Ctx], Awaitable[Message[Any]]]
Context = grpc.aio.ServicerContext[bytes, bytes]


class Servicer(Protocol):
    """What an api.py offers: the full name of its gRPC service, and one async method per RPC in snake case."""

    service: str


@dataclass(frozen=True, slots=True)
class Method:
    """One RPC with what its contract says of it."""

    path: str
    request: type[Message[Any]]
    permission: str
    reads: bool
    call: Call

    @classmethod
    def of(cls, descriptor: DescMethod, call: Call) -> Method:
        """Reads route and permission from the contract.

        Raises:
            TypeError: the contract declares no permission.
        """
        options = descriptor.proto.options
        if options is None or ext_access not in options:
            raise TypeError(
                f"{descriptor.parent.type_name}/{descriptor.name} declares no permission in its contract"
            )
        pattern = options[ext_http].pattern if ext_http in options else None
        reads = pattern is not None and pattern.field == "get"
        path = f"/{descriptor.parent.type_name}/{descriptor.name}"
        return cls(path, descriptor.input.type, options[ext_access].permission, reads, call)


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Serves methods on a database."""

    database: Database
    verifier: PrincipalVerifier
    page_token_key: bytes
    deadline_seconds: float

    def handler(self, method: Method) -> grpc.RpcMethodHandler[bytes, bytes]:
        """The raw-bytes gRPC handler of a method."""

        async def serve(request: bytes, context: Context) -> bytes:
            metadata = {
                key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)
            }
            parent = trace_context(metadata.get("traceparent", ""))
            with _tracer.start_as_current_span(method.path[1:], parent, SpanKind.SERVER) as span:
                try:
                    return await self._within_deadline(method, request, metadata, context)
                except FacetError as error:
                    span.set_attribute("facet.reason", error.reason)
                    if error.http_status >= 500:
                        span.set_status(StatusCode.ERROR, error.reason)
                    await abort(context, error)
                    raise
                except Exception as error:
                    if isinstance(error, grpc.aio.AbortError):
                        raise
                    span.record_exception(error)
                    span.set_status(StatusCode.ERROR, "INTERNAL")
                    _log.exception(
                        "call_failed", method=method.path, request_id=metadata.get("x-request-id", "")
                    )
                    await abort(context, _internal(span))
                    raise

        return grpc.unary_unary_rpc_method_handler(serve)

    async def _within_deadline(
        self, method: Method, request: bytes, metadata: Mapping[str, str], context: Context
    ) -> bytes:
        remaining = cast(
            "float | None", context.time_remaining()
        )  # None without a deadline, whatever the stub says
        try:
            async with asyncio.timeout(self.deadline_seconds if remaining is None else remaining):
                return await self._serve(method, request, metadata, context)
        except TimeoutError:
            raise Late(
                "DEADLINE_EXCEEDED", "The answer was not ready before the call's deadline. Retry later."
            ) from None

    async def _serve(
        self, method: Method, request: bytes, metadata: Mapping[str, str], context: Context
    ) -> bytes:
        principal = self.verifier.verify(metadata.get(HEADER))
        principal.require(method.permission)
        message = _parsed(method, request)
        validate(message)
        info = RequestInfo(
            request_id=metadata.get("x-request-id", ""),
            via=metadata.get("x-facet-via", ""),
            idempotency_key="" if method.reads else metadata.get("idempotency-key", ""),
            reason=unquote(
                metadata.get("x-facet-reason", "")
            ),  # metadata is ASCII; reasons are in any script
            page_token_key=self.page_token_key,
        )
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                response, was_replayed = await self.run(method, message, request, principal, info)
                if was_replayed:
                    context.set_trailing_metadata(((REPLAYED, "true"),))
                return response
            except FacetError as error:
                if attempt == _ATTEMPTS or error.__cause__ is None or not is_transient(error.__cause__):
                    raise
                await asyncio.sleep(random.uniform(0.005, 0.03) * attempt)  # noqa: S311 - jitter, not a secret
        raise Exhausted(
            "RETRIES", "The call lost every race for its records. Retry in a moment.", retry_after=1
        )

    async def run(
        self, method: Method, message: Message[Any], request: bytes, principal: Principal, info: RequestInfo
    ) -> tuple[bytes, bool]:
        """One attempt: the call within its unit of work. Gives the answer's bytes, and whether they were replayed."""
        async with self.database.unit_of_work(principal, info, read_only=method.reads) as ctx:
            if info.idempotency_key:
                stored = await idempotency.replayed(ctx, method.path, request)
                if stored is not None:
                    return stored, True
            answer = await method.call(message, ctx)
            shown = mask(answer, principal)
            if shown:
                await _audit(ctx, answer, shown)
            await mask_custom_fields(ctx, answer)
            response = answer.to_binary()
            if info.idempotency_key:
                idempotency.remember(ctx, method.path, request, kept_form(answer, response))
        return response, False


def methods(descriptors: Mapping[str, DescMethod], servicer: Servicer) -> list[Method]:
    """The methods of one servicer; `descriptors` maps RPC names to their descriptors.

    Raises:
        TypeError: the servicer lacks a method that the contract promises.
    """
    found: list[Method] = []
    for name, descriptor in descriptors.items():
        call = getattr(servicer, snake_case(name), None)
        if call is None:
            raise TypeError(f"{type(servicer).__name__} lacks {snake_case(name)} of {servicer.service}")
        found.append(Method.of(descriptor, cast(Call, call)))
    return found


def _parsed(method: Method, request: bytes) -> Message[Any]:
    try:
        return method.request.from_binary(request)
    except Exception as error:  # the codec raises its own and Rust's errors
        raise Unparseable(
            "REQUEST_UNREADABLE", f"The bytes are no {method.request.__name__}: {error}"
        ) from error


async def _audit(ctx: Ctx, answer: Message[Any], shown: Sequence[str]) -> None:
    """Notes which resources' sensitive fields the answer shows: its own, or those it lists."""
    resources = [answer] if getattr(answer, "id", "") else _listed(answer) or [answer]
    ids = [str(getattr(resource, "id", "")) for resource in resources]
    await audit_read(ctx, resource_name(type(resources[0])), ids, shown)


def _listed(answer: Message[Any]) -> list[Message[Any]]:
    """The messages in the first list of the answer that has any."""
    for field in type(answer).desc().fields:
        value: object = getattr(answer, field.local_name)
        if isinstance(value, list):
            items = cast("list[object]", value)
            if items and isinstance(items[0], Message):
                return cast("list[Message[Any]]", items)
    return []


def _internal(span: trace.Span) -> Internal:
    context = span.get_span_context()
    trace_id = format(context.trace_id, "032x") if context.is_valid else ""
    return Internal(
        "INTERNAL",
        "Something is broken on our side. Report the trace id.",
        metadata={"traceId": trace_id} if trace_id else {},
    )
