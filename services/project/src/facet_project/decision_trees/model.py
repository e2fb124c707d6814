"""Decision trees, their nodes, the history of both, and a small replica of the contacts who sit in them.

Row scope is the project's: its columns are copied to trees and nodes, so that who sees a project sees its whole tree.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.project.v1 import events_pb as events
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_contracts.facet.project.v1.resources_pb import NodeKind, Stance
from facet_kit.database.base import Aggregate, Base, Scope, enum_column
from facet_kit.errors import Conflict, Invalid
from facet_kit.mapping import Mapper
from facet_project.decision_trees.policy import STANCE_VALUES, Figures, Kind, Seat

DEFAULT_REQUIRED_ROLES = ("BUYER", "DECIDER", "USER")
SEAT_FIELDS = ("contact_name", "contact_title", "roles", "decision_scope", "influence_weight", "owner_id")
HOLDER_FIELDS = ("stance", "relationship_strength", "next_contact_date", "contact_name", "contact_title")


class DecisionTree(Aggregate):
    """The tree of one project: its revision, the roles it needs, and the figures it came to at its last change."""

    __tablename__ = "decision_trees"
    __table_args__ = (
        Index("uq_decision_trees_project_id", "project_id", unique=True),
        Index("ix_decision_trees_customer_id", "customer_id"),
        Index("ix_decision_trees_owner_id", "project_owner_id"),
    )
    __scope__: ClassVar[Scope | None] = Scope(owner="project_owner_id")

    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"))
    customer_id: Mapped[str]
    department_id: Mapped[str] = mapped_column(default="")
    region_id: Mapped[str] = mapped_column(default="")
    project_owner_id: Mapped[str] = mapped_column(default="")
    revision: Mapped[int] = mapped_column(default=0)
    required_roles: Mapped[list[str]] = mapped_column(default=lambda: list(DEFAULT_REQUIRED_ROLES))
    coverage_percent: Mapped[Decimal] = mapped_column(Numeric(5, 2), default=Decimal(0))
    weighted_support: Mapped[Decimal] = mapped_column(Numeric(5, 4), default=Decimal(0))
    single_thread_risk: Mapped[bool] = mapped_column(default=False)
    seat_count: Mapped[int] = mapped_column(default=0)
    vacant_count: Mapped[int] = mapped_column(default=0)
    blocker_count: Mapped[int] = mapped_column(default=0)
    missing_role_count: Mapped[int] = mapped_column(default=0)

    def take_over(self, figures: Figures) -> None:
        """Keeps what lists and summaries show of the tree."""
        self.coverage_percent = figures.coverage_percent
        self.weighted_support = figures.weighted_support
        self.single_thread_risk = figures.single_thread_risk
        self.seat_count = figures.seat_count
        self.vacant_count = len(figures.vacant)
        self.blocker_count = len(figures.blockers)
        self.missing_role_count = len(figures.missing_roles)


class DecisionNode(Aggregate):
    """A unit, a department or a seat."""

    __tablename__ = "decision_nodes"
    __table_args__ = (
        CheckConstraint("influence_weight BETWEEN 0 AND 100", name="influence_weight"),
        CheckConstraint("relationship_strength BETWEEN 0 AND 5", name="relationship_strength"),
        Index("ix_decision_nodes_project_id", "project_id"),
        Index("ix_decision_nodes_parent_id", "parent_id"),
        Index("ix_decision_nodes_contact_id", "contact_id", postgresql_where=text("contact_id <> ''")),
        Index("ix_decision_nodes_customer_id", "customer_id", "influence_weight"),
        Index("ix_decision_nodes_project_owner_id", "project_owner_id"),
        Index("ix_decision_nodes_owner_id", "owner_id"),
        Index("ix_decision_nodes_create_time", "create_time", "id"),
        Index("ix_decision_nodes_next_contact_date", "next_contact_date", "id"),
        Index("ix_decision_nodes_influence_weight", "influence_weight", "id"),
    )
    __scope__: ClassVar[Scope | None] = Scope(owner="project_owner_id")

    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"))
    customer_id: Mapped[str]
    department_id: Mapped[str] = mapped_column(default="")
    region_id: Mapped[str] = mapped_column(default="")
    project_owner_id: Mapped[str] = mapped_column(default="")
    parent_id: Mapped[str] = mapped_column(default="")
    kind: Mapped[NodeKind] = enum_column(NodeKind)
    display_name: Mapped[str]
    position: Mapped[int] = mapped_column(default=0)
    organization_id: Mapped[str] = mapped_column(default="")
    contact_id: Mapped[str] = mapped_column(default="")
    contact_name: Mapped[str] = mapped_column(default="")
    contact_title: Mapped[str] = mapped_column(default="")
    roles: Mapped[list[str]] = mapped_column(default=list)
    decision_scope: Mapped[str] = mapped_column(default="")
    influence_weight: Mapped[int] = mapped_column(default=0)
    stance: Mapped[Stance] = enum_column(Stance, default=Stance.UNKNOWN)
    relationship_strength: Mapped[int] = mapped_column(default=0)
    owner_id: Mapped[str] = mapped_column(default="")
    next_contact_date: Mapped[date | None] = mapped_column(default=None)
    vacant: Mapped[bool] = mapped_column(default=False)
    former_contact_id: Mapped[str] = mapped_column(default="")
    vacant_since: Mapped[date | None] = mapped_column(default=None)

    @property
    def level(self) -> Kind:
        """What the node stands for, as the policy names it."""
        return Kind(self.kind.name)

    @property
    def is_seat(self) -> bool:
        """A person's place."""
        return self.kind is NodeKind.SEAT

    def settle(self, today: date) -> None:
        """Checks and completes a new or changed node.

        Raises:
            Invalid: seat fields on a unit or department, an organisation on another node than a unit, or knowledge of a
                holder on a vacant seat.
        """
        if self.kind is not NodeKind.UNIT and self.organization_id:
            raise Invalid(
                "NOT_A_UNIT", "only a unit is an organisation", field="decision_node.organization_id"
            )
        if not self.is_seat:
            self._refuse_filled((*SEAT_FIELDS, *HOLDER_FIELDS, "contact_id"), "only a seat has this")
            self.vacant = False
            return
        if self.stance is Stance.UNSPECIFIED:
            self.stance = Stance.UNKNOWN
        if not self.contact_id:
            self._refuse_filled(HOLDER_FIELDS, "nobody holds the seat; fill it first")
            self.vacant_since = self.vacant_since or today
        self.vacant = not self.contact_id

    def _refuse_filled(self, names: tuple[str, ...], message: str) -> None:
        neutral: tuple[object, ...] = ("", [], 0, None, Stance.UNKNOWN, Stance.UNSPECIFIED)
        wrong = [name for name in dict.fromkeys(names) if getattr(self, name) not in neutral]
        if wrong:
            raise Invalid.many(
                [(f"decision_node.{name}", message) for name in wrong], reason="NOT_A_FILLED_SEAT"
            )

    def fill(
        self, contact_id: str, *, name: str, title: str, stance: Stance, strength: int, project: str
    ) -> None:
        """Puts a contact on the seat; roles and influence belong to the seat and stay.

        Raises:
            Conflict: it is no seat, or the contact holds it already.
        """
        self._require_seat()
        if self.contact_id == contact_id:
            raise Conflict(
                "SEAT_TAKEN", "This contact holds the seat already.", metadata={"contact_id": contact_id}
            )
        self.former_contact_id = self.contact_id or self.former_contact_id
        self.contact_id, self.contact_name, self.contact_title = contact_id, name, title
        self.stance = stance or Stance.UNKNOWN
        self.relationship_strength = strength
        self.next_contact_date = None
        self.vacant, self.vacant_since = False, None
        self.record(lambda: events.SeatFilled(seat=node_map.to_message(self), project_display_name=project))

    def vacate(self, since: date, reason: events.VacancyReason, *, project: str) -> None:
        """Leaves the seat without a holder. What was known of the holder goes; role, scope and influence stay.

        Raises:
            Conflict: it is no seat, or vacant already.
        """
        self._require_seat()
        if self.vacant:
            raise Conflict(
                "SEAT_VACANT", "Nobody holds the seat.", metadata={"vacant_since": str(self.vacant_since)}
            )
        self.former_contact_id, self.contact_id = self.contact_id, ""
        self.contact_name = self.contact_title = ""
        self.stance, self.relationship_strength, self.next_contact_date = Stance.UNKNOWN, 0, None
        self.vacant, self.vacant_since = True, since
        self.record(
            lambda: events.SeatVacated(
                seat=node_map.to_message(self), reason=reason, project_display_name=project
            )
        )

    def _require_seat(self) -> None:
        if not self.is_seat:
            raise Conflict(
                "NOT_A_SEAT", f"The node is a {self.kind.name.lower()}; only seats are filled and vacated."
            )


