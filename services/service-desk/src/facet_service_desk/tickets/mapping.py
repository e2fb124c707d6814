"""Tickets and comments as contract messages; a ticket's clocks are shown as they stand at a given moment."""

from __future__ import annotations

from datetime import datetime, timedelta

from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_kit.mapping import Mapper
from facet_service_desk.clocks.model import Calendars, TicketClock
from facet_service_desk.tickets.model import Ticket, TicketComment, TicketPause

_SECOND = timedelta(seconds=1)

ticket_map = Mapper(
    Ticket,
    pb.Ticket,
    # Their figures depend on the moment: `ticket_message` fills them in.
    compute={"clocks": lambda _: None},
    nested={"pauses": Mapper(TicketPause, pb.TicketPause)},
)
comment_map = Mapper(TicketComment, pb.TicketComment)
_clock_map = Mapper(
    TicketClock,
    pb.TicketClock,
    compute={
        "elapsed_seconds": lambda _: 0,
        "remaining_seconds": lambda _: 0,
        "breached": lambda clock: clock.breach_time is not None,
    },
)


def ticket_message(ticket: Ticket, now: datetime, calendars: Calendars) -> pb.Ticket:
    """The ticket with its clocks as they stand at `now`."""
    message = ticket_map.to_message(ticket)
    message.clocks = [_clock_message(clock, now, calendars) for clock in sorted(ticket.clocks, key=_by_kind)]
    return message


def _by_kind(clock: TicketClock) -> int:
    return int(clock.kind)


def _clock_message(clock: TicketClock, now: datetime, calendars: Calendars) -> pb.TicketClock:
    elapsed = clock.elapsed(now, calendars)
    message = _clock_map.to_message(clock)
    message.elapsed_seconds = elapsed // _SECOND
    message.remaining_seconds = clock.target // _SECOND - message.elapsed_seconds
    return message
