"""Which events are noteworthy, and how a timeline words them. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from protobuf import Message

from facet_contracts.facet.customer.v1 import events_pb as customer
from facet_contracts.facet.marketing.v1 import events_pb as marketing
from facet_contracts.facet.project.v1 import events_pb as project
from facet_contracts.facet.sales.v1 import events_pb as sales
from facet_contracts.facet.service_desk.v1 import events_pb as service_desk
from facet_contracts.facet.type.v1.money_pb import Money


@dataclass(frozen=True, slots=True)
class Told:
    """What an event says to one customer's timeline."""

    title: str
    customer_id: str
    resource_id: str
    department_id: str = ""
    region_id: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A noteworthy event. `customer_visible` says whether the customer's own users read it too."""

    event: type[Message]
    tell: Callable[[Any], Iterable[Told]]
    customer_visible: bool = False


def _of(
    event: type[Message], name: str, words: Callable[[Any], str], *, customer_visible: bool = False
) -> Line:
    """The line of an event about a record with a customer, whose field in the event is `name`."""

    def tell(message: Any) -> Iterable[Told]:
        record = getattr(message, name)
        if record is not None and record.customer_id:
            place = {field: getattr(record, field, "") for field in ("department_id", "region_id")}
            yield Told(words(record), record.customer_id, record.id, **place)

    return Line(event, tell, customer_visible)


def _of_customer(event: type[Message], words: Callable[[Any], str]) -> Line:
    def tell(message: Any) -> Iterable[Told]:
        record = message.customer
        if record is not None:
            yield Told(words(message), record.id, record.id, record.department_id, record.region_id)

    return Line(event, tell)


def _contact_moved(message: Any) -> Iterable[Told]:
    contact, ended, started = message.contact, message.ended, message.started
    if contact is None:
        return
    left = ended.customer_id if ended else ""
    joined = started.customer_id if started else ""
    if left and left == joined:
        yield Told(f"{contact.display_name} changed position", left, contact.id)
        return
    if left:
        yield Told(f"{contact.display_name} left", left, contact.id)
    if joined:
        yield Told(f"{contact.display_name} joined", joined, contact.id)


def _team_member(verb: str) -> Callable[[Any], str]:
    return lambda member: f"{member.staff_display_name or member.staff_id} {verb} the account team"


def _money(money: Money | None) -> str:
    return f"{money.currency} {money.amount}" if money else "an unknown amount"


LINES: tuple[Line, ...] = (
    _of_customer(customer.CustomerCreated, lambda _: "Customer created"),
    _of_customer(customer.CustomerOwnerTransferred, lambda _: "Customer got another owner"),
    _of_customer(customer.CustomerMoved, lambda _: "Customer moved within the group hierarchy"),
    _of_customer(
        customer.CustomerLifecycleStageChanged,
        lambda event: f"Lifecycle stage is {event.customer.lifecycle_stage.name.lower()}",
    ),
    Line(customer.ContactAffiliationChanged, _contact_moved),
    _of(customer.AccountTeamMemberAdded, "member", _team_member("joined")),
    _of(customer.AccountTeamMemberRemoved, "member", _team_member("left")),
    _of(sales.OpportunityCreated, "opportunity", lambda it: f"Opportunity {it.display_name} opened"),
    _of(sales.OpportunityWon, "opportunity", lambda it: f"Opportunity {it.display_name} won"),
    _of(sales.OpportunityLost, "opportunity", lambda it: f"Opportunity {it.display_name} lost"),
    _of(
        sales.OrderSubmitted,
        "order",
        lambda it: f"Order {it.order_number} over {_money(it.total)} submitted",
        customer_visible=True,
    ),
    _of(
        sales.OrderFinanceApproved,
        "order",
        lambda it: f"Order {it.order_number} approved",
        customer_visible=True,
    ),
    _of(sales.OrderShipped, "order", lambda it: f"Order {it.order_number} shipped", customer_visible=True),
    _of(sales.OrderReceived, "order", lambda it: f"Order {it.order_number} received", customer_visible=True),
    _of(
        sales.OrderCancelled, "order", lambda it: f"Order {it.order_number} cancelled", customer_visible=True
    ),
    _of(
        sales.ContractActivated,
        "contract",
        lambda it: f"Contract {it.contract_number} came into force",
        customer_visible=True,
    ),
    _of(
        sales.ContractExpired,
        "contract",
        lambda it: f"Contract {it.contract_number} ended",
        customer_visible=True,
    ),
    _of(
        sales.ContractTerminated,
        "contract",
        lambda it: f"Contract {it.contract_number} terminated",
        customer_visible=True,
    ),
    _of(
        sales.InvoiceIssued,
        "invoice",
        lambda it: f"Invoice {it.invoice_number} over {_money(it.amount)} issued",
        customer_visible=True,
    ),
    _of(
        sales.InvoiceVoided,
        "invoice",
        lambda it: f"Invoice {it.invoice_number} withdrawn",
        customer_visible=True,
    ),
    _of(sales.PaymentReceived, "payment", lambda it: f"{_money(it.amount)} received", customer_visible=True),
    _of(project.ProjectRegistered, "project", lambda it: f"Project {it.display_name} registered"),
    _of(
        project.GateDecided,
        "project",
        lambda it: f"Gate of {it.display_name} decided: {_gate(it.state.name)}",
    ),
    _of(
        project.ProjectStarted,
        "project",
        lambda it: f"Project {it.display_name} started",
        customer_visible=True,
    ),
    _of(project.ProjectWon, "project", lambda it: f"Project {it.display_name} won"),
    _of(project.ProjectLost, "project", lambda it: f"Project {it.display_name} lost: {it.lost_reason}"),
    _of(project.MilestoneClosed, "milestone", lambda it: f"Milestone {it.display_name} reached"),
    _of(project.MilestoneOverran, "milestone", lambda it: f"Milestone {it.display_name} is overdue"),
    _of(project.SeatVacated, "seat", lambda it: f"The seat {it.display_name} in the decision tree is vacant"),
    _of(
        service_desk.TicketCreated,
        "ticket",
        lambda it: f"Ticket {it.number} opened: {it.subject}",
        customer_visible=True,
    ),
    _of(
        service_desk.TicketResolved,
        "ticket",
        lambda it: f"Ticket {it.number} resolved",
        customer_visible=True,
    ),
    _of(service_desk.TicketSlaBreached, "ticket", lambda it: f"Ticket {it.number} broke its service level"),
    _of(
        service_desk.AssetInstalled,
        "asset",
        lambda it: f"{it.display_name or it.model_code} installed",
        customer_visible=True,
    ),
    _of(marketing.TouchRecorded, "touch", lambda it: f"{it.channel.name.capitalize()}: {it.subject}"),
    _of(marketing.TouchComplained, "touch", lambda it: f"Complaint about being contacted: {it.complaint}"),
    _of(marketing.ConsentWithdrawn, "consent", lambda it: f"Consent to {it.channel.name.lower()} withdrawn"),
)


def _gate(state: str) -> str:
    return "no go" if state == "GATE_REFUSED" else "go"
