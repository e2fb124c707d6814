"""A ticket with its pauses and comments: what may happen to it and when (SVC-01). Its clocks are in `clocks`."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from facet_contracts.facet.service_desk.v1.resources_pb import (
    ClockKind,
    ClockState,
    CommentVisibility,
    TicketChannel,
    TicketPriority,
    TicketState,
)
from facet_kit.database.base import Aggregate, Base, CustomFields, Scope, enum_type
from facet_kit.errors import Conflict
from facet_kit.summary import AccountSummaryRow
from facet_service_desk.clocks.model import Calendars, TicketClock
from facet_service_desk.figures import Figures

WORKED_ON = frozenset({TicketState.NEW, TicketState.OPEN, TicketState.PENDING_CUSTOMER})
OVER = frozenset({TicketState.RESOLVED, TicketState.CLOSED})


class TicketPause(Base):
    """A stretch during which the ticket waited for the customer."""

    __tablename__ = "ticket_pauses"
    __scope__ = None

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ForeignKey("tickets.id"), index=True)
    start_time: Mapped[datetime]
    end_time: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(default="")


class Ticket(CustomFields, Aggregate):
    """A customer's request for service."""

    __tablename__ = "tickets"
    __scope__ = Scope(owner="assignee_id")
    __table_args__ = (
        Index("ix_tickets_create_time", "create_time", "id"),
        Index("ix_tickets_update_time", "update_time", "id"),
        Index("ix_tickets_customer_id", "customer_id", "create_time", "id"),
        Index("ix_tickets_assignee_id", "assignee_id", "create_time", "id"),
        Index("ix_tickets_asset_id", "asset_id", "create_time", "id"),
        Index("ix_tickets_next_due_time", "next_due_time", "id"),
        Index("ix_tickets_priority", "priority", "id"),
        Index(
            "ix_tickets_open",
            "customer_id",
            "priority",
            "create_time",
            postgresql_where=text("state IN ('NEW', 'OPEN', 'PENDING_CUSTOMER') AND delete_time IS NULL"),
        ),
    )

    number: Mapped[str] = mapped_column(unique=True)
    customer_id: Mapped[str]
    contact_id: Mapped[str] = mapped_column(default="", index=True)
    asset_id: Mapped[str] = mapped_column(default="")
    channel: Mapped[TicketChannel] = mapped_column(
        enum_type(TicketChannel), default=TicketChannel.UNSPECIFIED
    )
    priority: Mapped[TicketPriority] = mapped_column(enum_type(TicketPriority))
    subject: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    state: Mapped[TicketState] = mapped_column(enum_type(TicketState), default=TicketState.NEW)
    assignee_id: Mapped[str] = mapped_column(default="")
    department_id: Mapped[str] = mapped_column(default="", index=True)
    region_id: Mapped[str] = mapped_column(default="", index=True)
    breached: Mapped[bool] = mapped_column(default=False)
    next_due_time: Mapped[datetime | None]
    solution: Mapped[str] = mapped_column(default="")
    first_response_time: Mapped[datetime | None]
    resolve_time: Mapped[datetime | None]
    close_time: Mapped[datetime | None]
    reopen_count: Mapped[int] = mapped_column(default=0)
    clocks: Mapped[list[TicketClock]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by=TicketClock.kind
    )
    pauses: Mapped[list[TicketPause]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by=TicketPause.id
    )

    def clock(self, kind: ClockKind) -> TicketClock | None:
        """The clock of that kind, where something was promised."""
        return next((clock for clock in self.clocks if clock.kind is kind), None)

    def require_state(self, verb: str, allowed: frozenset[TicketState], hint: str) -> None:
        """Raises Conflict unless the ticket is in one of the states from which the verb may happen."""
        if self.state not in allowed:
            raise Conflict(
                "ILLEGAL_TRANSITION",
                f"The ticket {self.number} is {self.state.name}: {hint}.",
                metadata={"state": self.state.name, "verb": verb},
            )

    def promise(
        self, now: datetime, calendars: Calendars, *, calendar_id: str, response: int, resolution: int
    ) -> None:
        """Starts the clocks on a promise in working minutes, or gives running and paused ones the new promise.

        A stopped clock keeps the promise it was measured by.
        """
        for kind, minutes in ((ClockKind.FIRST_RESPONSE, response), (ClockKind.RESOLUTION, resolution)):
            clock = self.clock(kind)
            if clock is not None:
                if clock.state is not ClockState.STOPPED:
                    clock.retarget(now, calendars, minutes=minutes, calendar_id=calendar_id)
                continue
            if kind is ClockKind.FIRST_RESPONSE and self.first_response_time is not None:
                continue
            clock = TicketClock(
                kind=kind, target_minutes=minutes, calendar_id=calendar_id, banked_us=0, met=False
            )
            clock.run(now, calendars)
            if self.state is TicketState.PENDING_CUSTOMER:
                clock.hold(now, calendars)
            self.clocks.append(clock)
        self.settle()

    def assign(self, staff_id: str) -> str:
        """Gives the ticket to somebody; returns who had it before."""
        self.require_state("assign", WORKED_ON, "it is done; reopen it first")
        previous, self.assignee_id = self.assignee_id, staff_id
        if self.state is TicketState.NEW:
            self.state = TicketState.OPEN
        return previous

    def respond(self, now: datetime, calendars: Calendars) -> None:
        """Notes the first answer to the customer."""
        self.require_state("respond", WORKED_ON, "it is done; reopen it first")
        if self.first_response_time is not None:
            raise Conflict(
                "ALREADY_RESPONDED",
                f"The ticket {self.number} was answered before; add a comment instead.",
                metadata={"state": self.state.name, "verb": "respond"},
            )
        self._answered(now, calendars)
        if self.state is TicketState.NEW:
            self.state = TicketState.OPEN

    def _answered(self, now: datetime, calendars: Calendars) -> None:
        self.first_response_time = now
        clock = self.clock(ClockKind.FIRST_RESPONSE)
        if clock is not None and clock.state is not ClockState.STOPPED:
            clock.stop(now, calendars)
        self.settle()

    def pause(self, now: datetime, calendars: Calendars, *, reason: str) -> None:
        """Waits for the customer: running clocks stand still."""
        self.require_state(
            "pause", frozenset({TicketState.OPEN}), "only an open ticket can wait for the customer"
        )
        self.state = TicketState.PENDING_CUSTOMER
        self.pauses.append(TicketPause(start_time=now, reason=reason))
        for clock in self.clocks:
            if clock.state is ClockState.RUNNING:
                clock.hold(now, calendars)
        self.settle()

    def resume(self, now: datetime, calendars: Calendars) -> None:
        """Ends the wait: clocks run on from where they stood."""
        pending = frozenset({TicketState.PENDING_CUSTOMER})
        self.require_state("resume", pending, "it does not wait for the customer")
        self.state = TicketState.OPEN
        self._end_pause(now)
        for clock in self.clocks:
            if clock.state is ClockState.PAUSED:
                clock.run(now, calendars)
        self.settle()

    def _end_pause(self, now: datetime) -> None:
        for pause in self.pauses:
            if pause.end_time is None:
                pause.end_time = max(now, pause.start_time)

    def resolve(self, now: datetime, calendars: Calendars, *, solution: str) -> None:
        """Resolves the ticket; when nobody answered before, this is the first answer too."""
        self.require_state("resolve", WORKED_ON, "it is done already")
        if self.first_response_time is None:
            self._answered(now, calendars)
        self._end_pause(now)
        clock = self.clock(ClockKind.RESOLUTION)
        if clock is not None:
            clock.stop(now, calendars)
        self.state, self.solution, self.resolve_time = TicketState.RESOLVED, solution, now
        self.settle()

    def close(self, now: datetime) -> None:
        """Closes a resolved ticket."""
        self.require_state("close", frozenset({TicketState.RESOLVED}), "only a resolved ticket can be closed")
        self.state, self.close_time = TicketState.CLOSED, now

    def reopen(self, now: datetime, calendars: Calendars) -> None:
        """Opens the ticket again: the resolution clock runs on; the time it was thought solved does not count."""
        self.require_state("reopen", OVER, "it is not done yet")
        self.state, self.resolve_time, self.close_time = TicketState.OPEN, None, None
        self.reopen_count += 1
        clock = self.clock(ClockKind.RESOLUTION)
        if clock is not None:
            clock.run(now, calendars)
        self.settle()

    def breaches(self, now: datetime, *, at_due: bool = False) -> list[ClockKind]:
        """Notes promises that are broken at `now` and returns those newly found; a breach once noted stays."""
        found = [clock for clock in self.clocks if clock.overdrawn(now, at_due=at_due)]
        for clock in found:
            clock.breach_time = clock.due_time
        if found:
            self.settle()
        return [clock.kind for clock in found]

    def settle(self) -> None:
        """Draws up what follows from the clocks: whether a promise was broken, and when the next one would be."""
        self.breached = any(clock.breach_time is not None for clock in self.clocks)
        due = [clock.due_time for clock in self.clocks if clock.due_time and clock.breach_time is None]
        self.next_due_time = min(due, default=None)

    def figures(self) -> Figures:
        """What the ticket adds to its account's summary; nothing once it is resolved."""
        measures: dict[str, int] = {}
        if self.state in WORKED_ON:
            measures = {
                f"open_{self.priority.name.lower()}_count": 1,
                "breached_count": int(self.breached),
                "pending_customer_count": int(self.state is TicketState.PENDING_CUSTOMER),
            }
        return Figures(self.customer_id, self.department_id, self.region_id, measures)


class TicketComment(Aggregate):
    """Something said about a ticket; reached through the ticket only, whose scope holds for it."""

    __tablename__ = "ticket_comments"
    __scope__ = None
    __table_args__ = (Index("ix_ticket_comments_ticket_id", "ticket_id", "create_time", "id"),)

    ticket_id: Mapped[str] = mapped_column(ForeignKey("tickets.id"))
    body: Mapped[str]
    visibility: Mapped[CommentVisibility] = mapped_column(enum_type(CommentVisibility))
    author_id: Mapped[str]
    author_name: Mapped[str] = mapped_column(default="")
    from_customer: Mapped[bool] = mapped_column(default=False)


class TicketSummaryRow(AccountSummaryRow):
    """Tickets in work by customer, department and region."""

    __tablename__ = "ticket_summary"

    open_p1_count: Mapped[int] = mapped_column(default=0)
    open_p2_count: Mapped[int] = mapped_column(default=0)
    open_p3_count: Mapped[int] = mapped_column(default=0)
    open_p4_count: Mapped[int] = mapped_column(default=0)
    breached_count: Mapped[int] = mapped_column(default=0)
    pending_customer_count: Mapped[int] = mapped_column(default=0)
