"""Pure rules of orders: what a line costs, which verb is legal in which state, and who may hold which duty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, localcontext

from facet_contracts.facet.sales.v1.resources_pb import OrderDuty, OrderState
from facet_kit.errors import Conflict, Forbidden
from facet_kit.money import rounded

POLICY_VERSION = "order-duties/1"
"""Names the rules below in the decision log; raise it when they change."""

_ANY_APPROVED = frozenset({OrderState.COMMERCIALLY_APPROVED, OrderState.FINANCE_APPROVED})
_SHIPPABLE = frozenset({OrderState.FINANCE_APPROVED, OrderState.PARTLY_SHIPPED})

LEGAL: Mapping[str, frozenset[OrderState]] = {
    "edit": frozenset({OrderState.DRAFT}),
    "submit": frozenset({OrderState.DRAFT}),
    "approve": frozenset({OrderState.SUBMITTED}),
    "financeApprove": frozenset({OrderState.COMMERCIALLY_APPROVED}),
    "reject": frozenset({OrderState.SUBMITTED, OrderState.COMMERCIALLY_APPROVED}),
    "reopen": _ANY_APPROVED,
    "ship": _SHIPPABLE,
    "receive": frozenset({OrderState.SHIPPED}),
    "settle": frozenset({OrderState.RECEIVED}),
    "cancel": frozenset({OrderState.DRAFT, OrderState.SUBMITTED}) | _ANY_APPROVED,
    "invoice": _SHIPPABLE | {OrderState.SHIPPED, OrderState.RECEIVED},
}
"""In which states each verb is legal (SAL-09)."""

OPEN_STATES = frozenset(OrderState) - {
    OrderState.UNSPECIFIED,
    OrderState.DRAFT,
    OrderState.SETTLED,
    OrderState.CANCELLED,
}
UNDELIVERED_STATES = _SHIPPABLE | {OrderState.SHIPPED}

_DUTY_NAMES = {
    OrderDuty.SUBMISSION: "submission",
    OrderDuty.COMMERCIAL_APPROVAL: "commercial approval",
    OrderDuty.FINANCE_APPROVAL: "finance approval",
}


def require_state(state: OrderState, verb: str) -> None:
    """Raises Conflict, naming the states the verb needs, when it is not legal now."""
    wanted = LEGAL[verb]
    if state not in wanted:
        names = " or ".join(each.name for each in OrderState if each in wanted)
        raise Conflict(
            "ILLEGAL_TRANSITION",
            f"The order is {state.name}; {verb} needs {names}.",
            metadata={"state": state.name, "verb": verb},
        )


def require_duty(holders: Mapping[str, OrderDuty], person_id: str, duty: OrderDuty) -> None:
    """Lets a person act in a duty only if it has acted in no other one on this order, in any round (SAL-08).

    `holders` says who has acted in which duty so far. Roles play no part: administrators, API keys and delegates stand
    for their person.

    Raises:
        Forbidden: the person is nobody in particular, or holds another duty.
    """
    if not person_id:
        raise Forbidden("PERSON_UNKNOWN", "An order's duties need a person; this caller stands for none.")
    held = holders.get(person_id, duty)
    if held is not duty:
        raise Forbidden(
            "SEPARATION_OF_DUTIES",
            f"You acted in the {_DUTY_NAMES[held]} of this order already, so its {_DUTY_NAMES[duty]} needs another "
            "person. Ask a colleague.",
            metadata={"held": held.name, "wanted": duty.name},
        )


def reviewing_duty(holders: Mapping[str, OrderDuty], person_id: str, state: OrderState) -> OrderDuty:
    """The duty in which somebody sends an order back.

    What is submitted is before the commercial reviewer. What is approved commercially is before finance, but its
    commercial reviewer may take the approval back.
    """
    if state is OrderState.SUBMITTED or holders.get(person_id) is OrderDuty.COMMERCIAL_APPROVAL:
        return OrderDuty.COMMERCIAL_APPROVAL
    return OrderDuty.FINANCE_APPROVAL


def line_total(quantity: Decimal, unit_price: Decimal, discount_percent: Decimal, currency: str) -> Decimal:
    """Quantity times price less discount, rounded once, half up, to the currency's smallest unit."""
    with localcontext() as context:
        context.prec = 80  # nothing is rounded before the end
        return rounded(quantity * unit_price * (100 - discount_percent) / 100, currency)


def order_total(line_totals: Iterable[Decimal]) -> Decimal:
    """Sum of the rounded line totals: what the customer sees adds up."""
    return sum(line_totals, Decimal(0))


def shipped_value(total: Decimal, shipped: Decimal, quantity: Decimal, currency: str) -> Decimal:
    """The part of a line's total that has left; exactly the total once everything has."""
    with localcontext() as context:
        context.prec = 80
        return rounded(total * shipped / quantity, currency)
