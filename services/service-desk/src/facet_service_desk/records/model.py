"""A piece of service rendered."""

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.service_desk.v1.resources_pb import ServiceRecordKind
from facet_kit.database.base import Aggregate, Scope, enum_type
from facet_kit.errors import Invalid


class ServiceRecord(Aggregate):
    """Who did what, when, on which asset or ticket. There are very many: every list has its index."""

    __tablename__ = "service_records"
    __scope__ = Scope(owner="engineer_id")
    __table_args__ = (
        Index("ix_service_records_start_time", "start_time", "id"),
        Index("ix_service_records_create_time", "create_time", "id"),
        Index("ix_service_records_customer_id", "customer_id", "start_time", "id"),
        Index("ix_service_records_asset_id", "asset_id", "start_time", "id"),
        Index("ix_service_records_engineer_id", "engineer_id", "start_time", "id"),
        Index("ix_service_records_ticket_id", "ticket_id", "start_time", "id"),
        Index("ix_service_records_department_id", "department_id", "start_time", "id"),
        Index("ix_service_records_region_id", "region_id", "start_time", "id"),
    )

    customer_id: Mapped[str]
    ticket_id: Mapped[str] = mapped_column(default="")
    asset_id: Mapped[str] = mapped_column(default="")
    kind: Mapped[ServiceRecordKind] = mapped_column(enum_type(ServiceRecordKind))
    engineer_id: Mapped[str]
    start_time: Mapped[datetime]
    end_time: Mapped[datetime | None]
    work_done: Mapped[str] = mapped_column(default="")
    department_id: Mapped[str] = mapped_column(default="")
    region_id: Mapped[str] = mapped_column(default="")

    def check(self) -> None:
        """Raises Invalid when the work ends before it begins."""
        if self.end_time is not None and self.end_time < self.start_time:
            message = "the work cannot end before it starts"
            raise Invalid("SERVICE_TIME", message, field="service_record.end_time")
