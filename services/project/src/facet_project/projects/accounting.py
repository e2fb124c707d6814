"""What a project and its decision tree add to the measures of their account, kept in step with every change."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal

from facet_contracts.facet.project.v1.resources_pb import ProjectState
from facet_kit.context import Ctx
from facet_kit.summary import bump
from facet_project.decision_trees.model import DecisionTree
from facet_project.projects.model import Project, ProjectSummaryRow


@dataclass(frozen=True, slots=True)
class _Place:
    customer_id: str
    department_id: str
    region_id: str


@asynccontextmanager
async def accounted(ctx: Ctx, project: Project, tree: DecisionTree) -> AsyncGenerator[None]:
    """Keeps the account's measures in step with a change of the project or its tree.

    The tree must be locked (or new): it serialises the changes that the measures depend on.
    """
    place, before = _place(project), _measures(project, tree)
    yield
    await ctx.flush()
    now_at, after = _place(project), _measures(project, tree)
    if place == now_at:
        moved = {name: after[name] - before[name] for name in after if after[name] != before[name]}
        await _bump(ctx, place, moved)
    else:
        await _bump(ctx, place, {name: -value for name, value in before.items() if value})
        await _bump(ctx, now_at, {name: value for name, value in after.items() if value})


async def _bump(ctx: Ctx, place: _Place, deltas: Mapping[str, int | Decimal]) -> None:
    if deltas:
        await bump(
            ctx,
            ProjectSummaryRow,
            customer_id=place.customer_id,
            department_id=place.department_id,
            region_id=place.region_id,
            **deltas,
        )


def _place(project: Project) -> _Place:
    return _Place(project.customer_id, project.department_id, project.region_id)


def _measures(project: Project, tree: DecisionTree) -> dict[str, int | Decimal]:
    """What the project adds to its account at this moment; nothing while it is not stored, or deleted."""
    alive = project.version is not None and project.delete_time is None
    counts = alive and project.open
    return {
        "open_count": int(counts),
        "open_amount": project.expected_revenue_amount if counts else Decimal(0),
        "running_count": int(alive and project.state is ProjectState.RUNNING),
        "won_count": int(alive and project.won),
        "lost_count": int(alive and project.lost),
        "seat_count": tree.seat_count if counts else 0,
        "vacant_count": tree.vacant_count if counts else 0,
        "blocker_count": tree.blocker_count if counts else 0,
    }
