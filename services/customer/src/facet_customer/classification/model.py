"""Dimensions, their trees of nodes, and which customer belongs to which node when (CUS-03)."""

from collections.abc import Collection

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.customer.v1 import events_pb as events
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_customer.intervals import Interval
from facet_customer.trees import TreeNode
from facet_kit.database.base import Aggregate, Base
from facet_kit.errors import Invalid
from facet_kit.mapping import Mapper


class ClassificationDimension(Aggregate):
    """A way to divide customers; holds one tree of nodes."""

    __tablename__ = "classification_dimensions"
    __scope__ = None
    __table_args__ = (
        Index(
            "uq_classification_dimensions_code",
            "code",
            unique=True,
            postgresql_where=text("delete_time IS NULL"),
        ),
    )

    code: Mapped[str]
    display_name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")

    def check(self) -> None:
        """Raises Invalid, naming the fields, unless code and name are there."""
        _require(self, "dimension")

    def created(self) -> None:
        """Announces the new dimension."""
        self.record(lambda: events.ClassificationDimensionCreated(dimension=dimension_map.to_message(self)))

    def updated(self, changed: Collection[str]) -> None:
        """Announces changed fields."""
        names = sorted(changed)
        self.record(
            lambda: events.ClassificationDimensionUpdated(
                dimension=dimension_map.to_message(self), changed=names
            )
        )

    def deleted(self) -> None:
        """Announces the end of the dimension."""
        self.record(lambda: events.ClassificationDimensionDeleted(dimension=dimension_map.to_message(self)))


class ClassificationNode(TreeNode, Aggregate):
    """A node of a dimension's tree."""

    __tablename__ = "classification_nodes"
    __scope__ = None
    __table_args__ = (
        Index(
            "uq_classification_nodes_dimension_id_code",
            "dimension_id",
            "code",
            unique=True,
            postgresql_where=text("delete_time IS NULL"),
        ),
        Index("ix_classification_nodes_ancestor_ids", "ancestor_ids", postgresql_using="gin"),
        Index("ix_classification_nodes_code_id", "code", "id"),
    )

    dimension_id: Mapped[str] = mapped_column(ForeignKey("classification_dimensions.id"))
    code: Mapped[str]
    display_name: Mapped[str]

    def check(self) -> None:
        """Raises Invalid, naming the fields, unless code and name are there."""
        _require(self, "node")

    def created(self) -> None:
        """Announces the new node."""
        self.record(lambda: events.ClassificationNodeCreated(node=node_map.to_message(self)))

    def updated(self, changed: Collection[str]) -> None:
        """Announces changed fields."""
        names = sorted(changed)
        self.record(lambda: events.ClassificationNodeUpdated(node=node_map.to_message(self), changed=names))

    def moved(self, previous: list[str]) -> None:
        """Announces another place in the tree; `previous` is the path before."""
        self.record(
            lambda: events.ClassificationNodeMoved(
                node=node_map.to_message(self), previous_ancestor_ids=previous
            )
        )

    def deleted(self) -> None:
        """Announces the end of the node."""
        self.record(lambda: events.ClassificationNodeDeleted(node=node_map.to_message(self)))


class CustomerClassification(Interval, Base):
    """That a customer belongs to a node for some days. Read through its customer, whose scope it has."""

    __tablename__ = "customer_classifications"
    __scope__ = None
    __table_args__ = (
        Index("ix_customer_classifications_customer_id_valid_from", "customer_id", "valid_from", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"))
    node_id: Mapped[str] = mapped_column(ForeignKey("classification_nodes.id"), index=True)
    dimension_id: Mapped[str] = mapped_column(ForeignKey("classification_dimensions.id"))
    primary: Mapped[bool] = mapped_column(default=False)


def _require(entity: ClassificationDimension | ClassificationNode, field: str) -> None:
    needed = ("code", "display_name")
    missing = [(f"{field}.{name}", "must not be empty") for name in needed if not getattr(entity, name)]
    if missing:
        raise Invalid.many(missing, reason="FIELD_MISSING")


dimension_map = Mapper(ClassificationDimension, pb.ClassificationDimension)
node_map = Mapper(ClassificationNode, pb.ClassificationNode)
classification_map = Mapper(CustomerClassification, pb.CustomerClassification)
