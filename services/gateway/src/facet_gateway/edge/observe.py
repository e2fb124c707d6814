"""The outermost layer: names each request, traces it, logs it, and puts the headers on that every answer carries."""

from __future__ import annotations

import re
import secrets
from time import perf_counter
from typing import Final

import structlog
from opentelemetry import metrics, propagate, trace
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, StatusCode, TraceFlags
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from facet_gateway.edge.context import EdgeContext, attach, header
from facet_kit.ids import Ids

log = structlog.get_logger(__name__)
_tracer = trace.get_tracer("facet_gateway")
_duration = metrics.get_meter("facet_gateway").create_histogram(
    "http.server.request.duration", unit="s", description="Time to answer requests at the edge"
)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
)
_DEFAULTS: Final = {
    # Answers belong to one caller; an ETag may save the body, never the question.
    b"cache-control": b"private, no-cache",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
}


class ObserveMiddleware:
    """Pure ASGI."""

    def __init__(self, app: ASGIApp, ids: Ids) -> None:
        self._app = app
        self._ids = ids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = header(scope, b"x-request-id")
        request_id = given if given is not None and _REQUEST_ID.fullmatch(given) else self._ids.new()
        context = EdgeContext(request_id)
        attach(scope, context)
        own = [*_ALWAYS, (b"x-request-id", request_id.encode("ascii"))]
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {key for key, _ in message["headers"]}
                defaults = [(key, value) for key, value in _DEFAULTS.items() if key not in present]
                message["headers"] = [*message["headers"], *own, *defaults]
            await send(message)

        parent = propagate.extract(_carrier(scope))
        started = perf_counter()
        span = _tracer.start_span(scope["method"], parent, kind=SpanKind.SERVER)
        if not span.get_span_context().is_valid:
            span = _unrecorded_span()
        with trace.use_span(span, end_on_exit=True):
            context.trace_id = format(span.get_span_context().trace_id, "032x")
            try:
                await self._app(scope, receive, answer)
            finally:
                span.update_name(context.operation or f"{scope['method']} unmatched")
                span.set_attribute("http.request.method", scope["method"])
                span.set_attribute("http.response.status_code", status)
                if status >= 500:
                    span.set_status(StatusCode.ERROR)
                _note(context, scope, status, perf_counter() - started)


def _unrecorded_span() -> Span:
    """Where nothing is traced, requests have a trace id all the same: it joins the logs of all services."""
    return NonRecordingSpan(
        SpanContext(
            secrets.randbits(128) or 1,
            secrets.randbits(64) or 1,
            is_remote=False,
            trace_flags=TraceFlags(TraceFlags.DEFAULT),
        )
    )


def _note(context: EdgeContext, scope: Scope, status: int, seconds: float) -> None:
    _duration.record(seconds, {"operation": context.operation or "unmatched", "status": status})
    log.debug(
        "request",
        request_id=context.request_id,
        method=scope["method"],
        path=scope["path"],
        status=status,
        ms=round(seconds * 1000, 2),
        principal=context.caller.principal.id if context.caller else "",
    )


def _carrier(scope: Scope) -> dict[str, str]:
    names = {b"traceparent": "traceparent", b"tracestate": "tracestate"}
    return {names[key]: value.decode("latin-1") for key, value in scope["headers"] if key in names}
