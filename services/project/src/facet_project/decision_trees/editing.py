"""One change of a decision tree: lock, change, weigh again, keep history, announce. Every change goes through here."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime

from protobuf.wkt import Timestamp
from sqlalchemy import select, update

from facet_contracts.facet.project.v1 import events_pb as events
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_kit.errors import NotFound
from facet_project.decision_trees.model import (
    DecisionNode,
    DecisionTree,
    DecisionTreeRevision,
    figures_message,
    node_map,
    seats_of,
    tree_map,
)
from facet_project.decision_trees.policy import Figures, figures
from facet_project.projects.accounting import accounted
from facet_project.projects.model import Project


@dataclass(slots=True)
class Edit:
    """A tree under change: locked, with its project and all its nodes. `touch` what changes."""

    tree: DecisionTree
    project: Project
    nodes: dict[str, DecisionNode]
    touched: dict[str, DecisionNode] = field(default_factory=dict[str, DecisionNode])
    tree_touched: bool = False

    def node(self, id: str) -> DecisionNode:
        """The node with this id.

        Raises:
            NotFound: the tree has none.
        """
        found = self.nodes.get(id)
        if found is None:
            raise NotFound("DecisionNode", id)
        return found

    def touch(self, node: DecisionNode) -> None:
        """Notes that the node was added, changed, moved or removed."""
        self.touched[node.id] = node

    def seats_of(self, contact_id: str) -> list[DecisionNode]:
        """The seats that a contact holds."""
        return [node for node in self.nodes.values() if node.is_seat and node.contact_id == contact_id]

    def organization_of(self, seat: DecisionNode) -> str:
        """The customer that the nearest unit above the seat is."""
        node: DecisionNode | None = seat
        while node is not None:
            if node.organization_id:
                return node.organization_id
            node = self.nodes.get(node.parent_id)
        return self.project.customer_id

    def parents(self) -> dict[str, str]:
        """Every node's parent, "" at the root."""
        return {id: node.parent_id for id, node in self.nodes.items()}


@asynccontextmanager
async def editing(ctx: Ctx, project_id: str) -> AsyncGenerator[Edit]:
    """Opens a project's tree for one change; whatever was touched makes one new revision.

    The tree is locked first: structure, figures and revision of concurrent changes stay consistent.

    Raises:
        NotFound: no such project in the caller's scope.
    """
    tree = await locked_tree(ctx, project_id)
    project = await ctx.get(Project, project_id)
    changed_before = tree.update_time
    query = select(DecisionNode).where(DecisionNode.project_id == project_id)
    found = await ctx.session.scalars(query.execution_options(populate_existing=True))
    edit = Edit(tree, project, {node.id: node for node in found})
    async with accounted(ctx, project, tree):
        yield edit
        if edit.touched or edit.tree_touched:
            await _commit_revision(ctx, edit, at=max(ctx.clock.now(), changed_before))


async def locked_tree(ctx: Ctx, project_id: str) -> DecisionTree:
    """The tree of a project, locked until commit.

    Raises:
        NotFound: no such project in the caller's scope.
    """
    query = select(DecisionTree).where(DecisionTree.project_id == project_id).with_for_update()
    tree = (await ctx.session.scalars(query.execution_options(populate_existing=True))).one_or_none()
    if tree is None:
        raise NotFound("Project", project_id)
    return tree


async def _commit_revision(ctx: Ctx, edit: Edit, *, at: datetime) -> None:
    tree = edit.tree
    tree.revision += 1
    await ctx.flush()
    messages = in_order(node_map.to_messages(edit.nodes.values()))
    weighed = weigh(messages, tree.required_roles, ctx.clock.today())
    tree.take_over(weighed)
    changed_ids = sorted(edit.touched)
    tree.record(
        lambda: events.DecisionTreeChanged(
            tree=tree_message(tree_map.to_message(tree), messages, weighed, at), changed_node_ids=changed_ids
        )
    )
    await ctx.flush()
    contents = {message.id: message.to_json() for message in messages if message.id in edit.touched}
    if edit.tree_touched:
        contents[""] = pb.DecisionTree(
            required_roles=[pb.BuyingRole[name] for name in tree.required_roles]
        ).to_json()
    await _keep_history(ctx, edit, contents, at)
    ctx.touch_account(edit.project.customer_id)


async def _keep_history(ctx: Ctx, edit: Edit, contents: dict[str, str], at: datetime) -> None:
    """Closes what stood until now, and opens what stands from this revision on; removed nodes open nothing."""
    tree = edit.tree
    ids = [*edit.touched, *([""] if edit.tree_touched else [])]
    standing = update(DecisionTreeRevision).where(
        DecisionTreeRevision.project_id == tree.project_id,
        DecisionTreeRevision.node_id.in_(ids),
        DecisionTreeRevision.valid_to.is_(None),
    )
    closed = standing.values(valid_to=at, revision_to=tree.revision)
    await ctx.session.execute(closed, execution_options={"synchronize_session": False})
    for node_id, content in contents.items():
        ctx.add(
            DecisionTreeRevision(
                id=ctx.ids.new(),
                project_id=tree.project_id,
                node_id=node_id,
                revision_from=tree.revision,
                valid_from=at,
                content=json.loads(content),
            )
        )


def weigh(nodes: Sequence[pb.DecisionNode], required_roles: Sequence[str], today: date) -> Figures:
    """The figures of a tree's nodes."""
    return figures(seats_of(nodes), required_roles=required_roles, today=today)


def tree_message(
    tree: pb.DecisionTree, nodes: Sequence[pb.DecisionNode], weighed: Figures, as_of: datetime
) -> pb.DecisionTree:
    """The whole tree in the contract's form."""
    tree.nodes = list(nodes)
    tree.figures = figures_message(weighed)
    tree.as_of = Timestamp.from_datetime(as_of)
    return tree


def in_order(nodes: Sequence[pb.DecisionNode]) -> list[pb.DecisionNode]:
    """Parents before what is below them, siblings by position, then name, then id."""
    below: dict[str, list[pb.DecisionNode]] = {}
    for node in nodes:
        below.setdefault(node.parent_id, []).append(node)
    for siblings in below.values():
        siblings.sort(key=lambda node: (node.position, node.display_name, node.id), reverse=True)
    found: list[pb.DecisionNode] = []
    waiting = below.get("", [])
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting.extend(below.get(node.id, []))
    return found
