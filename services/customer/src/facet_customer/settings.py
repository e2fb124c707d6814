"""Settings of the customer service: those that all services share, and none of its own."""

from __future__ import annotations

from facet_kit.settings import KitSettings


class Settings(KitSettings):
    """Every setting of the customer service."""
