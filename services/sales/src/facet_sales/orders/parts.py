"""What an order consists of: lines, shipments, holders of duties and the decision log. The rules are in model.py."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.database.base import Base, enum_column, money_column

_QUANTITY = Numeric(14, 4)


class OrderLine(Base):
    """One line of an order. Model code and name are the product's when the line was written."""

    __tablename__ = "order_lines"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("shipped_quantity BETWEEN 0 AND quantity", name="shipped_at_most_ordered"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    position: Mapped[int]
    product_id: Mapped[str] = mapped_column(ForeignKey("products.id"), index=True)
    model_code: Mapped[str]
    product_name: Mapped[str]
    quantity: Mapped[Decimal] = mapped_column(_QUANTITY)
    unit_price_amount: Mapped[Decimal] = money_column()
    discount_percent: Mapped[Decimal] = mapped_column(Numeric(7, 4))
    line_total_amount: Mapped[Decimal] = money_column()
    currency: Mapped[str]
    shipped_quantity: Mapped[Decimal] = mapped_column(_QUANTITY)
    serviceable: Mapped[bool]

    @property
    def open_quantity(self) -> Decimal:
        """Units still to be shipped."""
        return self.quantity - self.shipped_quantity


class ShipmentLine(Base):
    """The part of an order line that left with a shipment."""

    __tablename__ = "shipment_lines"
    __table_args__ = (CheckConstraint("quantity > 0", name="quantity_positive"),)

    shipment_id: Mapped[str] = mapped_column(ForeignKey("shipments.id"), primary_key=True)
    order_line_id: Mapped[str] = mapped_column(ForeignKey("order_lines.id"), primary_key=True, index=True)
    quantity: Mapped[Decimal] = mapped_column(_QUANTITY)


class Shipment(Base):
    """Goods that left together."""

    __tablename__ = "shipments"

    id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    ship_date: Mapped[date]
    carrier: Mapped[str] = mapped_column(default="")
    tracking_number: Mapped[str] = mapped_column(default="")
    lines: Mapped[list[ShipmentLine]] = relationship(lazy="selectin", cascade="all, delete-orphan")


class OrderDutyHolder(Base):
    """In which duty a person has acted on an order. One row a person and order: the database allows no second duty."""

    __tablename__ = "order_duty_holders"
    __table_args__ = (UniqueConstraint("order_id", "person_id", "duty"),)

    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), primary_key=True)
    person_id: Mapped[str] = mapped_column(primary_key=True)
    duty: Mapped[pb.OrderDuty] = enum_column(pb.OrderDuty)


class OrderDecision(Base):
    """One entry of the decision log. A trigger keeps entries as they are; the key binds each to a held duty."""

    __tablename__ = "order_decisions"
    __table_args__ = (
        ForeignKeyConstraint(
            ["order_id", "person_id", "duty"],
            ["order_duty_holders.order_id", "order_duty_holders.person_id", "order_duty_holders.duty"],
        ),
        Index("ix_order_decisions_order_id", "order_id", "decide_time", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    order_id: Mapped[str]
    round: Mapped[int]
    duty: Mapped[pb.OrderDuty] = enum_column(pb.OrderDuty)
    decision: Mapped[pb.OrderDecisionKind] = enum_column(pb.OrderDecisionKind)
    person_id: Mapped[str]
    principal_id: Mapped[str]
    decide_time: Mapped[datetime]
    reason: Mapped[str]
    amount_amount: Mapped[Decimal] = money_column()
    currency: Mapped[str]
    policy_version: Mapped[str]
