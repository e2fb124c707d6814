"""Use cases of milestones (PRJ-05)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, select

from facet_contracts.facet.project.v1 import events_pb as events
from facet_contracts.facet.project.v1 import milestone_service_pb as rpc
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_contracts.facet.project.v1.resources_pb import ProjectState
from facet_kit.context import Ctx
from facet_kit.entry import require_filled
from facet_kit.errors import Conflict
from facet_kit.paging import ListSpec
from facet_project.decision_trees.editing import locked_tree
from facet_project.decision_trees.model import DecisionNode, node_map, role_names, seats_of
from facet_project.milestones.model import Milestone, milestone_map
from facet_project.milestones.policy import obstacles
from facet_project.projects.model import Project

CHANGEABLE = ("display_name", "position", "due_date", "exit_criteria", "required_roles")
milestone_list = ListSpec(
    Milestone,
    fields={
        "project_id": Milestone.project_id,
        "customer_id": Milestone.customer_id,
        "owner_id": Milestone.owner_id,
        "state": Milestone.state,
        "due_date": Milestone.due_date,
        "position": Milestone.position,
        "display_name": Milestone.display_name,
        "create_time": Milestone.create_time,
    },
    order=("position", "due_date", "create_time"),
    default_order="position",
)


async def create_milestone(ctx: Ctx, wanted: pb.Milestone) -> Milestone:
    """Plans a milestone.

    Raises:
        NotFound: no such project in the caller's scope; Conflict: it has ended; Invalid: a required field is empty.
    """
    project = await ctx.get(Project, wanted.project_id)
    project.require_alive("createMilestone")
    milestone = Milestone(
        **milestone_map.values(wanted, prefix="milestone."),
        required_roles=role_names(wanted.required_roles),
        customer_id=project.customer_id,
        department_id=project.department_id,
        region_id=project.region_id,
        owner_id=project.owner_id,
    )
    require_filled(milestone, ("display_name", "due_date"), prefix="milestone")
    milestone.plan_criteria(wanted.exit_criteria, [ctx.ids.new() for _ in wanted.exit_criteria])
    if not milestone.position:
        last = select(func.max(Milestone.position)).where(Milestone.project_id == project.id)
        milestone.position = (await ctx.session.scalar(last) or 0) + 1
    ctx.add(milestone)
    milestone.planned(ctx.clock.today())
    ctx.touch_account(milestone.customer_id)
    await _watch(ctx, milestone)
    await ctx.flush()
    return milestone


async def update_milestone(ctx: Ctx, request: rpc.UpdateMilestoneRequest) -> Milestone:
    """Changes the plan of an open milestone.

    Raises:
        NotFound, Stale, PreconditionMissing; Conflict: it is closed; Invalid: mask, dates or criteria.
    """
    wanted = request.milestone or pb.Milestone()
    milestone = await ctx.get(Milestone, wanted.id, etag=request.etag, for_update=True)
    milestone.require_open("update")
    paths = list(request.update_mask.paths) if request.update_mask else []
    changed = milestone_map.apply(
        milestone, wanted, request.update_mask, allowed=CHANGEABLE, prefix="milestone."
    )
    require_filled(milestone, ("display_name", "due_date"), prefix="milestone")
    if "required_roles" in paths or "*" in paths or (not paths and wanted.required_roles):
        milestone.required_roles = role_names(wanted.required_roles)
        changed.add("required_roles")
    if "exit_criteria" in paths or "*" in paths or (not paths and wanted.exit_criteria):
        milestone.plan_criteria(wanted.exit_criteria, [ctx.ids.new() for _ in wanted.exit_criteria])
        changed.add("exit_criteria")
    if changed:
        milestone.planned(ctx.clock.today())
        ctx.touch_account(milestone.customer_id)
    if "due_date" in changed:
        await _watch(ctx, milestone)
    await ctx.flush()
    return milestone


async def delete_milestone(ctx: Ctx, request: rpc.DeleteMilestoneRequest) -> None:
    """Deletes an open milestone.

    Raises:
        NotFound, Stale, PreconditionMissing; Conflict: it is closed.
    """
    milestone = await ctx.get(Milestone, request.milestone_id, etag=request.etag, for_update=True)
    milestone.require_open("delete")
    milestone.delete_time = ctx.clock.now()
    await ctx.cancel(_timer_key(milestone))
    ctx.touch_account(milestone.customer_id)


async def check_criterion(ctx: Ctx, request: rpc.CheckExitCriterionRequest) -> Milestone:
    """Says of an exit criterion that it is met, or not after all.

    Raises:
        NotFound: milestone or criterion; Stale, PreconditionMissing; Conflict: closed; Invalid: no evidence.
    """
    milestone = await ctx.get(Milestone, request.milestone_id, etag=request.etag, for_update=True)
    milestone.check(
        request.exit_criterion_id,
        met=request.met,
        evidence=request.evidence,
        by=ctx.principal.person_id,
        at=ctx.clock.now(),
    )
    await ctx.flush()
    return milestone


async def close_milestone(ctx: Ctx, request: rpc.CloseMilestoneRequest) -> Milestone:
    """Closes a milestone of a running project whose criteria are met and whose roles are engaged (PRJ-05).

    The tree is locked meanwhile, so that no seat falls vacant between the check and the closing.

    Raises:
        NotFound, Stale, PreconditionMissing; Conflict: closed already, project not running, or obstacles, all named.
    """
    found = await ctx.get(Milestone, request.milestone_id)
    await locked_tree(ctx, found.project_id)
    milestone = await ctx.get(Milestone, request.milestone_id, etag=request.etag, for_update=True)
    project = await ctx.get(Project, milestone.project_id)
    milestone.require_open("close")
    if project.state not in (ProjectState.RUNNING, ProjectState.WON):
        raise Conflict(
            "PROJECT_NOT_RUNNING",
            f"The project is {project.state.name}; milestones are closed while it runs.",
            metadata={"state": project.state.name},
        )
    nodes = await ctx.session.scalars(select(DecisionNode).where(DecisionNode.project_id == project.id))
    milestone.close(
        obstacles(
            open_criteria=milestone.open_criteria,
            required_roles=milestone.required_roles,
            seats=seats_of(node_map.to_messages(nodes)),
        ),
        by=ctx.principal.person_id,
        at=ctx.clock.now(),
    )
    await ctx.cancel(_timer_key(milestone))
    ctx.touch_account(milestone.customer_id)
    await ctx.flush()
    return milestone


async def note_due_date_passed(ctx: Ctx, milestone_id: str, due_date: str) -> None:
    """Announces once that a milestone overran. The timer of an earlier plan changes nothing."""
    query = select(Milestone).where(Milestone.id == milestone_id).with_for_update()
    milestone = (await ctx.session.scalars(query)).one_or_none()
    if milestone is None or milestone.due_date.isoformat() != due_date:
        return
    if milestone.note_overrun(max(ctx.clock.today(), milestone.due_date + timedelta(days=1))):
        ctx.touch_account(milestone.customer_id)


async def _watch(ctx: Ctx, milestone: Milestone) -> None:
    timer = events.MilestoneDueDatePassed(milestone_id=milestone.id, due_date=milestone.due_date.isoformat())
    await ctx.schedule(timer, deliver_at=_end_of(milestone.due_date), key=_timer_key(milestone))


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _timer_key(milestone: Milestone) -> str:
    return f"milestone:{milestone.id}:due"
