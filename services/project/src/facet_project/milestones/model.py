"""Milestones with their exit criteria. Row scope is the project's: its columns are copied here and kept up to date."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import ClassVar

from protobuf.wkt import Timestamp
from sqlalchemy import ForeignKey, Index
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.project.v1 import events_pb as events
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_contracts.facet.project.v1.resources_pb import MilestoneState
from facet_kit.database.base import Aggregate, Scope, enum_column
from facet_kit.errors import Conflict, Invalid, NotFound
from facet_kit.mapping import Mapper
from facet_project.milestones.policy import Obstacles, is_overrun

type_of_criterion = dict[str, str | bool | None]


class Milestone(Aggregate):
    """A step of a project: due on a date, closed when its exit criteria are met and its roles are engaged."""

    __tablename__ = "milestones"
    __table_args__ = (
        Index("ix_milestones_project_id", "project_id", "position"),
        Index("ix_milestones_customer_id", "customer_id"),
        Index("ix_milestones_owner_id", "owner_id"),
        Index("ix_milestones_position", "position", "id"),
        Index("ix_milestones_due_date", "due_date", "id"),
        Index("ix_milestones_create_time", "create_time", "id"),
    )
    __scope__: ClassVar[Scope | None] = Scope()

    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"))
    customer_id: Mapped[str]
    department_id: Mapped[str] = mapped_column(default="")
    region_id: Mapped[str] = mapped_column(default="")
    owner_id: Mapped[str] = mapped_column(default="")
    display_name: Mapped[str]
    position: Mapped[int]
    due_date: Mapped[date]
    exit_criteria: Mapped[list[type_of_criterion]] = mapped_column(JSONB, default=list)
    required_roles: Mapped[list[str]] = mapped_column(default=list)
    state: Mapped[MilestoneState] = enum_column(MilestoneState, default=MilestoneState.OPEN)
    overrun_noted: Mapped[bool] = mapped_column(default=False)
    closed_by: Mapped[str] = mapped_column(default="")
    close_time: Mapped[datetime | None] = mapped_column(default=None)

    def overrun(self, today: date) -> bool:
        """It is open after its due date, or was closed after it."""
        return is_overrun(
            due=self.due_date, closed_on=self.close_time.date() if self.close_time else None, today=today
        )

    @property
    def open_criteria(self) -> list[str]:
        """The exit criteria that are not met."""
        return [str(row["display_name"]) for row in self.exit_criteria if not row["met"]]

    def require_open(self, verb: str) -> None:
        """Refuses changes of a closed milestone.

        Raises:
            Conflict: it is closed.
        """
        if self.state is not MilestoneState.OPEN:
            raise Conflict(
                "ILLEGAL_TRANSITION",
                "The milestone is closed and stays as it is.",
                metadata={"state": self.state.name, "verb": verb},
            )

    def plan_criteria(self, wanted: Sequence[pb.ExitCriterion], new_ids: Sequence[str]) -> None:
        """Replaces the exit criteria; those that keep id and text keep their evidence. `new_ids`: one each."""
        known = {str(row["id"]): row for row in self.exit_criteria or []}
        planned: list[type_of_criterion] = []
        for criterion, new_id in zip(wanted, new_ids, strict=True):
            before = known.get(criterion.id)
            row = _unmet(criterion.id or new_id, criterion)
            if before and before["display_name"] == criterion.display_name:
                row |= {key: before[key] for key in ("met", "evidence", "met_by", "met_time")}
            planned.append(row)
        if len({row["id"] for row in planned}) < len(planned):
            raise Invalid(
                "DUPLICATE_CRITERION",
                "give each criterion its own id, or none",
                field="milestone.exit_criteria",
            )
        self.exit_criteria = planned

    def check(self, criterion_id: str, *, met: bool, evidence: str, by: str, at: datetime) -> None:
        """Says of a criterion that it is met, or not after all.

        Raises:
            Conflict: the milestone is closed.
            NotFound: it has no such criterion.
            Invalid: it is met and no evidence is given.
        """
        self.require_open("checkExitCriterion")
        if met and not evidence.strip():
            raise Invalid("EVIDENCE_MISSING", "say what shows that the criterion is met", field="evidence")
        if all(row["id"] != criterion_id for row in self.exit_criteria):
            raise NotFound("ExitCriterion", criterion_id)
        answer: type_of_criterion = {
            "met": met,
            "evidence": evidence,
            "met_by": by if met else "",
            "met_time": at.isoformat() if met else None,
        }
        self.exit_criteria = [
            row | answer if row["id"] == criterion_id else row for row in self.exit_criteria
        ]

    def close(self, found: Obstacles, *, by: str, at: datetime) -> None:
        """Closes the milestone.

        Raises:
            Conflict: it is closed already, or obstacles are left; names them all.
        """
        self.require_open("close")
        if found:
            raise Conflict(
                "MILESTONE_NOT_READY",
                found.describe(),
                metadata={
                    "open_criteria": str(len(found.open_criteria)),
                    "vacant_roles": ",".join(found.vacant_roles),
                    "unengaged_roles": ",".join(found.unengaged_roles),
                },
            )
        self.state, self.closed_by, self.close_time = MilestoneState.CLOSED, by, at
        self.record(lambda: events.MilestoneClosed(milestone=milestone_message(self, at.date())))

    def planned(self, today: date) -> None:
        """Announces the plan, new or changed."""
        self.overrun_noted = False
        self.record(lambda: events.MilestonePlanned(milestone=milestone_message(self, today)))

    def note_overrun(self, today: date) -> bool:
        """Announces once a due date that the milestone has passed; says whether it did."""
        if self.state is not MilestoneState.OPEN or self.overrun_noted or not self.overrun(today):
            return False
        self.overrun_noted = True
        self.record(lambda: events.MilestoneOverran(milestone=milestone_message(self, today)))
        return True


def _unmet(id: str, criterion: pb.ExitCriterion) -> type_of_criterion:
    return {
        "id": id,
        "display_name": criterion.display_name,
        "customer_participates": criterion.customer_participates,
        "met": False,
        "evidence": "",
        "met_by": "",
        "met_time": None,
    }


def _criterion_message(row: type_of_criterion) -> pb.ExitCriterion:
    met_time = row["met_time"]
    return pb.ExitCriterion(
        id=str(row["id"]),
        display_name=str(row["display_name"]),
        customer_participates=bool(row["customer_participates"]),
        met=bool(row["met"]),
        evidence=str(row["evidence"]),
        met_by=str(row["met_by"]),
        met_time=Timestamp.from_datetime(datetime.fromisoformat(met_time))
        if isinstance(met_time, str)
        else None,
    )


def _criteria_messages(entity: Milestone) -> list[pb.ExitCriterion]:
    return [_criterion_message(row) for row in entity.exit_criteria]


def _role_values(entity: Milestone) -> list[pb.BuyingRole]:
    return [pb.BuyingRole[name] for name in entity.required_roles]


def _not_known_without_a_date(_entity: Milestone) -> None:
    return None


milestone_map = Mapper(
    Milestone,
    pb.Milestone,
    compute={
        "exit_criteria": _criteria_messages,
        "required_roles": _role_values,
        "overrun": _not_known_without_a_date,
    },
)


def milestone_message(milestone: Milestone, today: date) -> pb.Milestone:
    """The contract's message; whether it has overrun depends on the day."""
    message = milestone_map.to_message(milestone)
    message.overrun = milestone.overrun(today)
    return message
