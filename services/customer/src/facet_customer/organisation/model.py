"""Departments and regions: units of two trees with unique codes. Staff and customers in them are elsewhere."""

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from facet_contracts.facet.customer.v1 import events_pb as events
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_customer.trees import TreeNode
from facet_kit.database.base import Aggregate
from facet_kit.errors import Invalid
from facet_kit.mapping import Mapper


class OrgUnit(TreeNode, Aggregate):
    """What departments and regions have in common."""

    __abstract__ = True
    __scope__ = None

    code: Mapped[str]
    display_name: Mapped[str]

    def check(self, field: str) -> None:
        """Raises Invalid, naming fields below `field`, unless the unit has what every unit needs."""
        needed = ("code", "display_name")
        missing = [(f"{field}.{name}", "must not be empty") for name in needed if not getattr(self, name)]
        if missing:
            raise Invalid.many(missing, reason="FIELD_MISSING")


class Department(OrgUnit):
    """A unit of the enterprise's organisation."""

    __tablename__ = "departments"
    __table_args__ = (
        Index("uq_departments_code", "code", unique=True, postgresql_where=text("delete_time IS NULL")),
        Index("ix_departments_ancestor_ids", "ancestor_ids", postgresql_using="gin"),
    )

    def created(self) -> None:
        """Announces the new department."""
        self.record(lambda: events.DepartmentCreated(department=department_map.to_message(self)))

    def updated(self, changed: set[str]) -> None:
        """Announces changes of code or name."""
        names = sorted(changed)
        self.record(
            lambda: events.DepartmentUpdated(department=department_map.to_message(self), changed=names)
        )

    def moved(self, previous: list[str]) -> None:
        """Announces another place in the tree; `previous` is the path before."""
        self.record(
            lambda: events.DepartmentMoved(
                department=department_map.to_message(self), previous_ancestor_ids=previous
            )
        )

    def deleted(self) -> None:
        """Announces the end of the department."""
        self.record(lambda: events.DepartmentDeleted(department=department_map.to_message(self)))


class Region(OrgUnit):
    """A sales region of the enterprise."""

    __tablename__ = "regions"
    __table_args__ = (
        Index("uq_regions_code", "code", unique=True, postgresql_where=text("delete_time IS NULL")),
        Index("ix_regions_ancestor_ids", "ancestor_ids", postgresql_using="gin"),
    )

    def created(self) -> None:
        """Announces the new region."""
        self.record(lambda: events.RegionCreated(region=region_map.to_message(self)))

    def updated(self, changed: set[str]) -> None:
        """Announces changes of code or name."""
        names = sorted(changed)
        self.record(lambda: events.RegionUpdated(region=region_map.to_message(self), changed=names))

    def moved(self, previous: list[str]) -> None:
        """Announces another place in the tree; `previous` is the path before."""
        self.record(
            lambda: events.RegionMoved(region=region_map.to_message(self), previous_ancestor_ids=previous)
        )

    def deleted(self) -> None:
        """Announces the end of the region."""
        self.record(lambda: events.RegionDeleted(region=region_map.to_message(self)))


department_map = Mapper(Department, pb.Department)
region_map = Mapper(Region, pb.Region)
