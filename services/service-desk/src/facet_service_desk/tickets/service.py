"""Use cases of tickets. What is said about them is in `comments`."""

from __future__ import annotations

from collections.abc import Sequence

from protobuf.wkt import FieldMask
from sqlalchemy import Sequence as NumberSequence
from sqlalchemy import select

from facet_contracts.facet.service_desk.v1 import events_pb as events
from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_contracts.facet.service_desk.v1.resources_pb import (
    TicketChannel,
    TicketPriority,
    TicketState,
)
from facet_kit.context import Ctx
from facet_kit.database.base import Base
from facet_kit.entry import known_unit, require_fields, require_filled
from facet_kit.errors import Conflict
from facet_kit.paging import ListSpec
from facet_kit.principal import PrincipalKind
from facet_kit.refs import CustomerRef
from facet_service_desk.assets.service import asset_of
from facet_service_desk.calendars.service import calendars_by_id, policy_for
from facet_service_desk.entry import home, known_staff
from facet_service_desk.figures import move
from facet_service_desk.tickets.mapping import ticket_map, ticket_message
from facet_service_desk.tickets.model import WORKED_ON, Ticket, TicketSummaryRow
from facet_service_desk.tickets.work import Work, finish, working_on

TICKET_NUMBERS = NumberSequence("ticket_number_seq", metadata=Base.metadata)

ticket_list = ListSpec(
    Ticket,
    fields={
        "number": Ticket.number,
        "customer_id": Ticket.customer_id,
        "contact_id": Ticket.contact_id,
        "asset_id": Ticket.asset_id,
        "channel": Ticket.channel,
        "priority": Ticket.priority,
        "state": Ticket.state,
        "assignee_id": Ticket.assignee_id,
        "department_id": Ticket.department_id,
        "region_id": Ticket.region_id,
        "breached": Ticket.breached,
        "subject": Ticket.subject,
        "next_due_time": Ticket.next_due_time,
        "resolve_time": Ticket.resolve_time,
    },
    order=("number", "priority", "next_due_time"),
    custom_fields=True,
)
_EDITABLE = (
    "contact_id",
    "asset_id",
    "channel",
    "subject",
    "description",
    "department_id",
    "region_id",
    "custom_fields",
)


async def messages(ctx: Ctx, tickets: Sequence[Ticket]) -> list[pb.Ticket]:
    """The tickets with their clocks as they stand now."""
    calendars = await calendars_by_id(ctx, (clock.calendar_id for each in tickets for clock in each.clocks))
    now = ctx.clock.now()
    return [ticket_message(ticket, now, calendars) for ticket in tickets]


async def create_ticket(ctx: Ctx, asked: pb.Ticket) -> Ticket:
    """Takes a ticket in and starts its clocks, where something is promised for its priority.

    A customer's own user comes through the portal and decides neither department nor custom fields.

    Raises:
        Invalid: a field is missing, or customer, asset, department or region are unknown.
    """
    require_fields(asked, ("customer_id", "subject"), prefix="ticket")
    customer = await ctx.customer(asked.customer_id)
    ticket = Ticket(**ticket_map.values(asked))
    ticket.priority = asked.priority or TicketPriority.P3
    ticket.state = TicketState.NEW
    if ctx.principal.kind is PrincipalKind.CUSTOMER:
        ticket.channel, ticket.custom_fields = TicketChannel.PORTAL, {}
    ticket.department_id, ticket.region_id = await home(ctx, asked.department_id, asked.region_id, customer)
    asset = await asset_of(ctx, asked.asset_id, customer, field="ticket.asset_id")
    if asset is not None and not asked.region_id:
        ticket.region_id = asset.region_id or ticket.region_id
    ticket.number = await _next_number(ctx)
    ticket.clocks, ticket.pauses = [], []
    ctx.add(ticket)
    work = Work(ticket, ctx.clock.now(), {})
    await _promise(ctx, work)
    ticket.record(lambda: events.TicketCreated(ticket=work.message()))
    await finish(ctx, work)
    await move(ctx, TicketSummaryRow, None, ticket.figures())
    await ctx.flush()
    return ticket


async def _next_number(ctx: Ctx) -> str:
    """The next number for people. Numbers may have gaps; they never repeat."""
    value = (await ctx.session.execute(select(TICKET_NUMBERS.next_value()))).scalar_one()
    return f"T{ctx.clock.today().year}-{value:06d}"


async def _promise(ctx: Ctx, work: Work) -> None:
    """Puts the clocks on the promise for the ticket's priority; without one they stay as they are."""
    policy = await policy_for(ctx, work.ticket.priority)
    if policy is None:
        return
    work.calendars |= await calendars_by_id(ctx, (policy.calendar_id,))
    work.ticket.promise(
        work.now,
        work.calendars,
        calendar_id=policy.calendar_id,
        response=policy.first_response_minutes,
        resolution=policy.resolution_minutes,
    )


