"""The order and its rules: the state machine, and three duties that no person ever holds two of."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from facet_contracts.facet.sales.v1 import events_pb as facts
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.database.base import Aggregate, CustomFields, Scope, enum_column, money_column
from facet_kit.errors import Conflict, Invalid
from facet_kit.mapping import Mapper
from facet_sales.orders.parts import (
    OrderDecision,
    OrderDutyHolder,
    OrderLine,
    Shipment,
    ShipmentLine,
)
from facet_sales.orders.policy import (
    OPEN_STATES,
    POLICY_VERSION,
    UNDELIVERED_STATES,
    order_total,
    require_duty,
    require_state,
    reviewing_duty,
    shipped_value,
)
from facet_sales.summary.model import Share
from facet_sales.valuation import AMOUNT_LIMIT, Valued

_State = pb.OrderState
_Duty = pb.OrderDuty
_Decided = pb.OrderDecisionKind


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts on an order, and when: the person behind the call, and the principal that calls for it."""

    person_id: str
    principal_id: str
    at: datetime


class Order(Valued, CustomFields, Aggregate):
    """An order. Lines, shipments and duty holders are loaded with it where a use case needs them."""

    __tablename__ = "orders"
    __scope__ = Scope(channel="channel_id")
    __table_args__ = (
        CheckConstraint("submitted_by <> approved_by", name="submitter_is_not_approver"),
        CheckConstraint("submitted_by <> finance_approved_by", name="submitter_is_not_finance_approver"),
        CheckConstraint("approved_by <> finance_approved_by", name="approver_is_not_finance_approver"),
        CheckConstraint("invoiced_amount BETWEEN 0 AND total_amount", name="invoiced_at_most_total"),
        CheckConstraint("paid_amount BETWEEN 0 AND invoiced_amount", name="paid_at_most_invoiced"),
        Index("ix_orders_create_time", "create_time", "id"),
        Index("ix_orders_total", "total_amount", "id"),
        Index("ix_orders_required_ship_date", "required_ship_date", "id"),
        Index("ix_orders_customer", "customer_id", "create_time"),
        Index("ix_orders_state", "state", "create_time"),
        Index("ix_orders_department_id", "department_id"),
        Index("ix_orders_region_id", "region_id"),
        Index("ix_orders_owner_id", "owner_id"),
        Index("ix_orders_channel_id", "channel_id"),
        Index("ix_orders_finance_approve_time", "finance_approve_time"),
    )

    order_number: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[str]
    department_id: Mapped[str]
    region_id: Mapped[str]
    owner_id: Mapped[str]
    channel_id: Mapped[str | None]
    opportunity_id: Mapped[str | None] = mapped_column(ForeignKey("opportunities.id"), index=True)
    contract_id: Mapped[str | None] = mapped_column(ForeignKey("contracts.id"), index=True)
    customer_reference: Mapped[str] = mapped_column(default="")
    required_ship_date: Mapped[date | None]
    total_amount: Mapped[Decimal] = money_column()
    invoiced_amount: Mapped[Decimal] = money_column()
    paid_amount: Mapped[Decimal] = money_column()
    state: Mapped[pb.OrderState] = enum_column(pb.OrderState)
    round: Mapped[int] = mapped_column(default=0)
    submitted_by: Mapped[str | None]
    approved_by: Mapped[str | None]
    finance_approved_by: Mapped[str | None]
    submit_time: Mapped[datetime | None]
    approve_time: Mapped[datetime | None]
    finance_approve_time: Mapped[datetime | None]
    ship_date: Mapped[date | None]
    receipt_date: Mapped[date | None]
    settle_time: Mapped[datetime | None]
    cancel_time: Mapped[datetime | None]
    state_reason: Mapped[str] = mapped_column(default="")
    lines: Mapped[list[OrderLine]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by=OrderLine.position
    )
    shipments: Mapped[list[Shipment]] = relationship(
        lazy="raise", cascade="all, delete-orphan", order_by=(Shipment.ship_date, Shipment.id)
    )
    duty_holders: Mapped[list[OrderDutyHolder]] = relationship(lazy="raise", cascade="all, delete-orphan")

    def draft(self, lines: list[OrderLine]) -> None:
        """Starts a new order with these lines, possibly none yet."""
        self.state = _State.DRAFT
        self.round = 0
        self.invoiced_amount = self.paid_amount = Decimal(0)
        self.shipments = []
        self.duty_holders = []
        self.write_lines(lines)
        self.record(lambda: facts.OrderCreated(order=order_map.to_message(self)))

    def write_lines(self, lines: list[OrderLine]) -> None:
        """Replaces the lines and the total. Raises Conflict outside DRAFT, Invalid when the total is too large."""
        require_state(self.state, "edit")
        total = order_total(line.line_total_amount for line in lines)
        if total >= AMOUNT_LIMIT:
            raise Invalid(
                "AMOUNT_TOO_LARGE", "the total has more than 15 digits before the point", field="order.lines"
            )
        self.lines = lines
        self.total_amount = total

    def updated(self) -> None:
        """Records a change other than a verb's."""
        self.record(lambda: facts.OrderUpdated(order=order_map.to_message(self)))

    def submit(self, by: Actor, comment: str = "") -> OrderDecision:
        """Hands the draft in and starts the next round.

        Raises:
            Conflict: not a draft.
            Invalid: there are no lines.
            Forbidden: the person holds another duty of this order.
        """
        require_state(self.state, "submit")
        if not self.lines:
            raise Invalid(
                "ORDER_EMPTY", "An order needs at least one line before it is submitted.", field="order.lines"
            )
        decision = self._decide(by, _Duty.SUBMISSION, _Decided.SUBMITTED, comment)
        self.round += 1
        decision.round = self.round
        self.submitted_by, self.submit_time = by.person_id, by.at
        self.state = _State.SUBMITTED
        self.state_reason = ""
        self.record(lambda: facts.OrderSubmitted(order=order_map.to_message(self)))
        return decision

    def approve(self, by: Actor, comment: str = "") -> OrderDecision:
        """Approves commercially. Raises Conflict (state), Forbidden (the person holds another duty) (SAL-08)."""
        require_state(self.state, "approve")
        decision = self._decide(by, _Duty.COMMERCIAL_APPROVAL, _Decided.APPROVED, comment)
        self.approved_by, self.approve_time = by.person_id, by.at
        self.state = _State.COMMERCIALLY_APPROVED
        self.record(lambda: facts.OrderApproved(order=order_map.to_message(self)))
        return decision

    def finance_approve(self, by: Actor, comment: str = "") -> OrderDecision:
        """Approves for finance. Raises Conflict (state), Forbidden (the person holds another duty) (SAL-08)."""
        require_state(self.state, "financeApprove")
        decision = self._decide(by, _Duty.FINANCE_APPROVAL, _Decided.APPROVED, comment)
        self.finance_approved_by, self.finance_approve_time = by.person_id, by.at
        self.state = _State.FINANCE_APPROVED
        self.record(lambda: facts.OrderFinanceApproved(order=order_map.to_message(self)))
        return decision

    def reject(self, by: Actor, reason: str) -> OrderDecision:
        """Sends the order back to draft, in the duty before which it lies. Raises Conflict, Forbidden."""
        require_state(self.state, "reject")
        duty = reviewing_duty(self.holders(), by.person_id, self.state)
        decision = self._decide(by, duty, _Decided.REJECTED, reason)
        self._back_to_draft(reason)
        self.record(lambda: facts.OrderRejected(order=order_map.to_message(self), reason=reason, duty=duty))
        return decision

    def reopen(self, by: Actor, reason: str) -> OrderDecision:
        """Finance takes an approved order back to draft, before anything is shipped or invoiced (SAL-08).

        Raises:
            Conflict: not approved, or an invoice stands.
            Forbidden: the person holds another duty of this order.
        """
        require_state(self.state, "reopen")
        self._refuse_invoiced("reopen")
        decision = self._decide(by, _Duty.FINANCE_APPROVAL, _Decided.REOPENED, reason)
        self._back_to_draft(reason)
        self.record(lambda: facts.OrderReopened(order=order_map.to_message(self), reason=reason))
        return decision

    def ship(self, shipment: Shipment) -> None:
        """Records a shipment with lines. Raises Conflict (state), Invalid (unknown line, more than is open)."""
        require_state(self.state, "ship")
        known = {line.id: line for line in self.lines}
        for place, part in enumerate(shipment.lines):
            field = f"shipment.lines[{place}]"
            line = known.pop(part.order_line_id, None)
            if line is None:
                raise Invalid(
                    "LINE_UNKNOWN", "is no line of this order, or named twice", field=f"{field}.order_line_id"
                )
            if not 0 < part.quantity <= line.open_quantity:
                message = f"ship more than 0 and at most the {line.open_quantity.normalize():f} still open"
                raise Invalid("SHIPS_TOO_MUCH", message, field=f"{field}.quantity")
            line.shipped_quantity += part.quantity
        self.shipments.append(shipment)
        self.ship_date = max(self.ship_date or shipment.ship_date, shipment.ship_date)
        if any(line.open_quantity for line in self.lines):
            self.state = _State.PARTLY_SHIPPED
            self.record(
                lambda: facts.OrderPartlyShipped(
                    order=order_map.to_message(self), shipment=shipment_map.to_message(shipment)
                )
            )
        else:
            self.state = _State.SHIPPED
            self.record(
                lambda: facts.OrderShipped(
                    order=order_map.to_message(self), shipment=shipment_map.to_message(shipment)
                )
            )

    def open_lines(self) -> list[ShipmentLine]:
        """Everything that is still to be shipped, as the lines of one shipment."""
        return [
            ShipmentLine(order_line_id=line.id, quantity=line.open_quantity)
            for line in self.lines
            if line.open_quantity
        ]

    def receive(self, day: date) -> None:
        """Records that the customer has the goods. Raises Conflict (state), Invalid (before the last shipment)."""
        require_state(self.state, "receive")
        if self.ship_date and day < self.ship_date:
            message = f"the last goods left on {self.ship_date.isoformat()}; they cannot arrive before"
            raise Invalid("RECEIVED_BEFORE_SHIPPED", message, field="receipt_date")
        self.receipt_date = day
        self.state = _State.RECEIVED
        self.record(lambda: facts.OrderReceived(order=order_map.to_message(self)))

    def settle(self, now: datetime) -> None:
        """Closes the order. Raises Conflict unless it is received, fully invoiced and fully paid (SAL-09)."""
        require_state(self.state, "settle")
        if self.paid_amount < self.total_amount:
            raise Conflict(
                "NOT_PAID",
                f"Of {self.total_amount:f} {self.currency}, {self.invoiced_amount:f} are invoiced and "
                f"{self.paid_amount:f} paid. Invoice and collect the rest first.",
                metadata={"invoiced": f"{self.invoiced_amount:f}", "paid": f"{self.paid_amount:f}"},
            )
        self.settle_time = now
        self.state = _State.SETTLED
        self.record(lambda: facts.OrderSettled(order=order_map.to_message(self)))

    def cancel(self, reason: str, now: datetime) -> None:
        """Gives the order up. Raises Conflict once goods have left or while an invoice stands."""
        require_state(self.state, "cancel")
        self._refuse_invoiced("cancel")
        self.cancel_time = now
        self.state_reason = reason
        self.state = _State.CANCELLED
        self.record(lambda: facts.OrderCancelled(order=order_map.to_message(self), reason=reason))

    def invoice(self, amount: Decimal) -> None:
        """Counts an invoice. Raises Conflict (state), Invalid when the invoices would exceed the total."""
        require_state(self.state, "invoice")
        rest = self.total_amount - self.invoiced_amount
        if not 0 < amount <= rest:
            message = f"invoice more than 0 and at most the {rest:f} {self.currency} not invoiced yet"
            raise Invalid("INVOICES_TOO_MUCH", message, field="invoice.amount")
        self.invoiced_amount += amount

    def void_invoice(self, amount: Decimal) -> None:
        """Takes a voided invoice out of the count."""
        self.invoiced_amount -= amount

    def pay(self, amount: Decimal) -> None:
        """Counts a payment."""
        self.paid_amount += amount

    def holders(self) -> dict[str, pb.OrderDuty]:
        """Who has acted in which duty of this order, in any round."""
        return {holder.person_id: holder.duty for holder in self.duty_holders}

    def shipped_worth(self) -> Decimal:
        """Value of the goods that have left, in the reporting currency."""
        parts = (
            shipped_value(line.line_total_amount, line.shipped_quantity, line.quantity, self.currency)
            for line in self.lines
        )
        return self.reporting(order_total(parts))

    def share(self) -> Share:
        """What the order contributes to its account's summary."""
        total = self.reporting(self.total_amount)
        measures: dict[str, int | Decimal] = {}
        if self.state in OPEN_STATES:
            measures |= {"open_orders": 1, "open_order_amount": total}
        if self.state in UNDELIVERED_STATES:
            measures |= {"undelivered_orders": 1, "undelivered_amount": total}
        if self.state is _State.SETTLED:
            measures["settled_orders"] = 1
        return Share(self.customer_id, self.department_id, self.region_id, measures)

    def _decide(
        self, by: Actor, duty: pb.OrderDuty, decision: pb.OrderDecisionKind, reason: str
    ) -> OrderDecision:
        """Binds the person to the duty, for all rounds, and writes the log entry. Raises Forbidden."""
        holders = self.holders()
        require_duty(holders, by.person_id, duty)
        if by.person_id not in holders:
            self.duty_holders.append(OrderDutyHolder(person_id=by.person_id, duty=duty))
        return OrderDecision(
            order_id=self.id,
            round=self.round,
            duty=duty,
            decision=decision,
            person_id=by.person_id,
            principal_id=by.principal_id,
            decide_time=by.at,
            reason=reason,
            amount_amount=self.total_amount,
            currency=self.currency,
            policy_version=POLICY_VERSION,
        )

    def _back_to_draft(self, reason: str) -> None:
        self.state = _State.DRAFT
        self.state_reason = reason
        self.submitted_by = self.approved_by = self.finance_approved_by = None
        self.submit_time = self.approve_time = self.finance_approve_time = None

    def _refuse_invoiced(self, verb: str) -> None:
        if self.invoiced_amount:
            raise Conflict(
                "INVOICE_STANDS",
                f"An invoice stands for this order. Void it first, then {verb} the order.",
                metadata={"invoiced": f"{self.invoiced_amount:f}", "verb": verb},
            )


line_map = Mapper(OrderLine, pb.OrderLine)
shipment_line_map = Mapper(ShipmentLine, pb.ShipmentLine)
shipment_map = Mapper(Shipment, pb.Shipment, nested={"lines": shipment_line_map})
decision_map = Mapper(OrderDecision, pb.OrderDecision)
order_map = Mapper(Order, pb.Order, nested={"lines": line_map, "shipments": shipment_map})
brief_order_map = Mapper(
    Order, pb.Order, nested={"lines": line_map}, compute={"shipments": lambda order: None}
)
