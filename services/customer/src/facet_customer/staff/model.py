"""Staff: the people of the enterprise, their place, line, roles and grants. What they own is elsewhere."""

from datetime import date

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.customer.v1 import events_pb as events
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_customer.staff.policy import Grants, effective_grants
from facet_kit.database.base import Aggregate
from facet_kit.errors import Conflict, Invalid
from facet_kit.mapping import Mapper


class Staff(Aggregate):
    """A person who works for the enterprise. The e-mail address, in lower case, is the subject of the sign-in."""

    __tablename__ = "staff"
    __scope__ = None
    __table_args__ = (
        Index("uq_staff_email", "email", unique=True, postgresql_where=text("delete_time IS NULL")),
        Index("ix_staff_display_name", "display_name", "id"),
    )

    display_name: Mapped[str]
    email: Mapped[str]
    phone: Mapped[str] = mapped_column(default="")
    title: Mapped[str] = mapped_column(default="")
    department_id: Mapped[str] = mapped_column(index=True)
    region_id: Mapped[str] = mapped_column(index=True)
    manager_id: Mapped[str] = mapped_column(default="", index=True)
    mentor_id: Mapped[str] = mapped_column(default="", index=True)
    roles: Mapped[list[str]]
    scope_department_ids: Mapped[list[str]] = mapped_column(default=list)
    scope_region_ids: Mapped[list[str]] = mapped_column(default=list)
    full_scope: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    hire_date: Mapped[date | None]

    @property
    def grants(self) -> Grants:
        """What the person sees: what was granted, else what follows from the roles."""
        return effective_grants(
            self.roles,
            department_id=self.department_id,
            region_id=self.region_id,
            scope_department_ids=self.scope_department_ids,
            scope_region_ids=self.scope_region_ids,
            full_scope=self.full_scope,
        )

    def check(self) -> None:
        """Raises Invalid, naming the fields, unless the record has what every person needs."""
        needed = ("display_name", "email", "department_id", "region_id", "roles")
        wrong = [(f"staff.{name}", "must not be empty") for name in needed if not getattr(self, name)]
        wrong += [
            (f"staff.{name}", "nobody is his own manager or mentor; name another person")
            for name in ("manager_id", "mentor_id")
            if getattr(self, name) == self.id
        ]
        if wrong:
            raise Invalid.many(wrong, reason="STAFF_INCOMPLETE")

    def hired(self) -> None:
        """Announces the new person."""
        self.record(lambda: events.StaffHired(staff=staff_map.to_message(self)))

    def updated(self, changed: set[str]) -> None:
        """Announces changed fields."""
        names = sorted(changed)
        self.record(lambda: events.StaffUpdated(staff=staff_map.to_message(self), changed=names))

    def deactivate(self) -> None:
        """Ends work and access.

        Raises:
            Conflict: inactive already.
        """
        self._switch(active=False, verb="deactivate")
        self.record(lambda: events.StaffDeactivated(staff=staff_map.to_message(self)))

    def reactivate(self) -> None:
        """Takes the person back.

        Raises:
            Conflict: active already.
        """
        self._switch(active=True, verb="reactivate")
        self.updated({"active"})

    def _switch(self, *, active: bool, verb: str) -> None:
        if self.active is active:
            state = "active" if active else "inactive"
            raise Conflict(
                "ILLEGAL_TRANSITION",
                f"Staff member {self.id!r} is {state} already.",
                metadata={"state": state, "verb": verb},
            )
        self.active = active


staff_map = Mapper(Staff, pb.Staff)