class DecisionTreeRevision(Base):
    """A node, or the tree's required roles, as it stood from one revision to the next. Written once, closed once."""

    __tablename__ = "decision_tree_history"
    __table_args__ = (
        Index("ix_decision_tree_history_tree", "project_id", "revision_from"),
        Index(
            "ix_decision_tree_history_open",
            "project_id",
            "node_id",
            postgresql_where=text("valid_to IS NULL"),
        ),
    )
    __scope__: ClassVar[Scope | None] = None  # read through its project only

    id: Mapped[str] = mapped_column(primary_key=True)
    project_id: Mapped[str] = mapped_column(ForeignKey("projects.id"))
    node_id: Mapped[str]
    """The node; empty for the tree's own fields."""
    revision_from: Mapped[int]
    revision_to: Mapped[int | None] = mapped_column(default=None)
    """First revision in which it was different; None while it stands."""
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None] = mapped_column(default=None)
    content: Mapped[dict[str, object]] = mapped_column(JSONB)
    """The contract's message in its JSON form."""


class ContactRef(Base):
    """Name and title of a contact, so that seats show them without asking the customer service."""

    __tablename__ = "contact_refs"
    __scope__: ClassVar[Scope | None] = None  # shown only as part of seats

    contact_id: Mapped[str] = mapped_column(primary_key=True)
    display_name: Mapped[str]
    title: Mapped[str] = mapped_column(default="")


