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
    """Imports the kit's tables and every `model` and `summary` module of the package, and answers exactly their tables.

    In one process with other services (a test run) theirs stand in the same registry; they are left out.
    """
    for name in _KIT:
        importlib.import_module(name)
    root = importlib.import_module(package)
    for module in pkgutil.walk_packages(root.__path__, f"{package}."):
        if module.name.rsplit(".", 1)[-1] in ("model", "summary"):
            importlib.import_module(module.name)
    foreign = {
        mapper.local_table
        for mapper in Base.registry.mappers
        if mapper.class_.__module__.split(".")[0] not in (package, "facet_kit")
    }
    own = MetaData(naming_convention=Base.metadata.naming_convention)
    for table in Base.metadata.sorted_tables:
        if table not in foreign:
            table.to_metadata(own)
    return own
