"""Starts the gateway: `python -m facet_gateway.main`."""

from __future__ import annotations

import asyncio
import signal

import uvloop

from facet_gateway.gateway import Gateway
from facet_gateway.settings import GatewaySettings
from facet_kit.telemetry import configure_logging


async def serve(settings: GatewaySettings) -> None:
    """Runs the gateway until SIGTERM or SIGINT, or until a background task dies."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    gateway = Gateway(settings)
    await gateway.start()
    failed = asyncio.create_task(gateway.failed())
    waiting = asyncio.create_task(stopped.wait())
    done, _ = await asyncio.wait((failed, waiting), return_when=asyncio.FIRST_COMPLETED)
    try:
        if failed in done:
            failed.result()
    finally:
        failed.cancel()
        await gateway.stop()


def main() -> None:
    """Entry point."""
    settings = GatewaySettings()  # pyright: ignore[reportCallIssue] - the environment fills the settings
    configure_logging(settings.log_level)
    uvloop.run(serve(settings))


if __name__ == "__main__":
    main()