def _role_values(entity: DecisionNode) -> list[pb.BuyingRole]:
    return [pb.BuyingRole[name] for name in entity.roles]


def _required_role_values(entity: DecisionTree) -> list[pb.BuyingRole]:
    return [pb.BuyingRole[name] for name in entity.required_roles]


def _stance_value(entity: DecisionNode) -> float:
    return 0.0 if entity.vacant or not entity.is_seat else float(STANCE_VALUES[entity.stance.name])


def _left_to_the_caller(_entity: DecisionTree) -> None:
    return None


node_map = Mapper(
    DecisionNode,
    pb.DecisionNode,
    compute={"roles": _role_values, "stance_value": _stance_value},
)
tree_map = Mapper(
    DecisionTree,
    pb.DecisionTree,
    compute={
        "required_roles": _required_role_values,
        "nodes": _left_to_the_caller,
        "figures": _left_to_the_caller,
        "as_of": _left_to_the_caller,
    },
)


def role_names(roles: list[pb.BuyingRole]) -> list[str]:
    """Roles as rows keep them."""
    return [pb.BuyingRole(role).name for role in roles]


def as_seat(node: pb.DecisionNode) -> Seat:
    """A seat of the contract as the policy reads it; present and past trees are weighed by the same words."""
    return Seat(
        id=node.id,
        vacant=node.vacant,
        roles=frozenset(pb.BuyingRole(role).name for role in node.roles),
        influence=node.influence_weight,
        stance=Stance(node.stance or Stance.UNKNOWN).name,
        strength=node.relationship_strength,
        owner_id=node.owner_id,
        next_contact_date=date.fromisoformat(node.next_contact_date) if node.next_contact_date else None,
    )


def seats_of(nodes: Iterable[pb.DecisionNode]) -> list[Seat]:
    """The seats among nodes."""
    return [as_seat(node) for node in nodes if node.kind == NodeKind.SEAT]


def figures_message(found: Figures) -> pb.DecisionTreeFigures:
    """The contract's form of the figures."""
    return pb.DecisionTreeFigures(
        coverage_percent=float(found.coverage_percent),
        weighted_support=float(found.weighted_support),
        single_thread_share=float(found.single_thread_share),
        single_thread_owner_id=found.single_thread_owner_id,
        single_thread_risk=found.single_thread_risk,
        blocker_node_ids=list(found.blockers),
        vacant_node_ids=list(found.vacant),
        missing_roles=[pb.BuyingRole[name] for name in found.missing_roles],
        overdue_contact_node_ids=list(found.overdue_contacts),
        seat_count=found.seat_count,
        filled_seat_count=found.filled_seat_count,
        unknown_stance_count=found.unknown_stance_count,
    )
