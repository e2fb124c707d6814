"""An asset of the installed base, what may happen to it, and its summary row."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.service_desk.v1.resources_pb import AssetState
from facet_kit.database.base import Aggregate, CustomFields, Scope, enum_type
from facet_kit.errors import Conflict, Invalid
from facet_kit.summary import AccountSummaryRow
from facet_service_desk.figures import Figures

_FROM_ORDER = text("order_id <> ''")


class Asset(CustomFields, Aggregate):
    """A machine at a customer's place, or a lot of like units."""

    __tablename__ = "assets"
    __scope__ = Scope(owner=None)
    __table_args__ = (
        Index(
            "uq_assets_serial_number",
            "model_code",
            "serial_number",
            unique=True,
            postgresql_where=text("serial_number <> '' AND delete_time IS NULL"),
        ),
        # One delivery makes each of its assets once, however often it is reported.
        Index(
            "uq_assets_delivery",
            "order_id",
            "order_line_id",
            "unit_number",
            unique=True,
            postgresql_where=_FROM_ORDER,
        ),
        Index("ix_assets_create_time", "create_time", "id"),
        Index("ix_assets_customer_id", "customer_id", "create_time", "id"),
        Index("ix_assets_model_code", "model_code", "id"),
        Index("ix_assets_install_date", "install_date", "id"),
        Index("ix_assets_warranty_end_date", "warranty_end_date", "id"),
        Index(
            "ix_assets_warranty_ending",
            "customer_id",
            "warranty_end_date",
            postgresql_where=text("state = 'IN_SERVICE' AND delete_time IS NULL"),
        ),
        CheckConstraint("quantity > 0", name="quantity"),
    )

    customer_id: Mapped[str]
    product_id: Mapped[str] = mapped_column(default="")
    model_code: Mapped[str]
    serial_number: Mapped[str] = mapped_column(default="")
    display_name: Mapped[str] = mapped_column(default="")
    quantity: Mapped[int] = mapped_column(default=1)
    state: Mapped[AssetState] = mapped_column(enum_type(AssetState), default=AssetState.DELIVERED)
    location: Mapped[str] = mapped_column(default="")
    install_date: Mapped[date | None]
    warranty_start_date: Mapped[date | None]
    warranty_end_date: Mapped[date | None]
    order_id: Mapped[str] = mapped_column(default="")
    order_line_id: Mapped[str] = mapped_column(default="")
    unit_number: Mapped[int] = mapped_column(default=0)
    department_id: Mapped[str] = mapped_column(default="", index=True)
    region_id: Mapped[str] = mapped_column(default="", index=True)
    retire_time: Mapped[datetime | None]

    def check(self) -> None:
        """Whether the record is consistent.

        Raises:
            Invalid: the warranty ends before it begins, or a lot carries a serial number.
        """
        if (
            self.warranty_start_date
            and self.warranty_end_date
            and self.warranty_end_date < self.warranty_start_date
        ):
            message = "the warranty cannot end before it starts"
            raise Invalid("WARRANTY", message, field="asset.warranty_end_date")
        if self.serial_number and self.quantity > 1:
            message = "a lot of several units has no single serial number; record the units one by one"
            raise Invalid("LOT_SERIAL_NUMBER", message, field="asset.serial_number")

    def install(self, day: date) -> None:
        """Puts a delivered asset into service; its warranty starts with it unless it had started before.

        Raises:
            Conflict: it is not waiting for installation.
        """
        if self.state is not AssetState.DELIVERED:
            raise self._illegal("install", "only a delivered asset can be installed")
        self.state = AssetState.IN_SERVICE
        self.install_date = day
        self.warranty_start_date = self.warranty_start_date or day

    def retire(self, at: datetime) -> None:
        """Takes the asset out of use for good.

        Raises:
            Conflict: it is retired already.
        """
        if self.state is AssetState.RETIRED:
            raise self._illegal("retire", "it is retired already")
        self.state = AssetState.RETIRED
        self.retire_time = at

    def _illegal(self, verb: str, message: str) -> Conflict:
        return Conflict(
            "ILLEGAL_TRANSITION",
            f"The asset {self.id!r} is {self.state.name}: {message}.",
            metadata={"state": self.state.name, "verb": verb},
        )

    def figures(self) -> Figures:
        """What the asset adds to its account's summary: its units, by state."""
        measures: dict[str, int] = {}
        if self.state is AssetState.IN_SERVICE:
            measures["in_service_count"] = self.quantity
        elif self.state is AssetState.DELIVERED:
            measures["delivered_count"] = self.quantity
        return Figures(self.customer_id, self.department_id, self.region_id, measures)


class AssetSummaryRow(AccountSummaryRow):
    """Units of the installed base by customer, department and region."""

    __tablename__ = "asset_summary"
    in_service_count: Mapped[int] = mapped_column(default=0)
    delivered_count: Mapped[int] = mapped_column(default=0)
