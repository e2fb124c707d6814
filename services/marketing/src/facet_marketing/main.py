"""Composition root of marketing: settings → adapters → ServiceApp. Nothing else imports it."""

from __future__ import annotations

from facet_kit.server.app import ServiceApp, run
from facet_kit.settings import KitSettings
from facet_marketing.campaigns import events as campaign_events
from facet_marketing.campaigns.api import CampaignApi
from facet_marketing.consents.api import ConsentApi
from facet_marketing.points.api import PointsApi
from facet_marketing.settings import Settings
from facet_marketing.summary import SummaryApi
from facet_marketing.touches.api import TouchApi


def build(settings: KitSettings) -> ServiceApp:
    """The service with everything it is made of."""
    return ServiceApp(
        name="marketing",
        settings=settings,
        apis=[ConsentApi(), CampaignApi(), TouchApi(), PointsApi(), SummaryApi()],
        handlers=[campaign_events.handlers],
    )


def main() -> None:
    """Runs the service until it is told to stop."""
    run(build(Settings()))  # pyright: ignore[reportCallIssue] - the environment fills the settings


if __name__ == "__main__":
    main()
