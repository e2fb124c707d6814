"""All tables of a service: its own and the kit's, found by importing every model module."""

from __future__ import annotations

import importlib
import pkgutil

from sqlalchemy import MetaData

from facet_kit.database.base import Base

# The kit's own tables stand in every service's database.
_KIT = (
    "facet_kit.refs",
    "facet_kit.audit",
    "facet_kit.operations",
    "facet_kit.custom_fields",
    "facet_kit.messaging.tables",
    "facet_kit.server.idempotency",
)


def service_metadata(package: str) -> MetaData:
    """Imports the kit's tables and every `model` and `summary` module of the package."""
    for name in _KIT:
        importlib.import_module(name)
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        if module.name.rsplit(".", 1)[-1] in ("model", "summary"):
            importlib.import_module(module.name)
    return Base.metadata
