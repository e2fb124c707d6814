"""Composition root of the analytics service; nothing else imports it."""

from __future__ import annotations

from facet_analytics.facts import events as fact_events
from facet_analytics.facts.api import ReportApi
from facet_analytics.settings import Settings
from facet_analytics.summary import SummaryApi
from facet_analytics.timeline import events as timeline_events
from facet_analytics.values.api import ValueApi
from facet_analytics.values.service import Rankings
from facet_kit.messaging.streams import Bus
from facet_kit.server.app import ServiceApp, run


def build(settings: Settings) -> ServiceApp:
    """The service with everything it serves and hears."""

    def bus() -> Bus:
        return app.bus

    def sources() -> list[str]:
        return list(app.processing.routes.subjects())

    app = ServiceApp(
        name="analytics",
        settings=settings,
        apis=[
            ReportApi(currency=settings.reporting_currency, bus=bus, sources=sources),
            ValueApi(),
            SummaryApi(
                currency=settings.reporting_currency,
                rankings=Rankings(max_age_seconds=settings.ranking_seconds),
            ),
        ],
        handlers=[fact_events.handlers(currency=settings.reporting_currency), timeline_events.handlers],
    )
    return app


def main() -> None:
    """Runs the service until it is told to stop."""
    run(build(Settings.model_validate({})))


if __name__ == "__main__":
    main()
