"""Invoices and payments, and what may happen to them."""

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.sales.v1 import events_pb as facts
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.database.base import Aggregate, Scope, enum_column, money_column
from facet_kit.errors import Conflict, Invalid
from facet_kit.mapping import Mapper
from facet_sales.receivables.policy import OPEN_STATES, PAYMENT_TERM
from facet_sales.summary.model import Share
from facet_sales.valuation import Valued

_State = pb.InvoiceState
_STILL_OPEN = text("state IN ('OPEN', 'PARTLY_PAID')")


class Invoice(Valued, Aggregate):
    """An invoice for an order. Its amount never changes; what is open on it does."""

    __tablename__ = "invoices"
    __scope__ = Scope()
    __table_args__ = (
        CheckConstraint("amount_amount > 0", name="amount_positive"),
        CheckConstraint("paid_amount BETWEEN 0 AND amount_amount", name="paid_at_most_invoiced"),
        Index("ix_invoices_create_time", "create_time", "id"),
        Index("ix_invoices_due_date", "due_date", "id"),
        Index("ix_invoices_issue_date", "issue_date", "id"),
        Index("ix_invoices_amount", "amount_amount", "id"),
        Index("ix_invoices_customer", "customer_id", "issue_date"),
        Index("ix_invoices_open", "customer_id", "due_date", postgresql_where=_STILL_OPEN),
        Index("ix_invoices_department_id", "department_id"),
        Index("ix_invoices_region_id", "region_id"),
        Index("ix_invoices_owner_id", "owner_id"),
    )

    invoice_number: Mapped[str] = mapped_column(unique=True)
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    customer_id: Mapped[str]
    department_id: Mapped[str]
    region_id: Mapped[str]
    owner_id: Mapped[str]
    amount_amount: Mapped[Decimal] = money_column()
    paid_amount: Mapped[Decimal] = money_column()
    open_amount: Mapped[Decimal] = money_column()
    issue_date: Mapped[date]
    due_date: Mapped[date]
    state: Mapped[pb.InvoiceState] = enum_column(pb.InvoiceState)
    paid_date: Mapped[date | None]
    void_date: Mapped[date | None]
    void_reason: Mapped[str] = mapped_column(default="")

    def issue(self, due: date | None) -> None:
        """Starts a new invoice; without a due date it gets the usual term. Raises Invalid: due before issued."""
        self.paid_amount = Decimal(0)
        self.open_amount = self.amount_amount
        self.state = _State.OPEN
        self._set_due(due or self.issue_date + PAYMENT_TERM)
        self.record(lambda: facts.InvoiceIssued(invoice=invoice_map.to_message(self)))

    def postpone(self, due: date) -> None:
        """Changes the due date. Raises Conflict when the invoice is paid or void, Invalid: due before issued."""
        self._require_open("update")
        self._set_due(due)
        self.record(lambda: facts.InvoiceUpdated(invoice=invoice_map.to_message(self)))

    def pay(self, amount: Decimal, currency: str, day: date) -> None:
        """Counts a payment.

        Raises:
            Conflict: the invoice is paid or void.
            Invalid: nothing, more than is open, another currency, or paid before it was issued.
        """
        self._require_open("pay")
        if currency != self.currency:
            raise Invalid(
                "CURRENCY_DIFFERS",
                f"must be the invoice's currency, {self.currency}",
                field="payment.amount.currency",
            )
        if not 0 < amount <= self.open_amount:
            message = f"record more than 0 and at most the {self.open_amount:f} {self.currency} that are open"
            raise Invalid("OVERPAYMENT", message, field="payment.amount")
        if day < self.issue_date:
            message = f"the invoice was issued on {self.issue_date.isoformat()}; it cannot be paid before"
            raise Invalid("PAID_BEFORE_ISSUED", message, field="payment.payment_date")
        self.paid_amount += amount
        self.open_amount = self.amount_amount - self.paid_amount
        if self.open_amount:
            self.state = _State.PARTLY_PAID
            return
        self.state = _State.PAID
        self.paid_date = day
        self.record(lambda: facts.InvoicePaid(invoice=invoice_map.to_message(self)))

    def void(self, reason: str, day: date) -> None:
        """Withdraws the invoice. Raises Conflict once something is paid, Invalid: void before issued."""
        if self.state is not _State.OPEN:
            raise Conflict(
                "ILLEGAL_TRANSITION",
                f"The invoice is {self.state.name}; void needs OPEN, with nothing paid.",
                metadata={"state": self.state.name, "verb": "void"},
            )
        if day < self.issue_date:
            raise Invalid("VOID_BEFORE_ISSUED", "lies before the issue date", field="void_date")
        self.state = _State.VOID
        self.void_date = day
        self.void_reason = reason
        self.open_amount = Decimal(0)
        self.record(lambda: facts.InvoiceVoided(invoice=invoice_map.to_message(self)))

    def share(self) -> Share:
        """What the invoice contributes to its account's summary."""
        measures: dict[str, int | Decimal] = {}
        if self.state in OPEN_STATES:
            measures = {"open_invoices": 1, "open_invoice_amount": self.reporting(self.open_amount)}
        return Share(self.customer_id, self.department_id, self.region_id, measures)

    def _set_due(self, due: date) -> None:
        if due < self.issue_date:
            raise Invalid("DUE_BEFORE_ISSUED", "lies before the issue date", field="invoice.due_date")
        self.due_date = due

    def _require_open(self, verb: str) -> None:
        if self.state not in OPEN_STATES:
            raise Conflict(
                "ILLEGAL_TRANSITION",
                f"The invoice is {self.state.name}; {verb} needs OPEN or PARTLY_PAID.",
                metadata={"state": self.state.name, "verb": verb},
            )


class Payment(Aggregate):
    """Money received for an invoice. Never changes once recorded, and is seen by whoever sees the invoice."""

    __tablename__ = "payments"
    __scope__ = Scope()
    __table_args__ = (
        CheckConstraint("amount_amount > 0", name="amount_positive"),
        Index("ix_payments_create_time", "create_time", "id"),
        Index("ix_payments_payment_date", "payment_date", "id"),
        Index("ix_payments_amount", "amount_amount", "id"),
        Index("ix_payments_customer", "customer_id", "payment_date"),
        Index("ix_payments_invoice", "invoice_id", "payment_date"),
        Index("ix_payments_department_id", "department_id"),
        Index("ix_payments_region_id", "region_id"),
        Index("ix_payments_owner_id", "owner_id"),
    )

    invoice_id: Mapped[str] = mapped_column(ForeignKey("invoices.id"))
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id"), index=True)
    customer_id: Mapped[str]
    department_id: Mapped[str]
    region_id: Mapped[str]
    owner_id: Mapped[str]
    amount_amount: Mapped[Decimal] = money_column()
    currency: Mapped[str]
    payment_date: Mapped[date]
    reference: Mapped[str] = mapped_column(default="")

    def received(self, invoice: Invoice) -> None:
        """Records that the money arrived for the invoice."""
        self.record(
            lambda: facts.PaymentReceived(
                payment=payment_map.to_message(self),
                invoice=invoice_map.to_message(invoice),
                customer_id=self.customer_id,
                department_id=self.department_id,
                region_id=self.region_id,
            )
        )


invoice_map = Mapper(Invoice, pb.Invoice)
payment_map = Mapper(Payment, pb.Payment)
