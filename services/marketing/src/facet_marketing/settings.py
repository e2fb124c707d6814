"""Settings of marketing: those that every service has, and none of its own."""

from __future__ import annotations

from facet_kit.settings import KitSettings


class Settings(KitSettings):
    """Marketing."""
