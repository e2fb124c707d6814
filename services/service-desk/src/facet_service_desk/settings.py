"""Settings of the service desk: those that every service has, and none of its own."""

from __future__ import annotations

from facet_kit.settings import KitSettings


class Settings(KitSettings):
    """Service desk."""
