"""The frame around every change of a ticket: lock, calendars, overdue promises, timers, summary."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from facet_contracts.facet.service_desk.v1 import events_pb as events
from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_service_desk.calendars.policy import Calendar
from facet_service_desk.calendars.service import calendars_by_id
from facet_service_desk.clocks.service import plan_timers
from facet_service_desk.figures import move
from facet_service_desk.tickets.mapping import ticket_message
from facet_service_desk.tickets.model import Ticket, TicketSummaryRow


@dataclass(slots=True)
class Work:
    """A ticket under change, the moment of the change, and the calendars of its clocks."""

    ticket: Ticket
    now: datetime
    calendars: dict[str, Calendar]

    def message(self) -> pb.Ticket:
        """The ticket as it is at the moment of the change; for facts, which are built when all is flushed."""
        return ticket_message(self.ticket, self.now, self.calendars)

    def note_breaches(self, *, at_due: bool = False) -> bool:
        """Records a fact for each promise newly found broken; tells whether there was one."""
        found = self.ticket.breaches(self.now, at_due=at_due)
        for kind in found:
            self.ticket.record(lambda kind=kind: events.TicketSlaBreached(ticket=self.message(), clock=kind))
        return bool(found)


@asynccontextmanager
async def working_on(ctx: Ctx, ticket_id: str, *, etag: str | None = None) -> AsyncIterator[Work]:
    """Locks a ticket for a change, and afterwards brings timers and summary in step with it.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
    """
    ticket = await ctx.get(Ticket, ticket_id, etag=etag, for_update=True)
    calendars = await calendars_by_id(ctx, (clock.calendar_id for clock in ticket.clocks))
    work = Work(ticket, ctx.clock.now(), calendars)
    before = ticket.figures()
    # A timer may be late: what was broken before this change is told first.
    work.note_breaches()
    yield work
    await finish(ctx, work)
    await move(ctx, TicketSummaryRow, before, ticket.figures())
    await ctx.flush()


async def finish(ctx: Ctx, work: Work) -> None:
    """Writes the ticket and plans its timers."""
    await ctx.flush()
    await plan_timers(ctx, work.ticket.clocks)
