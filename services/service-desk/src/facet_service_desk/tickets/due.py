"""What happens to tickets without anybody's call: a promise runs out, or the calendar under a clock changes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from facet_contracts.facet.service_desk.v1.resources_pb import ClockState
from facet_kit.context import Ctx
from facet_kit.errors import NotFound
from facet_service_desk.calendars.service import calendars_by_id
from facet_service_desk.clocks.model import TicketClock
from facet_service_desk.figures import move
from facet_service_desk.tickets.model import Ticket, TicketSummaryRow
from facet_service_desk.tickets.work import Work, finish, working_on


async def promise_due(ctx: Ctx, ticket_id: str, due: datetime) -> None:
    """A timer set for `due` fired: notes the breach if the promise is broken; a late or repeated one changes nothing.

    The machine that runs this may be a little behind the one that fired the timer: it is `due` at least.
    """
    try:
        ticket = await ctx.get(Ticket, ticket_id, for_update=True)
    except NotFound:
        return
    calendars = await calendars_by_id(ctx, (clock.calendar_id for clock in ticket.clocks))
    work = Work(ticket, max(ctx.clock.now(), due), calendars)
    before = ticket.figures()
    if work.note_breaches(at_due=True):
        await finish(ctx, work)
        await move(ctx, TicketSummaryRow, before, ticket.figures())
        await ctx.flush()


async def replan(ctx: Ctx, calendar_id: str) -> None:
    """A calendar changed: the clocks that run on it get new due times and timers."""
    running = select(TicketClock.ticket_id).where(
        TicketClock.calendar_id == calendar_id, TicketClock.state == ClockState.RUNNING
    )
    for ticket_id in sorted(set((await ctx.session.execute(running)).scalars())):
        async with working_on(ctx, ticket_id) as work:
            for clock in work.ticket.clocks:
                if clock.calendar_id == calendar_id:
                    clock.replan(work.calendars)
            work.ticket.settle()
            work.note_breaches(at_due=True)
