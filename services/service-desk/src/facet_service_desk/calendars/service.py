"""Use cases of working calendars and service levels, and the calendars by which the clocks run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from protobuf.wkt import FieldMask
from sqlalchemy import select

from facet_contracts.facet.service_desk.v1 import events_pb as events
from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_kit.entry import require_fields, require_filled
from facet_kit.errors import Invalid
from facet_kit.paging import ListSpec
from facet_service_desk.calendars.mapping import calendar_map, policy_map, stored_holidays, stored_intervals
from facet_service_desk.calendars.model import SlaPolicy, WorkingCalendar
from facet_service_desk.calendars.policy import Calendar

calendar_list = ListSpec(
    WorkingCalendar,
    fields={"display_name": WorkingCalendar.display_name, "time_zone": WorkingCalendar.time_zone},
    order=("display_name",),
    default_order="display_name",
)
policy_list = ListSpec(
    SlaPolicy,
    fields={"priority": SlaPolicy.priority, "calendar_id": SlaPolicy.calendar_id},
    order=("priority",),
    default_order="priority",
)
_CALENDAR_FIELDS: Final = ("display_name", "time_zone", "intervals", "holidays")


async def create_calendar(ctx: Ctx, asked: pb.WorkingCalendar) -> WorkingCalendar:
    """Makes a working calendar.

    Raises:
        Invalid: a field is missing, the zone is unknown, or the week makes no sense.
        Conflict: the name is taken.
    """
    require_fields(asked, ("display_name", "time_zone", "intervals"), prefix="working_calendar")
    calendar = WorkingCalendar(display_name=asked.display_name)
    calendar.set_time_zone(asked.time_zone)
    calendar.set_intervals(stored_intervals(asked.intervals))
    calendar.set_holidays(stored_holidays(asked.holidays))
    ctx.add(calendar)
    calendar.record(lambda: events.WorkingCalendarCreated(working_calendar=calendar_map.to_message(calendar)))
    await ctx.flush()
    return calendar


async def update_calendar(
    ctx: Ctx, asked: pb.WorkingCalendar, mask: FieldMask | None, etag: str
) -> WorkingCalendar:
    """Changes a working calendar; an empty mask stands for every field that is set.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Invalid: the mask names a field that cannot be changed, or a value makes no sense.
    """
    calendar = await ctx.get(WorkingCalendar, asked.id, etag=etag, for_update=True)
    changed = calendar_map.apply(calendar, asked, mask, allowed=_CALENDAR_FIELDS)
    named = _named(asked, mask)
    if "display_name" in named:
        require_filled(calendar, ["display_name"], prefix="working_calendar")
    if "time_zone" in named:
        calendar.set_time_zone(asked.time_zone)
    if "intervals" in named:
        calendar.set_intervals(stored_intervals(asked.intervals))
    if "holidays" in named:
        calendar.set_holidays(stored_holidays(asked.holidays))
    if changed or ctx.session.is_modified(calendar):
        calendar.record(
            lambda: events.WorkingCalendarUpdated(working_calendar=calendar_map.to_message(calendar))
        )
    await ctx.flush()
    return calendar


def _named(asked: pb.WorkingCalendar, mask: FieldMask | None) -> set[str]:
    """The fields a PATCH is about. `apply` has refused unknown ones."""
    paths = {path.split(".")[0] for path in mask.paths} if mask else set[str]()
    if "*" in paths:
        return set(_CALENDAR_FIELDS)
    return paths if paths else {name for name in _CALENDAR_FIELDS if asked.has_field(name)}


async def create_policy(ctx: Ctx, asked: pb.SlaPolicy) -> SlaPolicy:
    """Promises a service level for a priority.

    Raises:
        Invalid: a field is missing or makes no sense, or the calendar is unknown.
        Conflict: the priority has a policy.
    """
    required = ("priority", "calendar_id", "first_response_minutes", "resolution_minutes")
    require_fields(asked, required, prefix="sla_policy")
    policy = SlaPolicy(**policy_map.values(asked))
    policy.check()
    await _known_calendar(ctx, policy.calendar_id)
    ctx.add(policy)
    policy.record(lambda: events.SlaPolicyCreated(sla_policy=policy_map.to_message(policy)))
    await ctx.flush()
    return policy


async def update_policy(ctx: Ctx, asked: pb.SlaPolicy, mask: FieldMask | None, etag: str) -> SlaPolicy:
    """Changes a service level. Tickets in work keep the promise they were made with.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Invalid: the mask names a field that cannot be changed, or a value makes no sense.
    """
    policy = await ctx.get(SlaPolicy, asked.id, etag=etag, for_update=True)
    allowed = ("display_name", "calendar_id", "first_response_minutes", "resolution_minutes")
    if policy_map.apply(policy, asked, mask, allowed=allowed):
        policy.check()
        await _known_calendar(ctx, policy.calendar_id)
        policy.record(lambda: events.SlaPolicyUpdated(sla_policy=policy_map.to_message(policy)))
    await ctx.flush()
    return policy


async def _known_calendar(ctx: Ctx, calendar_id: str) -> None:
    found = await ctx.session.execute(select(WorkingCalendar.id).where(WorkingCalendar.id == calendar_id))
    if found.scalar_one_or_none() is None:
        raise Invalid(
            "CALENDAR_UNKNOWN", f"There is no working calendar {calendar_id!r}.", field="calendar_id"
        )


async def policy_for(ctx: Ctx, priority: pb.TicketPriority) -> SlaPolicy | None:
    """The promise in force for a priority; None where nothing was promised."""
    found = await ctx.session.execute(select(SlaPolicy).where(SlaPolicy.priority == priority))
    return found.scalar_one_or_none()


async def calendars_by_id(ctx: Ctx, ids: Iterable[str]) -> dict[str, Calendar]:
    """The calendars to reckon with, by id; also those deleted since, because clocks may still run on them."""
    wanted = set(ids)
    if not wanted:
        return {}
    query = select(WorkingCalendar).where(WorkingCalendar.id.in_(wanted))
    found = (await ctx.session.execute(query.execution_options(include_deleted=True))).scalars()
    return {calendar.id: calendar.calendar() for calendar in found}
