"""The pytest plugin: registers the shared fixtures and the capability marker."""

from __future__ import annotations

from facet_kit.testing.infrastructure import databases, infrastructure, nats_url, postgres_url, redis_url

__all__ = ["databases", "infrastructure", "nats_url", "postgres_url", "redis_url"]
