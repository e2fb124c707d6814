"""OpenTelemetry and structured logs, set up once per process. Without a collector nothing is recorded or paid for."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from opentelemetry import metrics, trace
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor  # pyright: ignore[reportMissingTypeStubs]
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from sqlalchemy.ext.asyncio import AsyncEngine
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import EventDict

from facet_kit.settings import KitSettings

# Without local variables: they hold credentials and personal data, and formatting them takes seconds.
_TRACEBACKS = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))


def configure_logging(level: str) -> None:
    """JSON lines on standard output, each with trace and span id where there is a trace."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_trace,
            _TRACEBACKS,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s", stream=sys.stdout)


def _add_trace(_logger: Any, _name: str, entry: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        entry["trace_id"] = format(context.trace_id, "032x")
        entry["span_id"] = format(context.span_id, "016x")
    return entry


def configure_telemetry(service: str, settings: KitSettings) -> None:
    """Exports traces and metrics of the process to `settings.otlp_endpoint`, where one is set."""
    if not settings.otlp_endpoint:
        return
    resource = Resource.create({"service.name": f"facet-{service}", "service.namespace": "facet"})
    sampler = ParentBased(TraceIdRatioBased(settings.trace_sample_ratio))
    provider = TracerProvider(resource=resource, sampler=sampler)
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otlp_endpoint, insecure=True))
    )
    trace.set_tracer_provider(provider)
    reader = PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=settings.otlp_endpoint, insecure=True))
    metrics.set_meter_provider(MeterProvider(resource=resource, metric_readers=[reader]))


def instrument_databases(*engines: AsyncEngine) -> None:
    """One span per SQL statement. The contrib package takes all engines of a process in its first call, and refuses
    SQLAlchemy 2.1 by its version alone, so it is not asked.
    """
    instrumentor = SQLAlchemyInstrumentor()
    if (
        isinstance(trace.get_tracer_provider(), TracerProvider)
        and not instrumentor.is_instrumented_by_opentelemetry
    ):
        instrumentor.instrument(engines=[engine.sync_engine for engine in engines], skip_dep_check=True)


def shutdown_telemetry() -> None:
    """Sends what is still buffered."""
    for provider in (trace.get_tracer_provider(), metrics.get_meter_provider()):
        if isinstance(provider, TracerProvider | MeterProvider):
            provider.shutdown()
