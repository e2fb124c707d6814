"""Gate definitions and gate rounds. A decided round never changes; the database enforces it besides."""

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, Numeric, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_kit.database.base import Aggregate, Base, Scope, enum_column, money_column
from facet_kit.errors import Conflict, Forbidden
from facet_kit.mapping import Mapper
from facet_project.gates.policy import Criterion, Score, reaches

type_of_criteria = list[dict[str, str | int]]


class GateDefinition(Aggregate):
    """A set of weighted criteria and the threshold that a project must reach. Shared by the whole enterprise."""

    __tablename__ = "gate_definitions"
    __table_args__ = (
        Index(
            "ix_gate_definitions_one_default",
            "is_default",
            unique=True,
            postgresql_where=text("is_default AND delete_time IS NULL"),
        ),
        Index("ix_gate_definitions_create_time", "create_time", "id"),
    )
    __scope__: ClassVar[Scope | None] = None

    display_name: Mapped[str]
    criteria: Mapped[type_of_criteria] = mapped_column(JSONB)
    threshold: Mapped[int]
    is_default: Mapped[bool] = mapped_column(default=False)

    def questions(self) -> list[Criterion]:
        """The criteria as the policy reads them."""
        return _criteria(self.criteria)

    def ask(self, criteria: list[Criterion]) -> None:
        """Replaces the criteria, for rounds submitted from now on."""
        self.criteria = _stored_criteria(criteria)


class GateRound(Base):
    """One evaluation of a project: what was scored, by which criteria, and what was decided."""

    __tablename__ = "gate_rounds"
    __table_args__ = (Index("uq_gate_rounds_project_id_round", "project_id", "round", unique=True),)
    __scope__: ClassVar[Scope | None] = None  # read through its project only

    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"))
    round: Mapped[int]
    state: Mapped[pb.GateRoundState] = enum_column(pb.GateRoundState, default=pb.GateRoundState.SUBMITTED)
    gate_definition_id: Mapped[str]
    criteria: Mapped[type_of_criteria] = mapped_column(JSONB)
    scores: Mapped[type_of_criteria] = mapped_column(JSONB)
    weighted_score: Mapped[Decimal] = mapped_column(Numeric(5, 2))
    threshold: Mapped[int]
    expected_revenue_amount: Mapped[Decimal] = money_column()
    currency: Mapped[str]
    expected_close_date: Mapped[date | None]
    owner_id: Mapped[str]
    submitted_by: Mapped[str]
    submit_time: Mapped[datetime]
    decided_by: Mapped[str] = mapped_column(default="")
    decide_time: Mapped[datetime | None] = mapped_column(default=None)
    decision_comment: Mapped[str] = mapped_column(default="")

    def decide(self, *, passed: bool, by: str, owner_id: str, comment: str, at: datetime) -> None:
        """Decides the round (PRJ-01).

        Args:
            by: the person who decides.
            owner_id: the project's present owner, who may not decide it.

        Raises:
            Conflict: the round is not waiting for a decision, or is below its threshold and was to pass.
            Forbidden: the person owns the project, owned it at submission, or submitted the round.
        """
        self._require_submitted("decide")
        if by in {owner_id, self.owner_id, self.submitted_by}:
            raise Forbidden(
                "SEPARATION_OF_DUTIES",
                "Who owns the project or submitted its scores cannot decide its gate. Ask somebody else to decide.",
                metadata={"duty": "decide_gate"},
            )
        if passed and not reaches(self.weighted_score, self.threshold):
            raise Conflict(
                "GATE_BELOW_THRESHOLD",
                f"The round scores {self.weighted_score} and needs {self.threshold}. Refuse it, or score it again.",
                metadata={"score": str(self.weighted_score), "threshold": str(self.threshold)},
            )
        self.state = pb.GateRoundState.PASSED if passed else pb.GateRoundState.REFUSED
        self.decided_by, self.decide_time, self.decision_comment = by, at, comment

    def supersede(self) -> None:
        """Takes the round out of the race, because what it evaluated is no longer true."""
        self._require_submitted("supersede")
        self.state = pb.GateRoundState.SUPERSEDED

    def _require_submitted(self, verb: str) -> None:
        if self.state is not pb.GateRoundState.SUBMITTED:
            raise Conflict(
                "ILLEGAL_TRANSITION",
                f"Round {self.round} is {self.state.name}; only a submitted round can be decided.",
                metadata={"state": self.state.name, "verb": verb},
            )


def stored(scores: list[Score]) -> type_of_criteria:
    """Scores as a round keeps them."""
    return [{"criterion_key": s.criterion_key, "score": s.score, "evidence": s.evidence} for s in scores]


def _stored_criteria(criteria: list[Criterion]) -> type_of_criteria:
    return [{"key": c.key, "display_name": c.display_name, "weight": c.weight} for c in criteria]


def _criteria(rows: type_of_criteria) -> list[Criterion]:
    return [Criterion(str(row["key"]), str(row["display_name"]), int(row["weight"])) for row in rows]


def _criteria_messages(entity: GateDefinition | GateRound) -> list[pb.GateCriterion]:
    return [
        pb.GateCriterion(key=c.key, display_name=c.display_name, weight=c.weight)
        for c in _criteria(entity.criteria)
    ]


def _score_messages(entity: GateRound) -> list[pb.GateScore]:
    return [
        pb.GateScore(
            criterion_key=str(row["criterion_key"]), score=int(row["score"]), evidence=str(row["evidence"])
        )
        for row in entity.scores
    ]


gate_definition_map = Mapper(GateDefinition, pb.GateDefinition, compute={"criteria": _criteria_messages})
gate_round_map = Mapper(
    GateRound,
    pb.GateRound,
    compute={"criteria": _criteria_messages, "scores": _score_messages},
)
