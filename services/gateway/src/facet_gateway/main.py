"""Starts the gateway: `python -m facet_gateway.main`."""

from __future__ import annotations

import uvloop

from facet_gateway.gateway import Gateway
from facet_gateway.settings import GatewaySettings
from facet_kit.server.app import serve
from facet_kit.telemetry import configure_logging


async def run(settings: GatewaySettings) -> None:
    """Runs the gateway until SIGTERM or SIGINT, or until a background task dies."""
    await serve(Gateway(settings))


def main() -> None:
    """Entry point."""
    settings = GatewaySettings()  # pyright: ignore[reportCallIssue] - the environment fills the settings
    configure_logging(settings.log_level)
    uvloop.run(run(settings))


if __name__ == "__main__":
    main()