async def update_ticket(ctx: Ctx, asked: pb.Ticket, mask: FieldMask | None, etag: str) -> Ticket:
    """Changes text and references of a ticket.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Conflict: the ticket is closed.
        Invalid: the mask names a field that cannot be changed, or a reference is unknown.
    """
    async with working_on(ctx, asked.id, etag=etag) as work:
        ticket = work.ticket
        if ticket.state is TicketState.CLOSED:
            raise Conflict(
                "TICKET_CLOSED",
                f"The ticket {ticket.number} is closed; reopen it first.",
                metadata={"state": ticket.state.name, "verb": "update"},
            )
        with ctx.session.no_autoflush:
            changed = ticket_map.apply(ticket, asked, mask, allowed=_EDITABLE, prefix="ticket.")
            await _check_changed(ctx, ticket, changed)
        if changed:
            names = sorted(changed)
            ticket.record(lambda: events.TicketUpdated(ticket=work.message(), changed_fields=names))
    return ticket


async def _check_changed(ctx: Ctx, ticket: Ticket, changed: set[str]) -> None:
    if "subject" in changed:
        require_filled(ticket, ["subject"], prefix="ticket")
    if "department_id" in changed:
        await known_unit(ctx, ticket.department_id, "department", field="ticket.department_id")
    if "region_id" in changed:
        await known_unit(ctx, ticket.region_id, "region", field="ticket.region_id")
    if "asset_id" in changed:
        customer = (
            await ctx.session.execute(
                select(CustomerRef).where(CustomerRef.customer_id == ticket.customer_id)
            )
        ).scalar_one()
        await asset_of(ctx, ticket.asset_id, customer, field="ticket.asset_id")


async def assign(ctx: Ctx, ticket_id: str, etag: str, *, assignee_id: str) -> Ticket:
    """Gives a ticket to an active member of staff.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Invalid: there is no such member of staff.
        Conflict: the ticket is done.
    """
    await known_staff(ctx, assignee_id, field="assignee_id")
    async with working_on(ctx, ticket_id, etag=etag) as work:
        previous = work.ticket.assign(assignee_id)
        work.ticket.record(
            lambda: events.TicketAssigned(ticket=work.message(), previous_assignee_id=previous)
        )
    return work.ticket


def respond_in(work: Work) -> None:
    """Notes the first answer in a change under way.

    Raises:
        Conflict: the ticket was answered before, or is done.
    """
    work.ticket.respond(work.now, work.calendars)
    work.ticket.record(lambda: events.TicketResponded(ticket=work.message()))


async def pause(ctx: Ctx, ticket_id: str, etag: str, *, reason: str) -> Ticket:
    """Waits for the customer.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Conflict: the ticket is not open.
    """
    async with working_on(ctx, ticket_id, etag=etag) as work:
        work.ticket.pause(work.now, work.calendars, reason=reason)
        work.ticket.record(lambda: events.TicketPaused(ticket=work.message(), reason=reason))
    return work.ticket


async def resume(ctx: Ctx, ticket_id: str, etag: str) -> Ticket:
    """Ends the wait for the customer.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Conflict: the ticket does not wait.
    """
    async with working_on(ctx, ticket_id, etag=etag) as work:
        resume_in(work)
    return work.ticket


def resume_in(work: Work) -> None:
    """Ends the wait in a change under way.

    Raises:
        Conflict: the ticket does not wait.
    """
    work.ticket.resume(work.now, work.calendars)
    work.ticket.record(lambda: events.TicketResumed(ticket=work.message()))


async def resolve(ctx: Ctx, ticket_id: str, etag: str, *, solution: str) -> Ticket:
    """Resolves a ticket.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Conflict: the ticket is done already.
    """
    async with working_on(ctx, ticket_id, etag=etag) as work:
        work.ticket.resolve(work.now, work.calendars, solution=solution)
        work.ticket.record(lambda: events.TicketResolved(ticket=work.message()))
    return work.ticket


async def close(ctx: Ctx, ticket_id: str, etag: str) -> Ticket:
    """Closes a resolved ticket.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Conflict: the ticket is not resolved.
    """
    async with working_on(ctx, ticket_id, etag=etag) as work:
        work.ticket.close(work.now)
        work.ticket.record(lambda: events.TicketClosed(ticket=work.message()))
    return work.ticket


async def reopen(ctx: Ctx, ticket_id: str, etag: str, *, reason: str) -> Ticket:
    """Opens a resolved or closed ticket again.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Conflict: the ticket is not done.
    """
    async with working_on(ctx, ticket_id, etag=etag) as work:
        work.ticket.reopen(work.now, work.calendars)
        work.ticket.record(lambda: events.TicketReopened(ticket=work.message(), reason=reason))
    return work.ticket


async def change_priority(
    ctx: Ctx, ticket_id: str, etag: str, *, priority: TicketPriority, reason: str
) -> Ticket:
    """Changes the priority; the clocks take over its promise and keep what has elapsed. The same one changes nothing.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Conflict: the ticket is done.
    """
    async with working_on(ctx, ticket_id, etag=etag) as work:
        ticket = work.ticket
        ticket.require_state("changePriority", WORKED_ON, "it is done; reopen it first")
        previous, ticket.priority = ticket.priority, priority
        if previous is not priority:
            with ctx.session.no_autoflush:
                await _promise(ctx, work)
            ticket.record(
                lambda: events.TicketPriorityChanged(
                    ticket=work.message(), previous_priority=previous, reason=reason
                )
            )
            # More may have elapsed already than the new promise allows.
            work.note_breaches(at_due=True)
    return work.ticket
