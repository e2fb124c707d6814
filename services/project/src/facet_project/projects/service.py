"""Use cases of projects. Gate rounds are in `gates.service`, trees in `decision_trees`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from typing import Literal

from sqlalchemy import Select, func, select, update

from facet_contracts.facet.project.v1 import project_service_pb as rpc
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_contracts.facet.project.v1.resources_pb import GateRoundState, MilestoneState
from facet_kit.context import Ctx
from facet_kit.entry import known_unit, require_filled
from facet_kit.errors import Invalid, NotFound
from facet_kit.filtering import descendants
from facet_kit.paging import ListSpec
from facet_kit.principal import PrincipalKind
from facet_kit.refs import CustomerRef, OrgRef, StaffRef
from facet_project.decision_trees.model import DecisionNode, DecisionTree, DecisionTreeRevision
from facet_project.gates.model import GateRound
from facet_project.milestones.model import Milestone
from facet_project.projects.accounting import accounted
from facet_project.projects.model import Project, project_map
from facet_project.projects.policy import CUSTOMER_VISIBLE_STATES, material

CHANGEABLE = (
    "display_name",
    "description",
    "expected_revenue",
    "expected_close_date",
    "owner_id",
    "department_id",
    "region_id",
    "opportunity_id",
    "custom_fields",
)
_REQUIRED = ("display_name", "owner_id")
_PLACE: dict[str, Literal["department", "region"]] = {"department_id": "department", "region_id": "region"}
project_list = ListSpec(
    Project,
    fields={
        "state": Project.state,
        "customer_id": descendants(
            Project.customer_id, node=CustomerRef.customer_id, ancestors=CustomerRef.ancestor_ids
        ),
        "owner_id": Project.owner_id,
        "department_id": descendants(Project.department_id, node=OrgRef.id, ancestors=OrgRef.ancestor_ids),
        "region_id": descendants(Project.region_id, node=OrgRef.id, ancestors=OrgRef.ancestor_ids),
        "opportunity_id": Project.opportunity_id,
        "display_name": Project.display_name,
        "expected_revenue": Project.expected_revenue_amount,
        "expected_close_date": Project.expected_close_date,
        "gate_reevaluation_due": Project.gate_reevaluation_due,
        "create_time": Project.create_time,
        "update_time": Project.update_time,
    },
    order=("create_time", "update_time", "expected_revenue", "expected_close_date", "display_name"),
    custom_fields=True,
)


async def create_project(ctx: Ctx, wanted: pb.Project, *, currency: str) -> Project:
    """Registers a project with an empty decision tree (PRJ-01).

    Args:
        currency: the reporting currency, which expected revenues are estimated in.

    Raises:
        Invalid: a required field is empty, the customer or owner is unknown, or the revenue is in another currency.
    """
    project = Project(**project_map.values(wanted, prefix="project."))
    _require_revenue(wanted, currency, field_missing=True)
    require_filled(project, ("customer_id", "display_name"), prefix="project")
    await _require_org(ctx, project, _PLACE)  # what the customer's own record names needs no second look
    customer = await ctx.customer(project.customer_id, field="project.customer_id")
    project.owner_id = project.owner_id or ctx.principal.person_id
    project.department_id = project.department_id or customer.department_id
    project.region_id = project.region_id or customer.region_id
    await require_staff(ctx, project.owner_id, field="project.owner_id")
    ctx.add(project)
    tree = DecisionTree(project_id=project.id, customer_id=project.customer_id, revision=0)
    tree.seat_count = tree.vacant_count = tree.blocker_count = 0
    _copy_scope(project, tree)
    async with accounted(ctx, project, tree):
        project.register()
        await ctx.flush()
        ctx.add(tree)
        await ctx.flush()
        ctx.add(_first_history(ctx, tree))
    return project


def _first_history(ctx: Ctx, tree: DecisionTree) -> DecisionTreeRevision:
    roles = [f"BUYING_ROLE_{name}" for name in tree.required_roles]
    return DecisionTreeRevision(
        id=ctx.ids.new(),
        project_id=tree.project_id,
        node_id="",
        revision_from=0,
        valid_from=tree.create_time,
        content={"requiredRoles": roles},
    )


async def get_project(ctx: Ctx, project_id: str) -> Project:
    """A project in the caller's scope.

    Raises:
        NotFound: unknown, outside the scope, or not for a customer's eyes yet.
    """
    project = await ctx.get(Project, project_id)
    if ctx.principal.kind is PrincipalKind.CUSTOMER and project.state not in CUSTOMER_VISIBLE_STATES:
        raise NotFound("Project", project_id)
    return project


def visible_projects(ctx: Ctx) -> Select[Project]:
    """The projects the caller may list; row scope comes on top."""
    query = select(Project)
    if ctx.principal.kind is PrincipalKind.CUSTOMER:
        query = query.where(Project.state.in_(CUSTOMER_VISIBLE_STATES))
    return query


async def update_project(ctx: Ctx, request: rpc.UpdateProjectRequest, *, currency: str) -> Project:
    """Changes fields of a project (PRJ-01: a changed material fact asks for a new gate round).

    Raises:
        NotFound, Stale, PreconditionMissing; Conflict: the project has ended; Invalid: mask, owner, place or revenue.
    """
    wanted = request.project or pb.Project()
    async with changing(ctx, wanted.id, request.etag) as (project, _tree):
        project.require_alive("update")
        changed = project_map.apply(
            project, wanted, request.update_mask, allowed=CHANGEABLE, prefix="project."
        )
        require_filled(project, _REQUIRED, prefix="project")
        if "expected_revenue" in changed:
            _require_revenue(wanted, currency, field_missing=False)
        if "owner_id" in changed:
            await require_staff(ctx, project.owner_id, field="project.owner_id")
        await _require_org(ctx, project, [name for name in _PLACE if name in changed])
        if material(changed):
            await _supersede_round(ctx, project)
        if changed & {"owner_id", *_PLACE}:
            await _move_parts(ctx, project)
        if changed:
            project.changed(changed)
            ctx.touch_account(project.customer_id)
    return project


@asynccontextmanager
async def changing(ctx: Ctx, project_id: str, etag: str) -> AsyncGenerator[tuple[Project, DecisionTree]]:
    """A project for a change of state: its tree is locked first, then the project is read, checked and accounted for.

    Raises:
        NotFound, Stale, PreconditionMissing.
    """
    query = select(DecisionTree).where(DecisionTree.project_id == project_id).with_for_update()
    tree = (await ctx.session.scalars(query.execution_options(populate_existing=True))).one_or_none()
    if tree is None:
        raise NotFound("Project", project_id)
    project = await ctx.get(Project, project_id, etag=etag, for_update=True)
    async with accounted(ctx, project, tree):
        yield project, tree


async def delete_project(ctx: Ctx, request: rpc.DeleteProjectRequest) -> None:
    """Takes back a registration; milestones, tree and nodes go with it.

    Raises:
        NotFound, Stale, PreconditionMissing; Conflict: it passed its gate at some time.
    """
    async with changing(ctx, request.project_id, request.etag) as (project, tree):
        now = ctx.clock.now()
        await _supersede_round(ctx, project)
        project.delete(now)
        tree.delete_time = now
        for part in (DecisionNode, Milestone):
            statement = update(part).where(part.project_id == project.id).values(delete_time=now)
            await ctx.session.execute(statement, execution_options={"synchronize_session": False})


async def start_project(ctx: Ctx, request: rpc.StartProjectRequest) -> Project:
    """Starts a project that passed its gate. Raises as `changing`, and Conflict where the state forbids it."""
    async with changing(ctx, request.project_id, request.etag) as (project, _tree):
        project.start()
    return project


async def win_project(ctx: Ctx, request: rpc.WinProjectRequest) -> Project:
    """Records a won project. Raises as `changing`, and Conflict where the state forbids it."""
    async with changing(ctx, request.project_id, request.etag) as (project, _tree):
        project.win(ctx.clock.now())
    return project


async def lose_project(ctx: Ctx, request: rpc.LoseProjectRequest) -> Project:
    """Records a lost project. Raises as `changing`, and Conflict where the state forbids it."""
    async with changing(ctx, request.project_id, request.etag) as (project, _tree):
        await _supersede_round(ctx, project)
        project.lose(request.reason, ctx.clock.now())
    return project


async def close_project(ctx: Ctx, request: rpc.CloseProjectRequest) -> Project:
    """Puts a project away. Raises as `changing`, and Conflict where its state or its milestones forbid it."""
    async with changing(ctx, request.project_id, request.etag) as (project, _tree):
        open_ones = (
            select(func.count())
            .select_from(Milestone)
            .where(Milestone.project_id == project.id, Milestone.state == MilestoneState.OPEN)
        )
        project.close(ctx.clock.now(), open_milestones=await ctx.session.scalar(open_ones) or 0)
    return project


async def submitted_round(ctx: Ctx, project_id: str) -> GateRound | None:
    """The round of the project that waits for its decision."""
    query = select(GateRound).where(
        GateRound.project_id == project_id, GateRound.state == GateRoundState.SUBMITTED
    )
    return (await ctx.session.scalars(query)).one_or_none()


async def require_staff(ctx: Ctx, staff_id: str, *, field: str) -> None:
    """Refuses an owner that nobody knows. The caller is known by being here.

    Raises:
        Invalid: no such member of staff; names `field`.
    """
    if staff_id == ctx.principal.person_id or await ctx.session.get(StaffRef, staff_id):
        return
    raise Invalid(
        "STAFF_UNKNOWN",
        f"there is no member of staff {staff_id!r}; look the id up in the directory",
        field=field,
    )


async def _require_org(ctx: Ctx, project: Project, names: Iterable[str]) -> None:
    for name in names:
        await known_unit(ctx, getattr(project, name), _PLACE[name], field=f"project.{name}")


def _require_revenue(wanted: pb.Project, currency: str, *, field_missing: bool) -> None:
    money = wanted.expected_revenue
    if money is None:
        if field_missing:
            raise Invalid("REQUIRED", "say what you expect to sell", field="project.expected_revenue")
        return
    if money.currency != currency:
        raise Invalid(
            "REPORTING_CURRENCY",
            f"expected revenues are estimated in the reporting currency {currency}, so that they add up",
            field="project.expected_revenue.currency",
        )
    if money.amount.startswith("-"):
        raise Invalid(
            "NEGATIVE", "an expected revenue is not negative", field="project.expected_revenue.amount"
        )


async def _supersede_round(ctx: Ctx, project: Project) -> None:
    waiting = await submitted_round(ctx, project.id)
    if waiting:
        waiting.supersede()


def _copy_scope(project: Project, tree: DecisionTree) -> None:
    tree.department_id, tree.region_id = project.department_id, project.region_id
    tree.project_owner_id = project.owner_id


async def _move_parts(ctx: Ctx, project: Project) -> None:
    """Lets everything inside the project follow it to another owner, department or region."""
    place = {"department_id": project.department_id, "region_id": project.region_id}
    silently = {"synchronize_session": False}
    for part in (DecisionTree, DecisionNode):
        statement = update(part).where(part.project_id == project.id)
        await ctx.session.execute(
            statement.values(**place, project_owner_id=project.owner_id), execution_options=silently
        )
    statement = update(Milestone).where(Milestone.project_id == project.id)
    await ctx.session.execute(
        statement.values(**place, owner_id=project.owner_id), execution_options=silently
    )
