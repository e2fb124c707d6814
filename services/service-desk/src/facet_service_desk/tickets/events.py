"""Timers of the service clocks, and calendars that change under running clocks."""

from __future__ import annotations

from facet_contracts.facet.service_desk.v1.events_pb import TicketSlaDue, WorkingCalendarUpdated
from facet_kit.context import Ctx
from facet_kit.messaging.envelope import EventMeta
from facet_kit.messaging.handlers import Handlers
from facet_service_desk.tickets import due

handlers = Handlers()


@handlers.on(TicketSlaDue)
async def note_broken_promise(ctx: Ctx, event: TicketSlaDue, meta: EventMeta) -> None:
    """The instant has come at which a promise would be broken."""
    if event.due_time:
        await due.promise_due(ctx, event.ticket_id, event.due_time.to_datetime())


@handlers.on(WorkingCalendarUpdated)
async def replan_clocks(ctx: Ctx, event: WorkingCalendarUpdated, meta: EventMeta) -> None:
    """Due times follow the calendar."""
    if event.working_calendar:
        await due.replan(ctx, event.working_calendar.id)
