"""Sets and takes back the timers of service clocks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from protobuf.wkt import Timestamp

from facet_contracts.facet.service_desk.v1.events_pb import TicketSlaDue
from facet_kit.clock import SystemClock
from facet_kit.context import Ctx
from facet_service_desk.clocks.model import TicketClock

# History is entered step by step: a timer that fired between two steps would break a promise that the next step keeps.
_HISTORY_PATIENCE: Final = timedelta(seconds=30)


def timer_key(clock: TicketClock) -> str:
    """The key of a clock's one timer."""
    return f"ticket:{clock.ticket_id}:{clock.kind.name.lower()}"


async def plan_timers(ctx: Ctx, clocks: Iterable[TicketClock]) -> None:
    """Gives every clock whose promise can still break a timer at that instant, and takes back those of the others."""
    for clock in clocks:
        if clock.due_time is not None and clock.breach_time is None:
            due = Timestamp.from_datetime(clock.due_time)
            timer = TicketSlaDue(ticket_id=clock.ticket_id, clock=clock.kind, due_time=due)
            await ctx.schedule(timer, deliver_at=_delivery(ctx, clock.due_time), key=timer_key(clock))
        else:
            await ctx.cancel(timer_key(clock))


def _delivery(ctx: Ctx, due: datetime) -> datetime:
    backdated = ctx.principal.at is not None and ctx.clock.now() == ctx.principal.at
    return max(due, SystemClock().now() + _HISTORY_PATIENCE) if backdated else due
