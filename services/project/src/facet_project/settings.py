"""Settings of the project service beyond those that all services share."""

from __future__ import annotations

from pydantic import Field

from facet_kit.settings import KitSettings


class Settings(KitSettings):
    """Read from FACET_… variables."""

    reporting_currency: str = Field(
        default="CNY",
        pattern="^[A-Z]{3}$",
        description="Currency that expected revenues are estimated and summed in",
    )
