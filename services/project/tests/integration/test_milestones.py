"""Milestones and what must be true before they are closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from facet_contracts.facet.project.v1 import decision_tree_service_pb as tree_rpc
from facet_contracts.facet.project.v1 import events_pb as events
from facet_contracts.facet.project.v1 import milestone_service_pb as rpc
from facet_contracts.facet.project.v1 import project_service_pb as project_rpc
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_contracts.facet.project.v1.resources_pb import MilestoneState
from facet_kit.errors import Conflict, Invalid, NotFound, PreconditionMissing
from facet_kit.messaging.tables import OutboxRow


async def current(office: Any, milestone: pb.Milestone) -> pb.Milestone:
    return await office.milestone_call("get_milestone", rpc.GetMilestoneRequest(milestone_id=milestone.id))


async def close(office: Any, milestone: pb.Milestone) -> pb.Milestone:
    seen = await current(office, milestone)
    request = rpc.CloseMilestoneRequest(milestone_id=milestone.id, etag=seen.etag)
    return await office.milestone_call("close_milestone", request)


async def check(
    office: Any, milestone: pb.Milestone, criterion: pb.ExitCriterion, **fields: Any
) -> pb.Milestone:
    seen = await current(office, milestone)
    values = {"met": True, "evidence": "protocol of 12 May"} | fields
    request = rpc.CheckExitCriterionRequest(
        milestone_id=milestone.id, exit_criterion_id=criterion.id, etag=seen.etag, **values
    )
    return await office.milestone_call("check_exit_criterion", request)


@pytest.mark.capability("PRJ-05")
async def test_a_milestone_closes_only_with_its_criteria_met_and_its_roles_engaged(office: Any) -> None:
    project = await office.running()
    milestone = await office.a_milestone(
        project,
        criteria=["Drawings signed by the customer"],
        required_roles=["DECIDER", "USER"],
        due_date="2020-01-31",
    )
    assert milestone.overrun
    unit = await office.a_node(project, "UNIT")
    await office.a_seat(project, unit, roles=["USER"], relationship_strength=1)
    with pytest.raises(Conflict) as refused:
        await close(office, milestone)
    assert refused.value.metadata == {
        "open_criteria": "1",
        "vacant_roles": "DECIDER",
        "unengaged_roles": "USER",
    }
    await check(office, milestone, milestone.exit_criteria[0])
    seat = await office.a_seat(project, unit, roles=["DECIDER", "USER"], relationship_strength=2)
    vacated = await office.tree_call(
        "vacate_seat", tree_rpc.VacateSeatRequest(decision_node_id=seat.id, etag=seat.etag)
    )
    with pytest.raises(Conflict):
        await close(office, milestone)
    request = tree_rpc.FillSeatRequest(
        decision_node_id=seat.id, contact_id="new", relationship_strength=3, etag=vacated.etag
    )
    await office.tree_call("fill_seat", request)
    closed = await close(office, milestone)
    assert (closed.state, closed.closed_by, closed.overrun) == (
        MilestoneState.CLOSED,
        office.manager.person_id,
        True,
    )
    announced = [each.milestone.id for each in await office.service.events(events.MilestoneClosed)]
    assert announced.count(milestone.id) == 1
    with pytest.raises(Conflict):
        await close(office, milestone)


async def test_a_criterion_is_met_with_evidence_and_can_be_taken_back(office: Any) -> None:
    project = await office.running()
    milestone = await office.a_milestone(project, criteria=["Site surveyed"])
    criterion = milestone.exit_criteria[0]
    with pytest.raises(Invalid):
        await check(office, milestone, criterion, evidence=" ")
    with pytest.raises(NotFound):
        await check(office, milestone, pb.ExitCriterion(id="none"))
    met = await check(office, milestone, criterion)
    assert (met.exit_criteria[0].met, met.exit_criteria[0].met_by) == (True, office.manager.person_id)
    again = await check(office, milestone, criterion, met=False, evidence="")
    assert (again.exit_criteria[0].met, again.exit_criteria[0].met_by) == (False, "")


async def test_a_new_plan_keeps_the_evidence_of_criteria_that_stay(office: Any) -> None:
    project = await office.running()
    milestone = await office.a_milestone(project, criteria=["Site surveyed", "Budget released"])
    met = await check(office, milestone, milestone.exit_criteria[0])
    stays, changes = met.exit_criteria
    planned = [stays, pb.ExitCriterion(id=changes.id, display_name="Budget released in writing")]
    request = rpc.UpdateMilestoneRequest(
        milestone=pb.Milestone(id=milestone.id, exit_criteria=planned, due_date="2999-06-30"), etag=met.etag
    )
    changed = await office.milestone_call("update_milestone", request)
    assert [each.met for each in changed.exit_criteria] == [True, False]
    assert changed.due_date == "2999-06-30"


async def test_milestones_are_closed_in_running_projects_only(office: Any) -> None:
    project = await office.a_project()
    milestone = await office.a_milestone(project)
    with pytest.raises(Conflict) as refused:
        await close(office, milestone)
    assert refused.value.reason == "PROJECT_NOT_RUNNING"


@pytest.mark.capability("PRJ-05")
async def test_a_milestone_that_passes_its_due_date_is_announced_once(office: Any) -> None:
    project = await office.running()
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    milestone = await office.a_milestone(project, due_date=yesterday)
    async with office.service.session() as session:
        query = select(OutboxRow).where(OutboxRow.timer_key == f"milestone:{milestone.id}:due")
        timer = (await session.scalars(query)).one()
    assert timer.deliver_at is not None
    assert timer.deliver_at.date().isoformat() > yesterday
    passed = events.MilestoneDueDatePassed(milestone_id=milestone.id, due_date=yesterday)
    await office.service.deliver(passed)
    await office.service.deliver(passed)
    await office.service.deliver(
        events.MilestoneDueDatePassed(milestone_id=milestone.id, due_date="2020-01-01")
    )
    overran = [each.milestone.id for each in await office.service.events(events.MilestoneOverran)]
    assert overran.count(milestone.id) == 1


async def test_milestones_keep_their_order_and_can_be_deleted_while_open(office: Any) -> None:
    project = await office.running()
    first = await office.a_milestone(project)
    second = await office.a_milestone(project)
    listed = await office.milestone_call("list_milestones", rpc.ListMilestonesRequest(project_id=project.id))
    assert [(each.id, each.position) for each in listed.milestones] == [(first.id, 1), (second.id, 2)]
    with pytest.raises(PreconditionMissing):
        await office.milestone_call("delete_milestone", rpc.DeleteMilestoneRequest(milestone_id=first.id))
    request = rpc.DeleteMilestoneRequest(milestone_id=first.id, etag=first.etag)
    await office.milestone_call("delete_milestone", request)
    async with office.service.session() as session:
        query = select(OutboxRow).where(OutboxRow.timer_key == f"milestone:{first.id}:due")
        assert (await session.scalars(query)).one_or_none() is None
    overdue = rpc.ListMilestonesRequest(filter=f'project_id = "{project.id}" AND due_date < "2020-01-01"')
    assert (await office.milestone_call("list_milestones", overdue)).milestones == []


async def test_a_won_project_closes_with_its_milestones(office: Any) -> None:
    project = await office.running()
    milestone = await office.a_milestone(project)
    request = project_rpc.WinProjectRequest(project_id=project.id, etag=project.etag)
    won = await office.project("win_project", request)
    closing = project_rpc.CloseProjectRequest(project_id=project.id, etag=won.etag)
    with pytest.raises(Conflict) as refused:
        await office.project("close_project", closing)
    assert refused.value.reason == "MILESTONES_OPEN"
    await close(office, milestone)
    assert (await office.project("close_project", closing)).end_time is not None


async def test_a_milestone_needs_a_name_and_a_day_that_exists(office: Any) -> None:
    project = await office.a_project()
    for fields in ({"display_name": ""}, {"due_date": ""}, {"due_date": "2026-02-30"}):
        with pytest.raises(Invalid):
            await office.a_milestone(project, **fields)
