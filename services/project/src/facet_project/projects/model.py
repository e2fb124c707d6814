"""Projects, and the measures of an account that they add up to. Gate rounds and trees have rooms of their own."""

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import Index, Numeric
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.project.v1 import events_pb as events
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_contracts.facet.project.v1.resources_pb import ProjectState
from facet_kit.database.base import Aggregate, CustomFields, EventSource, Scope, enum_column, money_column
from facet_kit.errors import Conflict
from facet_kit.mapping import Mapper
from facet_kit.summary import AccountSummaryRow
from facet_project.projects.policy import ENDED_STATES, OPEN_STATES, material


class Project(Aggregate, CustomFields):
    """A project from registration to its end."""

    __tablename__ = "projects"
    __table_args__ = (
        Index("ix_projects_create_time", "create_time", "id"),
        Index("ix_projects_update_time", "update_time", "id"),
        Index("ix_projects_expected_close_date", "expected_close_date", "id"),
        Index("ix_projects_expected_revenue", "expected_revenue_amount", "id"),
        Index("ix_projects_display_name", "display_name", "id"),
        Index("ix_projects_customer_id", "customer_id", "state", "expected_revenue_amount"),
        Index("ix_projects_owner_id", "owner_id"),
        Index("ix_projects_department_id", "department_id"),
        Index("ix_projects_region_id", "region_id"),
        Index("ix_projects_custom_fields", "custom_fields", postgresql_using="gin"),
    )
    __scope__: ClassVar[Scope | None] = Scope()

    customer_id: Mapped[str]
    display_name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    state: Mapped[ProjectState] = enum_column(ProjectState, default=ProjectState.REGISTERED)
    expected_revenue_amount: Mapped[Decimal] = money_column()
    currency: Mapped[str]
    expected_close_date: Mapped[date | None] = mapped_column(default=None)
    owner_id: Mapped[str] = mapped_column(default="")
    department_id: Mapped[str] = mapped_column(default="")
    region_id: Mapped[str] = mapped_column(default="")
    opportunity_id: Mapped[str] = mapped_column(default="")
    gate_round: Mapped[int] = mapped_column(default=0)
    gate_score: Mapped[Decimal | None] = mapped_column(Numeric(5, 2), default=None)
    gate_reevaluation_due: Mapped[bool] = mapped_column(default=False)
    gate_changed_facts: Mapped[list[str]] = mapped_column(default=list)
    lost_reason: Mapped[str] = mapped_column(default="")
    end_time: Mapped[datetime | None] = mapped_column(default=None)

    @property
    def open(self) -> bool:
        """It still counts towards the account's open projects."""
        return self.state in OPEN_STATES

    @property
    def lost(self) -> bool:
        """The customer decided against us, or we gave up; also once it is closed."""
        return self.state is ProjectState.LOST or (
            self.state is ProjectState.CLOSED and bool(self.lost_reason)
        )

    @property
    def won(self) -> bool:
        """The customer decided for us; also once it is closed."""
        return self.state is ProjectState.WON or (self.state is ProjectState.CLOSED and not self.lost_reason)

    @property
    def ended(self) -> bool:
        """Nothing about it is decided any more."""
        return self.state in ENDED_STATES

    def register(self) -> None:
        """Announces the new project."""
        self.record(lambda: events.ProjectRegistered(project=project_map.to_message(self)))

    def require_alive(self, verb: str) -> None:
        """Refuses changes of a project that has ended.

        Raises:
            Conflict: it is won, lost or closed.
        """
        if self.ended:
            raise self._illegal(verb, "It has ended; register a new project for new business.")

    def changed(self, fields: Collection[str]) -> None:
        """Announces changed fields, and remembers the material ones once the gate was decided (PRJ-01)."""
        facts = material(fields)
        if facts and self.gate_score is not None:
            self.gate_changed_facts = sorted({*self.gate_changed_facts, *facts})
            self.gate_reevaluation_due = True
        names = sorted(fields)
        self.record(lambda: events.ProjectUpdated(project=project_map.to_message(self), changed_fields=names))

    def delete(self, at: datetime) -> None:
        """Takes back a registration.

        Raises:
            Conflict: the project passed its gate at some time.
        """
        if self.state not in (ProjectState.REGISTERED, ProjectState.GATE_REFUSED):
            raise self._illegal(
                "delete", "Only a project that never passed its gate is deleted; close this one instead."
            )
        self.delete_time = at
        self.record(lambda: events.ProjectDeleted(project=project_map.to_message(self)))

    def open_round(self) -> int:
        """The number of a new gate round.

        Raises:
            Conflict: the project has ended, or its gate is decided on facts that are still true.
        """
        self.require_alive("submitGate")
        if (
            self.gate_score is not None
            and not self.gate_reevaluation_due
            and self.state != ProjectState.GATE_REFUSED
        ):
            raise self._illegal("submitGate", "Its gate is decided, and no material fact has changed since.")
        self.gate_round += 1
        return self.gate_round

    def gate_decided(self, *, passed: bool, score: Decimal, event: EventSource) -> None:
        """Takes over the decision of a round. A running project that passes again goes on; a refused one stops.

        Raises:
            Conflict: the project has ended.
        """
        self.require_alive("decideGate")
        self.gate_score = score
        self.gate_reevaluation_due = False
        self.gate_changed_facts = []
        if not passed:
            self.state = ProjectState.GATE_REFUSED
        elif self.state is not ProjectState.RUNNING:
            self.state = ProjectState.GATE_PASSED
        self.record(event)

    def start(self) -> None:
        """Starts the work.

        Raises:
            Conflict: the gate was not passed, or on facts that have changed since.
        """
        if self.state is not ProjectState.GATE_PASSED:
            raise self._illegal("start", "Only a project that passed its gate starts.")
        if self.gate_reevaluation_due:
            raise Conflict(
                "GATE_REEVALUATION_DUE",
                f"Decided on other facts: {', '.join(self.gate_changed_facts)} changed since. Submit a new round.",
                metadata={"facts": ",".join(self.gate_changed_facts)},
            )
        self.state = ProjectState.RUNNING
        self.record(lambda: events.ProjectStarted(project=project_map.to_message(self)))

    def win(self, at: datetime) -> None:
        """Records that the customer decided for us.

        Raises:
            Conflict: the project is not running.
        """
        if self.state is not ProjectState.RUNNING:
            raise self._illegal("win", "Only a running project is won.")
        self.state, self.end_time = ProjectState.WON, at
        self.record(lambda: events.ProjectWon(project=project_map.to_message(self)))

    def lose(self, reason: str, at: datetime) -> None:
        """Records that the customer decided against us, or that we gave up.

        Raises:
            Conflict: the project has ended.
        """
        self.require_alive("lose")
        self.state, self.end_time, self.lost_reason = ProjectState.LOST, at, reason
        self.record(lambda: events.ProjectLost(project=project_map.to_message(self)))

    def close(self, at: datetime, *, open_milestones: int) -> None:
        """Puts the project away.

        Raises:
            Conflict: it is neither won nor lost, or it is won and has open milestones.
        """
        if self.state not in (ProjectState.WON, ProjectState.LOST):
            raise self._illegal("close", "Win or lose it first.")
        if self.state is ProjectState.WON and open_milestones:
            raise Conflict(
                "MILESTONES_OPEN",
                f"{open_milestones} milestones of the won project are open. Close or delete them first.",
                metadata={"open_milestones": str(open_milestones)},
            )
        self.state, self.end_time = ProjectState.CLOSED, at
        self.record(lambda: events.ProjectClosed(project=project_map.to_message(self)))

    def _illegal(self, verb: str, hint: str) -> Conflict:
        return Conflict(
            "ILLEGAL_TRANSITION",
            f"The project is {self.state.name}. {hint}",
            metadata={"state": self.state.name, "verb": verb},
        )


class ProjectSummaryRow(AccountSummaryRow):
    """What a customer's projects add up to in one department and region. Amounts are in the reporting currency."""

    __tablename__ = "project_summaries"

    open_count: Mapped[int] = mapped_column(default=0)
    open_amount: Mapped[Decimal] = money_column()
    won_count: Mapped[int] = mapped_column(default=0)
    lost_count: Mapped[int] = mapped_column(default=0)
    running_count: Mapped[int] = mapped_column(default=0)
    seat_count: Mapped[int] = mapped_column(default=0)
    vacant_count: Mapped[int] = mapped_column(default=0)
    blocker_count: Mapped[int] = mapped_column(default=0)


project_map = Mapper(Project, pb.Project)
