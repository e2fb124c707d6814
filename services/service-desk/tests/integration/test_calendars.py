"""Working calendars and service levels through the real pipeline."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from protobuf.wkt import FieldMask

from facet_contracts.facet.service_desk.v1 import calendar_service_pb as rpc
from facet_contracts.facet.service_desk.v1 import events_pb as events
from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_kit.errors import Conflict, Forbidden, Invalid, Stale
from facet_kit.testing.principals import a_principal

if TYPE_CHECKING:
    from conftest import Desk


async def create(desk: Desk, calendar: pb.WorkingCalendar) -> pb.WorkingCalendar:
    return await desk.call(
        "create_working_calendar", rpc.CreateWorkingCalendarRequest(working_calendar=calendar)
    )


async def promised(desk: Desk, priority: pb.TicketPriority) -> pb.SlaPolicy:
    """The promise in force."""
    request = rpc.ListSlaPoliciesRequest(filter=f"priority = {priority.name}")
    return (await desk.call("list_sla_policies", request)).sla_policies[0]


async def test_a_calendar_comes_back_as_it_was_made(desk: Desk, week: Any) -> None:
    holidays = [pb.Holiday(date="2026-10-01", display_name="National day"), pb.Holiday(date="2026-01-01")]
    made = await create(desk, week(display_name="Depot", holidays=holidays))
    got = await desk.call("get_working_calendar", rpc.GetWorkingCalendarRequest(working_calendar_id=made.id))
    assert got == made
    assert [each.start for each in got.intervals][:2] == ["09:00", "13:00"]
    assert [each.date for each in got.holidays] == ["2026-01-01", "2026-10-01"]
    told = [e.working_calendar.id for e in await desk.service.events(events.WorkingCalendarCreated)]
    assert made.id in told


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"intervals": []}, "working_calendar.intervals"),
        (
            {"intervals": [pb.WorkingInterval(weekday=pb.Weekday.MONDAY, start="09:00", end="08:00")]},
            "intervals[0]",
        ),
        (
            {"intervals": [pb.WorkingInterval(weekday=pb.Weekday.MONDAY, start="09:00", end="09:10")]},
            "intervals",
        ),
        ({"holidays": [pb.Holiday(date="2026-02-30")]}, "holidays[0].date"),
    ],
)
async def test_a_calendar_that_makes_no_sense_is_refused(
    desk: Desk, week: Any, fields: Any, field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await create(desk, week(**({"display_name": "Nonsense"} | fields)))
    assert refused.value.violations[0].field == field


async def test_the_name_of_a_calendar_is_taken_once(desk: Desk, week: Any) -> None:
    await create(desk, week(display_name="Night"))
    with pytest.raises(Conflict):
        await create(desk, week(display_name="Night"))


async def test_an_update_changes_what_the_mask_names(desk: Desk, week: Any) -> None:
    made = await create(desk, week(display_name="Plant", holidays=[pb.Holiday(date="2026-10-01")]))

    async def update(calendar: pb.WorkingCalendar, *paths: str, etag: str = made.etag) -> pb.WorkingCalendar:
        request = rpc.UpdateWorkingCalendarRequest(
            working_calendar=calendar, update_mask=FieldMask(paths=list(paths)), etag=etag
        )
        return await desk.call("update_working_calendar", request)

    changed = await update(pb.WorkingCalendar(id=made.id, time_zone="Europe/Berlin"), "time_zone", "holidays")
    assert (changed.time_zone, list(changed.holidays), changed.display_name) == ("Europe/Berlin", [], "Plant")
    with pytest.raises(Stale):
        await update(pb.WorkingCalendar(id=made.id, time_zone="Asia/Tokyo"))
    with pytest.raises(Invalid):
        await update(pb.WorkingCalendar(id=made.id), "intervals", etag=changed.etag)
    with pytest.raises(Invalid):
        await update(pb.WorkingCalendar(id=made.id), "colour", etag=changed.etag)


async def test_a_priority_has_one_promise(desk: Desk) -> None:
    promise = await promised(desk, pb.TicketPriority.P1)
    twin = pb.SlaPolicy(
        priority=pb.TicketPriority.P1,
        calendar_id=promise.calendar_id,
        first_response_minutes=1,
        resolution_minutes=2,
    )
    with pytest.raises(Conflict):
        await desk.call("create_sla_policy", rpc.CreateSlaPolicyRequest(sla_policy=twin))


async def test_a_promise_that_makes_no_sense_is_refused(desk: Desk) -> None:
    promise = await promised(desk, pb.TicketPriority.P3)
    for fields in ({"resolution_minutes": 1}, {"calendar_id": "none"}):
        request = rpc.UpdateSlaPolicyRequest(
            sla_policy=pb.SlaPolicy(id=promise.id, **fields), etag=promise.etag
        )
        with pytest.raises(Invalid) as refused:
            await desk.call("update_sla_policy", request)
        assert refused.value.violations[0].field in fields


async def test_tickets_in_work_keep_the_promise_they_were_made_with(desk: Desk) -> None:
    ticket = await desk.ticket(await desk.service.given_customer())
    before = await promised(desk, pb.TicketPriority.P3)
    request = rpc.UpdateSlaPolicyRequest(
        sla_policy=pb.SlaPolicy(id=before.id, resolution_minutes=before.resolution_minutes * 2),
        etag=before.etag,
    )
    changed = await desk.call("update_sla_policy", request)
    later = await desk.ticket(await desk.service.given_customer())
    assert ticket.clocks[1].target_minutes == before.resolution_minutes
    assert later.clocks[1].target_minutes == 2 * before.resolution_minutes
    assert await promised(desk, pb.TicketPriority.P3) == changed
    assert changed in [e.sla_policy for e in await desk.service.events(events.SlaPolicyUpdated)]


async def test_calendars_are_made_by_the_service_desk_only(desk: Desk, week: Any) -> None:
    request = rpc.CreateWorkingCalendarRequest(working_calendar=week(display_name="Mine"))
    with pytest.raises(Forbidden):
        await desk.call("create_working_calendar", request, a_principal("sales_rep"))
