"""The project service's sections of the unified view: open projects, and the people who decide in them (GTW-01)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy import func, select

from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_contracts.facet.project.v1 import summary_service_pb as rpc
from facet_contracts.facet.project.v1.resources_pb import MilestoneState, NodeKind, ProjectState
from facet_contracts.facet.type.v1.account_pb import GetAccountSummaryRequest
from facet_kit.context import Ctx
from facet_kit.money import to_money
from facet_kit.principal import PrincipalKind
from facet_kit.summary import account_members, org_names, require_account, slices, summary_time
from facet_project.decision_trees.model import DecisionNode, DecisionTree, node_map
from facet_project.milestones.model import Milestone
from facet_project.projects.model import Project, ProjectSummaryRow, project_map
from facet_project.projects.policy import OPEN_STATES

_ITEMS = 10


class SummaryApi:
    """Serves facet.project.v1.SummaryService."""

    service = "facet.project.v1.SummaryService"

    def __init__(self, *, currency: str) -> None:
        self._currency = currency

    async def get_account_summary(self, request: GetAccountSummaryRequest, ctx: Ctx) -> rpc.AccountSummary:
        """Sections of a customer and everything below it.

        Raises:
            NotFound: no part of the account is in the caller's scope.
        """
        await require_account(ctx, request.customer_id)
        as_of = await summary_time(ctx)
        query = select(ProjectSummaryRow).where(
            ProjectSummaryRow.customer_id.in_(account_members(request.customer_id))
        )
        rows = list(await ctx.session.scalars(query))
        names = await org_names(ctx, [id for row in rows for id in (row.department_id, row.region_id)])
        return rpc.AccountSummary(
            as_of=as_of,
            projects=await _projects(ctx, request.customer_id, rows, names, self._currency),
            decision_makers=await _decision_makers(ctx, request.customer_id, rows, names),
        )


async def _projects(
    ctx: Ctx, customer_id: str, rows: Sequence[ProjectSummaryRow], names: dict[str, str], currency: str
) -> rpc.ProjectsSection:
    for_customer = ctx.principal.kind is PrincipalKind.CUSTOMER
    count = "running_count" if for_customer else "open_count"
    amount = sum((row.open_amount for row in rows), Decimal(0))
    return rpc.ProjectsSection(
        totals=rpc.ProjectTotals(
            open_count=sum(int(getattr(row, count)) for row in rows),
            open_amount=to_money(amount, currency),
            won_count=sum(row.won_count for row in rows),
            lost_count=sum(row.lost_count for row in rows),
        ),
        by_department=slices(
            rows, "department_id", names=names, count="open_count", amount="open_amount", currency=currency
        ),
        by_region=slices(
            rows, "region_id", names=names, count="open_count", amount="open_amount", currency=currency
        ),
        items=await _items(ctx, customer_id, {ProjectState.RUNNING} if for_customer else OPEN_STATES),
    )


async def _items(
    ctx: Ctx, customer_id: str, states: set[ProjectState] | frozenset[ProjectState]
) -> list[rpc.ProjectItem]:
    overrun = (
        select(func.count())
        .where(
            Milestone.project_id == Project.id,
            Milestone.state == MilestoneState.OPEN,
            Milestone.due_date < ctx.clock.today(),
        )
        .correlate(Project)
        .scalar_subquery()
    )
    query = (
        select(Project, DecisionTree, overrun)
        .join(DecisionTree, DecisionTree.project_id == Project.id)
        .where(Project.customer_id.in_(account_members(customer_id)), Project.state.in_(states))
        .order_by(Project.expected_revenue_amount.desc(), Project.id)
        .limit(_ITEMS)
    )
    return [_item(project, tree, late) for project, tree, late in await ctx.session.execute(query)]


def _item(project: Project, tree: DecisionTree, overrun_milestones: int) -> rpc.ProjectItem:
    shown: pb.Project = project_map.to_message(project)
    return rpc.ProjectItem(
        project_id=shown.id,
        display_name=shown.display_name,
        customer_id=shown.customer_id,
        state=shown.state,
        expected_revenue=shown.expected_revenue,
        expected_close_date=shown.expected_close_date,
        owner_id=shown.owner_id,
        department_id=shown.department_id,
        region_id=shown.region_id,
        coverage_percent=float(tree.coverage_percent),
        weighted_support=float(tree.weighted_support),
        blocker_count=tree.blocker_count,
        vacant_seat_count=tree.vacant_count,
        missing_role_count=tree.missing_role_count,
        single_thread_risk=tree.single_thread_risk,
        overrun_milestone_count=overrun_milestones,
        gate_reevaluation_due=shown.gate_reevaluation_due,
    )


async def _decision_makers(
    ctx: Ctx, customer_id: str, rows: Sequence[ProjectSummaryRow], names: dict[str, str]
) -> rpc.DecisionMakersSection | None:
    if not ctx.principal.internal:
        return None
    query = (
        select(DecisionNode, Project.display_name)
        .join(Project, Project.id == DecisionNode.project_id)
        .where(
            DecisionNode.customer_id.in_(account_members(customer_id)),
            DecisionNode.kind == NodeKind.SEAT,
            Project.state.in_(OPEN_STATES),
        )
        .order_by(DecisionNode.influence_weight.desc(), DecisionNode.vacant.desc(), DecisionNode.id)
        .limit(_ITEMS)
    )
    return rpc.DecisionMakersSection(
        totals=rpc.DecisionMakerTotals(
            seat_count=sum(row.seat_count for row in rows),
            vacant_count=sum(row.vacant_count for row in rows),
            blocker_count=sum(row.blocker_count for row in rows),
        ),
        by_department=slices(rows, "department_id", names=names, count="seat_count"),
        by_region=slices(rows, "region_id", names=names, count="seat_count"),
        items=[_decision_maker(node, name) for node, name in await ctx.session.execute(query)],
    )


def _decision_maker(node: DecisionNode, project_name: str) -> rpc.DecisionMakerItem:
    shown = node_map.to_message(node)
    return rpc.DecisionMakerItem(
        node_id=shown.id,
        project_id=shown.project_id,
        project_display_name=project_name,
        display_name=shown.display_name,
        contact_id=shown.contact_id,
        contact_name=shown.contact_name,
        contact_title=shown.contact_title,
        roles=shown.roles,
        influence_weight=shown.influence_weight,
        stance=shown.stance,
        relationship_strength=shown.relationship_strength,
        vacant=shown.vacant,
        former_contact_id=shown.former_contact_id,
        vacant_since=shown.vacant_since,
        owner_id=shown.owner_id,
        next_contact_date=shown.next_contact_date,
    )
