"""Composition root of the service desk: settings → adapters → ServiceApp. Nothing else imports it."""

from __future__ import annotations

from facet_kit.server.app import ServiceApp, run
from facet_kit.settings import KitSettings
from facet_service_desk.assets import events as asset_events
from facet_service_desk.assets.api import AssetApi
from facet_service_desk.calendars.api import CalendarApi
from facet_service_desk.records.api import RecordApi
from facet_service_desk.settings import Settings
from facet_service_desk.summary import SummaryApi
from facet_service_desk.tickets import events as ticket_events
from facet_service_desk.tickets.api import TicketApi


def build(settings: KitSettings) -> ServiceApp:
    """The service with everything it is made of."""
    return ServiceApp(
        name="service-desk",
        settings=settings,
        apis=[AssetApi(), CalendarApi(), TicketApi(), RecordApi(), SummaryApi()],
        handlers=[asset_events.handlers, ticket_events.handlers],
    )


def main() -> None:
    """Runs the service until it is told to stop."""
    run(build(Settings()))  # pyright: ignore[reportCallIssue] - the environment fills the settings


if __name__ == "__main__":
    main()
