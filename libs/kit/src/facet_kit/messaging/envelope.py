"""What an event is called and what travels around it: types from the contracts, subjects, CloudEvents.

No I/O happens here.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import ModuleType
from typing import Any, Final, TypeGuard

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from protobuf import Message

from facet_contracts.facet.type.v1.annotations_pb import ext_event
from facet_kit.errors import Unparseable

# Packages whose events belong to whichever service publishes them.
SHARED_PACKAGES: Final = frozenset({"type", "platform"})

_TRACE: Final = TraceContextTextMapPropagator()


class UnknownEventType(Unparseable):
    """A message arrived whose type these contracts do not know; a newer version of them probably does."""


@dataclass(frozen=True, slots=True)
class EventType:
    """An event as its contract declares it: whose it is, about what, and what happened."""

    message: type[Message[Any]]
    type_name: str
    service: str | None
    """The publishing service, or None for an event that any service may publish."""
    aggregate: str
    name: str
    timer: bool

    def subject(self, service: str) -> str:
        """`facet.<service>.<aggregate>.<name>`, the subject when `service` publishes the event."""
        return f"facet.{service}.{self.aggregate}.{self.name}"


@cache
def event_type(message: type[Message[Any]]) -> EventType:
    """The event type that the message class declares by its `(facet.type.v1.event)` option.

    Raises:
        ValueError: the message does not declare itself an event, or lies outside `facet.<package>.v1`.
    """
    descriptor = message.desc()
    options = descriptor.proto.options
    if options is None or ext_event not in options:
        raise ValueError(
            f"{descriptor.type_name} is no event: its contract lacks option (facet.type.v1.event)"
        )
    event = options[ext_event]
    parts = descriptor.type_name.split(".")
    if parts[0] != "facet" or len(parts) < 4:
        raise ValueError(f"{descriptor.type_name} is declared outside of a package facet.<service>.<version>")
    service = None if parts[1] in SHARED_PACKAGES else parts[1].replace("_", "-")
    return EventType(message, descriptor.type_name, service, event.aggregate, event.name, event.timer)


def stream_name(service: str) -> str:
    """The JetStream stream of a service: `service-desk` → `FACET_SERVICE_DESK`."""
    return "FACET_" + service.upper().replace("-", "_")


class EventCatalogue:
    """Event classes by type name, to decode what arrives."""

    def __init__(self, messages: Iterable[type[Message[Any]]]) -> None:
        self._types = {found.type_name: found for found in map(event_type, messages)}

    def __iter__(self) -> Iterator[EventType]:
        return iter(self._types.values())

    def decode(self, type_name: str, payload: bytes) -> Message[Any]:
        """The message of that type.

        Raises:
            UnknownEventType: no known event has that name.
            Unparseable: the bytes are no such message.
        """
        known = self._types.get(type_name)
        if known is None:
            raise UnknownEventType(
                "UNKNOWN_EVENT_TYPE",
                f"Event type {type_name!r} is not in the contracts of this process; update it, then replay.",
            )
        try:
            return known.message.from_binary(payload)
        except Exception as error:  # the codec raises its own and Rust's errors
            raise Unparseable("EVENT_UNREADABLE", f"The bytes are no {type_name}: {error}") from error


@cache
def contract_events() -> EventCatalogue:
    """Every event that the contracts package declares."""
    import facet_contracts.facet as root

    candidates = (candidate for module in _generated_modules(root) for candidate in vars(module).values())
    return EventCatalogue(filter(_is_event, candidates))


def _generated_modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if found.name.endswith("_pb"):
            yield importlib.import_module(found.name)


def _is_event(candidate: object) -> TypeGuard[type[Message[Any]]]:
    if not isinstance(candidate, type) or not issubclass(candidate, Message) or candidate is Message:
        return False
    options = candidate.desc().proto.options
    return options is not None and ext_event in options


@dataclass(frozen=True, slots=True)
class EventMeta:
    """What a handler may know about an event beside its message."""

    id: str
    subject: str
    source: str
    """The publishing service."""
    type: str
    aggregate: str
    aggregate_id: str
    version: int
    """Position among the facts about this aggregate, from 1 without gaps; 0 outside of that sequence."""
    time: datetime
    traceparent: str
    headers: Mapping[str, str]


def to_headers(
    *, id: str, source: str, type: str, aggregate_id: str, version: int, time: datetime, traceparent: str
) -> dict[str, str]:
    """CloudEvents attributes in the NATS binding, the trace, the id by which JetStream drops duplicates."""
    return {
        "Nats-Msg-Id": id,
        "ce-specversion": "1.0",
        "ce-id": id,
        "ce-source": source,
        "ce-type": type,
        "ce-subject": aggregate_id,
        "ce-time": time.isoformat(),
        "ce-dataschema": f"type.googleapis.com/{type}",
        "ce-aggregateversion": str(version),
        "content-type": "application/protobuf",
    } | ({"traceparent": traceparent} if traceparent else {})


def from_headers(subject: str, headers: Mapping[str, str]) -> EventMeta:
    """Reads an envelope.

    Raises:
        Unparseable: an attribute is missing or no such value; the message names what was found.
    """
    try:
        return EventMeta(
            id=headers["ce-id"],
            subject=subject,
            source=headers["ce-source"],
            type=headers["ce-type"],
            aggregate=subject.split(".")[2],
            aggregate_id=headers["ce-subject"],
            version=int(headers["ce-aggregateversion"]),
            time=datetime.fromisoformat(headers["ce-time"]),
            traceparent=headers.get("traceparent", ""),
            headers=headers,
        )
    except (KeyError, ValueError, IndexError) as error:
        raise Unparseable(
            "ENVELOPE_UNREADABLE",
            f"The message on {subject} is no event of Facet: {error!r} in headers {sorted(headers)}.",
        ) from error


def current_traceparent() -> str:
    """The W3C traceparent of the running span; empty outside of a trace."""
    carrier: dict[str, str] = {}
    _TRACE.inject(carrier)
    return carrier.get("traceparent", "")


def traceparent_of(span: trace.Span) -> str:
    """The W3C traceparent of that span."""
    carrier: dict[str, str] = {}
    _TRACE.inject(carrier, trace.set_span_in_context(span, Context()))
    return carrier.get("traceparent", "")


def trace_context(traceparent: str) -> Context:
    """The trace that a stored traceparent names, to be a span's parent."""
    return _TRACE.extract({"traceparent": traceparent} if traceparent else {}, Context())
