"""Separation of duties on the pure model: whatever happens to an order, nobody ever holds two of its three duties."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from facet_contracts.facet.sales.v1.resources_pb import OrderDecisionKind, OrderDuty, OrderState
from facet_kit.errors import Conflict, FacetError, Forbidden, Invalid
from facet_sales.orders.model import Actor, Order
from facet_sales.orders.parts import OrderDecision, OrderLine, Shipment

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
PEOPLE = [f"person-{number}" for number in range(4)]
# Each person acts directly, as an administrator and through two API keys: the duties look at the person only.
PRINCIPALS = [
    Actor(person, principal, NOW)
    for person in PEOPLE
    for principal in (person, f"admin-{person}", f"key-1-{person}", f"key-2-{person}")
]
actors = st.sampled_from(PRINCIPALS)


def a_line(quantity: str = "2", total: str = "200") -> OrderLine:
    return OrderLine(
        id=f"line-{quantity}-{total}",
        position=1,
        product_id="p",
        model_code="M-1",
        product_name="Pump",
        quantity=Decimal(quantity),
        unit_price_amount=Decimal(100),
        discount_percent=Decimal(0),
        line_total_amount=Decimal(total),
        currency="CNY",
        shipped_quantity=Decimal(0),
        serviceable=True,
    )


def an_order() -> Order:
    order = Order(
        id="o",
        customer_id="c",
        department_id="d",
        region_id="r",
        currency="CNY",
        exchange_rate=Decimal(1),
        reporting_currency="CNY",
    )
    order.draft([a_line()])
    return order


def by(person: str) -> Actor:
    return Actor(person, person, NOW)


class OrderHistories(RuleBasedStateMachine):
    """Random histories of one order under four people and all their credentials."""

    def __init__(self) -> None:
        super().__init__()
        self.order = an_order()
        self.log: list[OrderDecision] = []

    @initialize()
    def a_fresh_draft(self) -> None:
        self.order = an_order()
        self.log = []

    @rule(actor=actors)
    def submit(self, actor: Actor) -> None:
        self._try(lambda: self.order.submit(actor))

    @rule(actor=actors)
    def approve(self, actor: Actor) -> None:
        self._try(lambda: self.order.approve(actor))

    @rule(actor=actors)
    def finance_approve(self, actor: Actor) -> None:
        self._try(lambda: self.order.finance_approve(actor))

    @rule(actor=actors)
    def reject(self, actor: Actor) -> None:
        self._try(lambda: self.order.reject(actor, "price"))

    @rule(actor=actors)
    def reopen(self, actor: Actor) -> None:
        self._try(lambda: self.order.reopen(actor, "credit"))

    @precondition(lambda self: self.order.state is OrderState.FINANCE_APPROVED)
    @rule()
    def ship(self) -> None:
        self.order.ship(Shipment(id="s", ship_date=date(2026, 3, 2), lines=self.order.open_lines()))

    def _try(self, verb: Callable[[], OrderDecision]) -> None:
        try:
            self.log.append(verb())
        except FacetError:
            return

    @invariant()
    def nobody_holds_two_duties(self) -> None:
        held: dict[str, set[OrderDuty]] = defaultdict(set)
        for decision in self.log:
            held[decision.person_id].add(decision.duty)
        assert all(len(duties) == 1 for duties in held.values()), held
        for holder in self.order.duty_holders:
            held[holder.person_id].add(holder.duty)
        assert all(len(duties) == 1 for duties in held.values()), held

    @invariant()
    def three_different_people_stand_on_the_order(self) -> None:
        people = [self.order.submitted_by, self.order.approved_by, self.order.finance_approved_by]
        known = [person for person in people if person]
        assert len(known) == len(set(known))

    @invariant()
    def what_is_approved_has_its_approvals_in_the_log_of_this_round(self) -> None:
        this_round = {
            decision.duty
            for decision in self.log
            if decision.round == self.order.round
            and decision.decision in (OrderDecisionKind.SUBMITTED, OrderDecisionKind.APPROVED)
        }
        if self.order.state in (OrderState.FINANCE_APPROVED, OrderState.SHIPPED):
            assert this_round == {
                OrderDuty.SUBMISSION,
                OrderDuty.COMMERCIAL_APPROVAL,
                OrderDuty.FINANCE_APPROVAL,
            }


TestOrderHistories = OrderHistories.TestCase
TestOrderHistories.settings = settings(max_examples=100, stateful_step_count=25, deadline=None)


def test_the_submitter_cannot_approve_his_own_order() -> None:
    order = an_order()
    order.submit(by("ann"))
    with pytest.raises(Forbidden) as refused:
        order.approve(Actor("ann", "api-key-of-ann", NOW))
    assert refused.value.reason == "SEPARATION_OF_DUTIES"
    assert order.state is OrderState.SUBMITTED


def test_the_commercial_approver_cannot_approve_for_finance() -> None:
    order = an_order()
    order.submit(by("ann"))
    order.approve(by("bob"))
    with pytest.raises(Forbidden):
        order.finance_approve(by("bob"))
    order.finance_approve(by("eve"))
    assert (order.submitted_by, order.approved_by, order.finance_approved_by) == ("ann", "bob", "eve")


def test_duties_stay_bound_in_later_rounds() -> None:
    order = an_order()
    order.submit(by("ann"))
    order.approve(by("bob"))
    order.reject(by("eve"), "credit")
    assert order.state is OrderState.DRAFT
    assert order.approved_by is None
    for person in ("bob", "eve"):
        with pytest.raises(Forbidden):
            order.submit(by(person))
    order.submit(by("dan"))
    with pytest.raises(Forbidden):
        order.approve(by("ann"))
    order.approve(by("bob"))
    assert order.round == 2


def test_a_commercial_reviewer_may_take_his_approval_back_and_stays_one() -> None:
    order = an_order()
    order.submit(by("ann"))
    order.approve(by("bob"))
    decision = order.reject(by("bob"), "wrong price")
    assert decision.duty is OrderDuty.COMMERCIAL_APPROVAL


def test_the_submitter_cannot_reject_his_own_order() -> None:
    order = an_order()
    order.submit(by("ann"))
    with pytest.raises(Forbidden):
        order.reject(by("ann"), "changed my mind")


def test_finance_reopens_an_approved_order_only_before_it_is_invoiced() -> None:
    order = an_order()
    order.submit(by("ann"))
    order.approve(by("bob"))
    order.finance_approve(by("eve"))
    order.invoice(Decimal(50))
    with pytest.raises(Conflict):
        order.reopen(by("eve"), "credit")
    order.void_invoice(Decimal(50))
    order.reopen(by("eve"), "credit")
    assert order.state is OrderState.DRAFT


def test_a_caller_without_a_person_holds_no_duty() -> None:
    with pytest.raises(Forbidden) as refused:
        an_order().submit(by(""))
    assert refused.value.reason == "PERSON_UNKNOWN"


def test_an_empty_order_cannot_be_submitted() -> None:
    order = an_order()
    order.write_lines([])
    with pytest.raises(Invalid):
        order.submit(by("ann"))
