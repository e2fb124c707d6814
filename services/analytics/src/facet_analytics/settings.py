"""Settings of the analytics service beyond those that all services share."""

from __future__ import annotations

from pydantic import Field

from facet_kit.settings import KitSettings


class Settings(KitSettings):
    """Read from FACET_… variables."""

    reporting_currency: str = Field(
        default="CNY",
        pattern="^[A-Z]{3}$",
        description="ISO 4217 currency in which amounts of different currencies are added up; never changed once used",
    )
    ranking_seconds: float = Field(
        default=10.0,
        ge=0,
        description="How long unified views show the same places of key accounts; 0 ranks every time",
    )
