"""Tickets through the real pipeline: effects, facts, timers, refusals."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from protobuf.wkt import FieldMask, Timestamp
from sqlalchemy import select

from facet_contracts.facet.service_desk.v1 import calendar_service_pb as calendars
from facet_contracts.facet.service_desk.v1 import events_pb as events
from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_contracts.facet.service_desk.v1 import ticket_service_pb as rpc
from facet_contracts.facet.service_desk.v1.resources_pb import (
    ClockKind,
    ClockState,
    TicketPriority,
    TicketState,
)
from facet_kit.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionMissing, Stale
from facet_kit.messaging.tables import OutboxRow
from facet_kit.testing.principals import a_principal
from facet_service_desk.tickets.model import Ticket

if TYPE_CHECKING:
    from conftest import Desk

NINE = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # Monday, 09:00 in Shanghai
HOUR = timedelta(hours=1)


async def facts(desk: Desk, ticket: pb.Ticket) -> list[str]:
    """Names of the facts about the ticket so far, without timers."""
    found = await desk.service.events()
    return [
        type(event).__name__
        for event in found
        if getattr(event, "ticket", None) is not None and event.ticket.id == ticket.id
    ]


async def timers(desk: Desk, ticket: pb.Ticket) -> dict[str, datetime]:
    """The waiting timers of the ticket by clock."""
    async with desk.service.session() as session:
        rows = await session.execute(
            select(OutboxRow.timer_key, OutboxRow.deliver_at).where(
                OutboxRow.timer_key.startswith(f"ticket:{ticket.id}:")
            )
        )
        return {key.rsplit(":", 1)[1]: when for key, when in rows}


def clock(ticket: pb.Ticket, kind: ClockKind) -> pb.TicketClock:
    return next(each for each in ticket.clocks if each.kind is kind)


async def fire(desk: Desk, ticket: pb.Ticket, kind: ClockKind, due: datetime) -> None:
    """The timer set for `due` arrives."""
    timer = events.TicketSlaDue(ticket_id=ticket.id, clock=kind, due_time=Timestamp.from_datetime(due))
    await desk.service.deliver(timer, version=0, time=due)


async def get(desk: Desk, ticket: pb.Ticket) -> pb.Ticket:
    return await desk.call("get_ticket", rpc.GetTicketRequest(ticket_id=ticket.id))


async def test_a_new_ticket_starts_both_clocks_and_their_timers(desk: Desk) -> None:
    customer = await desk.service.given_customer(department_id="d", region_id="r")
    moment = datetime.now(UTC) + timedelta(days=30)
    ticket = await desk.ticket(customer, desk.at(moment), contact_id="someone")
    assert ticket.number.startswith(f"T{moment.year}-")
    assert (ticket.state, ticket.priority) == (TicketState.NEW, TicketPriority.P3)
    assert (ticket.department_id, ticket.region_id) == ("d", "r")
    assert [(each.kind, each.target_minutes, each.state) for each in ticket.clocks] == [
        (ClockKind.FIRST_RESPONSE, 60, ClockState.RUNNING),
        (ClockKind.RESOLUTION, 480, ClockState.RUNNING),
    ]
    due = {each.kind.name.lower(): each.due_time.to_datetime() for each in ticket.clocks}
    assert await timers(desk, ticket) == due
    assert ticket.next_due_time.to_datetime() == due["first_response"]
    assert await facts(desk, ticket) == ["TicketCreated"]


async def test_a_ticket_shows_its_clocks_as_they_stand_at_the_moment_of_the_question(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    ticket = await desk.ticket(customer, desk.at(NINE))
    later = await desk.call(
        "get_ticket", rpc.GetTicketRequest(ticket_id=ticket.id), desk.at(NINE + HOUR * 3.5)
    )
    resolution = clock(later, ClockKind.RESOLUTION)
    assert (resolution.elapsed_seconds, resolution.remaining_seconds) == (
        3 * 3600,
        5 * 3600,
    )  # lunch since 12:00
    assert later.etag == ticket.etag


async def test_without_a_promise_for_its_priority_a_ticket_runs_without_clocks(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    ticket = await desk.ticket(customer, priority=TicketPriority.P4)
    assert (list(ticket.clocks), await timers(desk, ticket)) == ([], {})
    raised = await desk.verb("change_priority", ticket, priority=TicketPriority.P1)
    assert [each.target_minutes for each in raised.clocks] == [30, 120]


async def test_the_whole_life_of_a_ticket_is_told_in_facts(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    ticket = await desk.ticket(customer, desk.at(NINE))
    ticket = await desk.verb("assign", ticket, desk.at(NINE), assignee_id=desk.agent_id)
    assert (ticket.state, ticket.assignee_id) == (TicketState.OPEN, desk.agent_id)
    ticket = await desk.verb("respond", ticket, desk.at(NINE + HOUR / 2), comment="On our way")
    assert clock(ticket, ClockKind.FIRST_RESPONSE).met
    ticket = await desk.verb("pause", ticket, desk.at(NINE + HOUR), reason="Which pump?")
    assert (ticket.state, await timers(desk, ticket)) == (TicketState.PENDING_CUSTOMER, {})
    ticket = await desk.verb("resume", ticket, desk.at(NINE + HOUR * 2))
    assert set(await timers(desk, ticket)) == {"resolution"}
    ticket = await desk.verb("resolve", ticket, desk.at(NINE + HOUR * 3), solution="New seal")
    assert (ticket.state, ticket.solution) == (TicketState.RESOLVED, "New seal")
    assert clock(ticket, ClockKind.RESOLUTION).met
    assert clock(ticket, ClockKind.RESOLUTION).elapsed_seconds == 2 * 3600
    assert await timers(desk, ticket) == {}
    ticket = await desk.verb("close", ticket, desk.at(NINE + HOUR * 30))
    ticket = await desk.verb("reopen", ticket, desk.at(NINE + HOUR * 48), reason="Leaks again")
    assert (ticket.state, ticket.reopen_count) == (TicketState.OPEN, 1)
    assert set(await timers(desk, ticket)) == {"resolution"}
    assert await facts(desk, ticket) == [
        "TicketCreated",
        "TicketAssigned",
        "TicketResponded",
        "TicketPaused",
        "TicketResumed",
        "TicketResolved",
        "TicketClosed",
        "TicketReopened",
    ]


async def test_a_fact_carries_the_ticket_as_the_change_left_it(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    ticket = await desk.ticket(customer)
    ticket = await desk.verb("assign", ticket, assignee_id=desk.agent_id)
    told = [
        event for event in await desk.service.events(events.TicketAssigned) if event.ticket.id == ticket.id
    ]
    assert told[-1].ticket.etag == ticket.etag
    assert told[-1].ticket.assignee_id == desk.agent_id
    assert told[-1].ticket.clocks[0].due_time == ticket.clocks[0].due_time


async def test_a_timer_finds_the_promise_broken_and_tells_it_once(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    ticket = await desk.ticket(customer, desk.at(NINE))
    due = clock(ticket, ClockKind.FIRST_RESPONSE).due_time.to_datetime()
    await fire(desk, ticket, ClockKind.FIRST_RESPONSE, due)
    broken = await get(desk, ticket)
    assert broken.breached
    assert clock(broken, ClockKind.FIRST_RESPONSE).breach_time.to_datetime() == due
    assert set(await timers(desk, ticket)) == {"resolution"}
    await fire(desk, ticket, ClockKind.FIRST_RESPONSE, due)
    assert (await get(desk, ticket)).etag == broken.etag, "a repeated timer changes nothing"
    assert await facts(desk, ticket) == ["TicketCreated", "TicketSlaBreached"]


async def test_a_late_timer_changes_nothing_once_the_promise_is_kept(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    ticket = await desk.ticket(customer, desk.at(NINE))
    due = clock(ticket, ClockKind.RESOLUTION).due_time.to_datetime()
    ticket = await desk.verb("resolve", ticket, desk.at(NINE + HOUR / 2), solution="Told him how")
    await fire(desk, ticket, ClockKind.RESOLUTION, due)
    assert (await get(desk, ticket)).etag == ticket.etag
    assert "TicketSlaBreached" not in await facts(desk, ticket)


async def test_a_timer_of_a_promise_since_replaced_changes_nothing(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    ticket = await desk.ticket(customer, desk.at(NINE), priority=TicketPriority.P1)
    old_due = clock(ticket, ClockKind.FIRST_RESPONSE).due_time.to_datetime()
    ticket = await desk.verb("change_priority", ticket, desk.at(NINE), priority=TicketPriority.P3)
    await fire(desk, ticket, ClockKind.FIRST_RESPONSE, old_due)
    assert (await get(desk, ticket)).etag == ticket.etag


async def test_a_change_tells_the_breach_that_a_late_timer_has_not_told_yet(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    ticket = await desk.ticket(customer, desk.at(NINE), priority=TicketPriority.P1)
    ticket = await desk.verb("respond", ticket, desk.at(NINE + HOUR))
    first = clock(ticket, ClockKind.FIRST_RESPONSE)
    assert (first.breached, first.met) == (True, False)
    assert await facts(desk, ticket) == ["TicketCreated", "TicketSlaBreached", "TicketResponded"]


@pytest.mark.capability("SVC-01")
async def test_a_higher_priority_keeps_what_has_elapsed_and_moves_the_timer(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    ticket = await desk.ticket(customer, desk.at(NINE))
    ticket = await desk.verb(
        "change_priority", ticket, desk.at(NINE + HOUR), priority=TicketPriority.P1, reason="CEO"
    )
    resolution = clock(ticket, ClockKind.RESOLUTION)
    assert resolution.elapsed_seconds == 3600
    assert resolution.due_time.to_datetime() == NINE + 2 * HOUR
    assert clock(ticket, ClockKind.FIRST_RESPONSE).breached, "an hour is more than P1 allows"
    told = [e for e in await desk.service.events(events.TicketPriorityChanged) if e.ticket.id == ticket.id]
    assert (told[0].previous_priority, told[0].reason) == (TicketPriority.P3, "CEO")


async def test_the_timers_of_history_wait_until_its_next_steps_are_entered(desk: Desk) -> None:
    ticket = await desk.ticket(await desk.service.given_customer(), desk.at(NINE))
    now = datetime.now(UTC)
    assert all(when > now + timedelta(seconds=15) for when in (await timers(desk, ticket)).values())


async def test_the_same_priority_again_changes_nothing(desk: Desk) -> None:
    ticket = await desk.ticket(await desk.service.given_customer())
    again = await desk.verb("change_priority", ticket, priority=TicketPriority.P3)
    assert again.etag == ticket.etag
    assert await facts(desk, ticket) == ["TicketCreated"]


async def test_a_changed_calendar_moves_running_clocks(desk: Desk, week: Any) -> None:
    calendar = await desk.call(
        "create_working_calendar",
        calendars.CreateWorkingCalendarRequest(working_calendar=week(display_name="Own")),
    )
    policy = pb.SlaPolicy(
        priority=TicketPriority.P2, calendar_id=calendar.id, first_response_minutes=60, resolution_minutes=60
    )
    await desk.call("create_sla_policy", calendars.CreateSlaPolicyRequest(sla_policy=policy))
    ticket = await desk.ticket(
        await desk.service.given_customer(), desk.at(NINE + 8.5 * HOUR), priority=TicketPriority.P2
    )
    assert ticket.next_due_time.to_datetime() == NINE + 24.5 * HOUR
    changed = await desk.call(
        "update_working_calendar",
        calendars.UpdateWorkingCalendarRequest(
            working_calendar=pb.WorkingCalendar(
                id=calendar.id, holidays=[pb.Holiday(date="2026-03-03", display_name="Founder's day")]
            ),
            etag=calendar.etag,
        ),
    )
    told = events.WorkingCalendarUpdated(working_calendar=changed)
    await desk.service.deliver(told, aggregate_id=calendar.id, time=NINE + 9 * HOUR)
    assert (await get(desk, ticket)).next_due_time.to_datetime() == NINE + 48.5 * HOUR


async def test_a_verb_needs_the_present_etag(desk: Desk) -> None:
    ticket = await desk.ticket(await desk.service.given_customer())
    await desk.verb("assign", ticket, assignee_id=desk.agent_id)
    with pytest.raises(Stale):
        await desk.verb("resolve", ticket, solution="!")
    ticket.etag = ""
    with pytest.raises(PreconditionMissing):
        await desk.verb("resolve", ticket, solution="!")


async def test_only_known_active_staff_can_be_given_a_ticket(desk: Desk) -> None:
    ticket = await desk.ticket(await desk.service.given_customer())
    gone = await desk.service.given_staff(active=False)
    for staff_id in ("nobody", gone.staff_id):
        with pytest.raises(Invalid) as refused:
            await desk.verb("assign", ticket, assignee_id=staff_id)
        assert refused.value.violations[0].field == "assignee_id"


async def test_a_ticket_needs_a_customer_the_caller_knows_and_a_subject(desk: Desk) -> None:
    with pytest.raises(Invalid) as refused:
        await desk.call("create_ticket", rpc.CreateTicketRequest(ticket=pb.Ticket()))
    assert [each.field for each in refused.value.violations] == ["ticket.customer_id", "ticket.subject"]
    wanted = pb.Ticket(customer_id="nobody", subject="?")
    with pytest.raises(Invalid) as unknown:
        await desk.call("create_ticket", rpc.CreateTicketRequest(ticket=wanted))
    assert unknown.value.reason == "CUSTOMER_UNKNOWN"


async def test_a_ticket_is_about_an_asset_of_its_own_customer(desk: Desk) -> None:
    one, other = await desk.service.given_customer(), await desk.service.given_customer()
    asset = await desk.asset(one, region_id="")
    assert (await desk.ticket(one, asset_id=asset.id)).asset_id == asset.id
    with pytest.raises(Invalid) as refused:
        await desk.ticket(other, asset_id=asset.id)
    assert refused.value.reason == "ASSET_UNKNOWN"


async def test_an_update_changes_what_the_mask_names(desk: Desk) -> None:
    ticket = await desk.ticket(await desk.service.given_customer(), description="old")
    request = rpc.UpdateTicketRequest(
        ticket=pb.Ticket(id=ticket.id, subject="Pump leaks", description="ignored"),
        update_mask=FieldMask(paths=["subject"]),
        etag=ticket.etag,
    )
    changed = await desk.call("update_ticket", request)
    assert (changed.subject, changed.description) == ("Pump leaks", "old")
    told = [e for e in await desk.service.events(events.TicketUpdated) if e.ticket.id == ticket.id]
    assert list(told[0].changed_fields) == ["subject"]


async def test_an_update_cannot_empty_the_subject_or_move_the_ticket_to_nowhere(desk: Desk) -> None:
    ticket = await desk.ticket(await desk.service.given_customer())
    for path, field in (("subject", "ticket.subject"), ("priority", "update_mask")):
        request = rpc.UpdateTicketRequest(
            ticket=pb.Ticket(id=ticket.id), update_mask=FieldMask(paths=[path]), etag=ticket.etag
        )
        with pytest.raises(Invalid) as refused:
            await desk.call("update_ticket", request)
        assert refused.value.violations[0].field == field
    elsewhere = pb.Ticket(id=ticket.id, region_id="atlantis")
    with pytest.raises(Invalid, match="atlantis"):
        await desk.call("update_ticket", rpc.UpdateTicketRequest(ticket=elsewhere, etag=ticket.etag))


async def test_a_closed_ticket_is_not_changed(desk: Desk) -> None:
    ticket = await desk.ticket(await desk.service.given_customer())
    ticket = await desk.verb("close", await desk.verb("resolve", ticket, solution="!"))
    request = rpc.UpdateTicketRequest(ticket=pb.Ticket(id=ticket.id, subject="?"), etag=ticket.etag)
    with pytest.raises(Conflict) as refused:
        await desk.call("update_ticket", request)
    assert refused.value.reason == "TICKET_CLOSED"


async def test_a_list_is_filtered_ordered_and_paged(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    for index, priority in enumerate((TicketPriority.P3, TicketPriority.P1, TicketPriority.P3)):
        await desk.ticket(
            customer, desk.at(NINE + index * HOUR), priority=priority, subject=f"Ticket {index}"
        )

    async def page(**fields: Any) -> rpc.ListTicketsResponse:
        mine = f'customer_id = "{customer.customer_id}"' + fields.pop("filter", "")
        return await desk.call("list_tickets", rpc.ListTicketsRequest(filter=mine, **fields))

    assert [t.subject for t in (await page()).tickets] == ["Ticket 2", "Ticket 1", "Ticket 0"]
    assert [t.subject for t in (await page(filter=" AND priority = P1")).tickets] == ["Ticket 1"]
    assert [t.subject for t in (await page(filter=' AND subject : "ticket 2"')).tickets] == ["Ticket 2"]
    first = await page(page_size=2, order_by="priority, create_time")
    assert [t.subject for t in first.tickets] == ["Ticket 1", "Ticket 0"]
    rest = await page(page_size=2, order_by="priority, create_time", page_token=first.next_page_token)
    assert [t.subject for t in rest.tickets] == ["Ticket 2"]
    assert rest.next_page_token == ""
    with pytest.raises(Invalid):
        await page(order_by="description")


async def test_a_region_sees_its_own_tickets_only_and_an_assignee_his(desk: Desk) -> None:
    north = await desk.service.given_org("region")
    customer = await desk.service.given_customer(region_id=north.id)
    ticket = await desk.ticket(customer)
    here = a_principal("service_agent", region_ids={north.id})
    elsewhere = a_principal("service_agent", region_ids={"south"})
    request = rpc.GetTicketRequest(ticket_id=ticket.id)
    assert (await desk.call("get_ticket", request, here)).id == ticket.id
    with pytest.raises(NotFound):
        await desk.call("get_ticket", request, elsewhere)
    await desk.service.given_staff(staff_id=elsewhere.person_id)
    await desk.verb("assign", ticket, assignee_id=elsewhere.person_id)
    assert (await desk.call("get_ticket", request, elsewhere)).id == ticket.id


async def test_an_empty_scope_sees_no_ticket(desk: Desk) -> None:
    await desk.ticket(await desk.service.given_customer(region_id="r", department_id="d"))
    nobody = a_principal("service_agent")
    assert list((await desk.call("list_tickets", rpc.ListTicketsRequest(), nobody)).tickets) == []


async def test_an_executive_reads_tickets_and_changes_none(desk: Desk) -> None:
    ticket = await desk.ticket(await desk.service.given_customer())
    with pytest.raises(Forbidden):
        await desk.verb("close", ticket, a_principal("executive"))


async def test_two_changes_at_once_do_not_both_win(desk: Desk) -> None:
    ticket = await desk.ticket(await desk.service.given_customer())
    answers = await asyncio.gather(
        *(desk.verb("assign", ticket, assignee_id=desk.agent_id) for _ in range(5)), return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["Stale"] * 4 + ["Ticket"]
    async with desk.service.session() as session:
        row = (await session.execute(select(Ticket).where(Ticket.id == ticket.id))).scalar_one()
    assert row.event_seq == 2
