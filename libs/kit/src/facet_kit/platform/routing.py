"""Requests that name a service have to reach it."""

from facet_kit.errors import NotFound


def require_own(service: str, named: str) -> None:
    """Raises NotFound when a request for another service has strayed here."""
    if named != service:
        raise NotFound("service", named)
