"""Settings of the sales service, beyond those that every service has."""

from __future__ import annotations

from pydantic import Field

from facet_kit.settings import KitSettings


class Settings(KitSettings):
    """Sales. The reporting currency belongs to the data: choose it before the first record and keep it."""

    reporting_currency: str = Field(
        default="CNY",
        pattern="^[A-Z]{3}$",
        description="ISO 4217 currency in which sales adds up amounts of different currencies; never changed once used",
    )
