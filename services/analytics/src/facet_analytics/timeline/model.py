"""The table of timeline entries. An entry is written once, by the event that told it."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.analytics.v1 import resources_pb as pb
from facet_kit.database.base import Base, Scope
from facet_kit.mapping import Mapper


class TimelineRow(Base):
    """Something noteworthy that happened with a customer."""

    __tablename__ = "timeline_entries"
    __table_args__ = (Index("ix_timeline_entries_customer_id", "customer_id", "time"),)
    __scope__: ClassVar[Scope | None] = Scope(owner=None)

    id: Mapped[str] = mapped_column(primary_key=True)
    """The event's id with the customer's: a move concerns two of them."""
    time: Mapped[datetime]
    service: Mapped[str]
    event: Mapped[str]
    title: Mapped[str]
    resource_id: Mapped[str]
    customer_id: Mapped[str]
    department_id: Mapped[str] = mapped_column(default="")
    region_id: Mapped[str] = mapped_column(default="")
    customer_visible: Mapped[bool] = mapped_column(default=False)


timeline_map = Mapper(TimelineRow, pb.TimelineEntry)
