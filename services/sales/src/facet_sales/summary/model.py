"""The rows from which the account sections are answered, and the share that one record has in them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from sqlalchemy.orm import Mapped, mapped_column

from facet_kit.database.base import Base, Scope, money_column
from facet_kit.summary import AccountSummaryRow


class SalesSummary(AccountSummaryRow):
    """Present state of a customer's sales in one department and region; amounts in the reporting currency."""

    __tablename__ = "sales_summary"

    open_opportunities: Mapped[int] = mapped_column(default=0)
    open_opportunity_amount: Mapped[Decimal] = money_column()
    weighted_amount: Mapped[Decimal] = money_column()
    won_opportunities: Mapped[int] = mapped_column(default=0)
    lost_opportunities: Mapped[int] = mapped_column(default=0)
    open_orders: Mapped[int] = mapped_column(default=0)
    open_order_amount: Mapped[Decimal] = money_column()
    settled_orders: Mapped[int] = mapped_column(default=0)
    undelivered_orders: Mapped[int] = mapped_column(default=0)
    undelivered_amount: Mapped[Decimal] = money_column()
    active_contracts: Mapped[int] = mapped_column(default=0)
    active_contract_amount: Mapped[Decimal] = money_column()
    open_invoices: Mapped[int] = mapped_column(default=0)
    open_invoice_amount: Mapped[Decimal] = money_column()


class SalesYear(Base):
    """What a customer was invoiced, sent and paid in one calendar year, by the dates of the papers."""

    __tablename__ = "sales_year"
    __scope__ = Scope(owner=None)

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    department_id: Mapped[str] = mapped_column(primary_key=True)
    region_id: Mapped[str] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    invoiced_amount: Mapped[Decimal] = money_column()
    shipped_amount: Mapped[Decimal] = money_column()
    paid_amount: Mapped[Decimal] = money_column()
    last_payment_date: Mapped[date | None]


@dataclass(frozen=True, slots=True)
class Share:
    """What one record contributes to a summary row: whose row, and how much of each measure of `SalesSummary`."""

    customer_id: str
    department_id: str
    region_id: str
    measures: Mapping[str, int | Decimal] = field(default_factory=dict[str, "int | Decimal"])

    @property
    def key(self) -> tuple[str, str, str]:
        """Which row the share belongs to."""
        return self.customer_id, self.department_id, self.region_id


def difference(before: Share, after: Share) -> list[Share]:
    """What to add to the rows when a record's share changes from `before` to `after`; nothing where nothing changed."""
    if before.key != after.key:
        gone = Share(*before.key, {name: -value for name, value in before.measures.items()})
        return [moved for moved in (gone, after) if any(moved.measures.values())]
    names = before.measures.keys() | after.measures.keys()
    deltas = {name: after.measures.get(name, 0) - before.measures.get(name, 0) for name in sorted(names)}
    changed = {name: value for name, value in deltas.items() if value}
    return [Share(*after.key, changed)] if changed else []
