"""The table of facts. A fact is written once, by the event that told it, and never changed."""

from datetime import date
from decimal import Decimal
from typing import ClassVar

from sqlalchemy import BigInteger, Identity, Index
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.analytics.v1 import resources_pb as pb
from facet_contracts.facet.analytics.v1.resources_pb import FactKind
from facet_contracts.facet.type.v1.money_pb import Money
from facet_kit.database.base import Base, Scope, enum_column, money_column
from facet_kit.mapping import Mapper
from facet_kit.money import to_money


class Fact(Base):
    """Something countable that an event told. Sums over facts depend on no order of arrival."""

    __tablename__ = "facts"
    __table_args__ = (
        Index("ix_facts_customer_id", "customer_id", "month", "kind"),
        Index("ix_facts_kind", "kind", "month"),
        Index("ix_facts_fact_date", "fact_date", "id"),
        Index("ix_facts_seq", "seq"),
    )
    __scope__: ClassVar[Scope | None] = Scope(owner=None)

    id: Mapped[str] = mapped_column(primary_key=True)
    """The event's id with the kind, so that no event is ever counted twice."""
    seq: Mapped[int] = mapped_column(BigInteger, Identity())
    """Order of arrival: tells that something came, nothing else."""
    event_id: Mapped[str]
    kind: Mapped[FactKind] = enum_column(FactKind)
    customer_id: Mapped[str]
    department_id: Mapped[str] = mapped_column(default="")
    region_id: Mapped[str] = mapped_column(default="")
    fact_date: Mapped[date]
    month: Mapped[date]
    """First day of the fact's month."""
    count: Mapped[int] = mapped_column(default=0)
    amount: Mapped[Decimal] = money_column()
    currency: Mapped[str] = mapped_column(default="")
    reporting_amount: Mapped[Decimal] = money_column()
    reporting_currency: Mapped[str] = mapped_column(default="")
    source: Mapped[str]
    resource_id: Mapped[str]


def _amount(fact: Fact) -> Money | None:
    return to_money(fact.amount, fact.currency) if fact.currency else None


def _reporting_amount(fact: Fact) -> Money | None:
    return to_money(fact.reporting_amount, fact.reporting_currency) if fact.currency else None


fact_map = Mapper(Fact, pb.Fact, compute={"amount": _amount, "reporting_amount": _reporting_amount})
