"""Which services there are, and what belongs to each by name: its package and its database."""

from __future__ import annotations

SERVICES = ("customer", "sales", "project", "service-desk", "marketing", "analytics")
GATEWAY = "gateway"
DATABASE_OWNERS = (*SERVICES, GATEWAY)


def package_of(service: str) -> str:
    """The Python package of a service: `facet_service_desk` for `service-desk`."""
    return f"facet_{service.replace('-', '_')}"


def database_of(service: str) -> str:
    """The database of a service, and the role that owns it; both have the package's name."""
    return package_of(service)
