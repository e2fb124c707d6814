"""The points ledger and its balances."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.marketing.v1.resources_pb import PointsEntryKind
from facet_kit.database.base import Base, Scope, enum_type


class PointsEntry(Base):
    """One line of the ledger. The database refuses to change or delete it."""

    __tablename__ = "points_entries"
    __scope__ = Scope(owner=None)
    __table_args__ = (
        UniqueConstraint("customer_id", "reference", name="uq_points_entries_reference"),
        Index(
            "uq_points_entries_reversal",
            "reverses_entry_id",
            unique=True,
            postgresql_where=text("reverses_entry_id <> ''"),
        ),
        Index("ix_points_entries_create_time", "create_time", "id"),
        Index("ix_points_entries_customer_id", "customer_id", "create_time", "id"),
        CheckConstraint("points <> 0", name="points"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str]
    kind: Mapped[PointsEntryKind] = mapped_column(enum_type(PointsEntryKind))
    points: Mapped[int] = mapped_column(BigInteger)
    """Signed: what the entry adds to the balance."""
    reference: Mapped[str]
    reason: Mapped[str] = mapped_column(default="")
    reverses_entry_id: Mapped[str] = mapped_column(default="")
    balance_after: Mapped[int] = mapped_column(BigInteger)
    actor_id: Mapped[str]
    department_id: Mapped[str] = mapped_column(default="", index=True)
    region_id: Mapped[str] = mapped_column(default="", index=True)
    create_time: Mapped[datetime]


class PointsAccount(Base):
    """A customer's balance, kept in step with the ledger; its row lock puts the customer's entries in one line."""

    __tablename__ = "points_accounts"
    __scope__ = Scope(owner=None)
    __table_args__ = (
        Index("ix_points_accounts_update_time", "update_time", "customer_id"),
        Index("ix_points_accounts_balance", "balance", "customer_id"),
        CheckConstraint("balance = earned - burned", name="balance"),
    )

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    balance: Mapped[int] = mapped_column(BigInteger, default=0)
    earned: Mapped[int] = mapped_column(BigInteger, default=0)
    burned: Mapped[int] = mapped_column(BigInteger, default=0)
    event_seq: Mapped[int] = mapped_column(default=0)
    department_id: Mapped[str] = mapped_column(default="", index=True)
    region_id: Mapped[str] = mapped_column(default="", index=True)
    update_time: Mapped[datetime]
