"""Use cases of decision trees: reading them now and then, and every change of their nodes."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import or_, select

from facet_contracts.facet.project.v1 import decision_tree_service_pb as rpc
from facet_contracts.facet.project.v1 import events_pb as events
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_kit.context import Ctx, check_etag
from facet_kit.entry import require_filled
from facet_kit.errors import Conflict, Invalid
from facet_kit.paging import ListSpec
from facet_project.decision_trees.editing import Edit, editing, in_order, tree_message, weigh
from facet_project.decision_trees.model import (
    ContactRef,
    DecisionNode,
    DecisionTree,
    DecisionTreeRevision,
    node_map,
    role_names,
    tree_map,
)
from facet_project.decision_trees.policy import Kind, closes_cycle, may_stand
from facet_project.projects.model import Project
from facet_project.projects.service import require_staff

CHANGEABLE = (
    "display_name",
    "position",
    "organization_id",
    "contact_name",
    "contact_title",
    "decision_scope",
    "influence_weight",
    "stance",
    "relationship_strength",
    "owner_id",
    "next_contact_date",
)
node_list = ListSpec(
    DecisionNode,
    fields={
        "project_id": DecisionNode.project_id,
        "customer_id": DecisionNode.customer_id,
        "kind": DecisionNode.kind,
        "contact_id": DecisionNode.contact_id,
        "owner_id": DecisionNode.owner_id,
        "stance": DecisionNode.stance,
        "roles": DecisionNode.roles,
        "influence_weight": DecisionNode.influence_weight,
        "relationship_strength": DecisionNode.relationship_strength,
        "vacant": DecisionNode.vacant,
        "next_contact_date": DecisionNode.next_contact_date,
        "create_time": DecisionNode.create_time,
    },
    order=("next_contact_date", "influence_weight", "create_time"),
    default_order="create_time",
)


async def get_tree(ctx: Ctx, request: rpc.GetDecisionTreeRequest) -> pb.DecisionTree:
    """A project's tree with figures: present, or of a past moment or revision (PRJ-03).

    Raises:
        NotFound: no such project in the caller's scope.
        Invalid: both a moment and a revision are given, or a revision that does not exist yet.
    """
    await ctx.get(Project, request.project_id)
    query = select(DecisionTree).where(DecisionTree.project_id == request.project_id)
    tree = (await ctx.session.scalars(query)).one()
    if request.as_of is None and not request.revision:
        nodes = await ctx.session.scalars(
            select(DecisionNode).where(DecisionNode.project_id == tree.project_id)
        )
        messages = in_order(node_map.to_messages(nodes))
        weighed = weigh(messages, tree.required_roles, ctx.clock.today())
        return tree_message(tree_map.to_message(tree), messages, weighed, ctx.clock.now())
    if request.as_of is not None and request.revision:
        raise Invalid("TWO_MOMENTS", "ask for a moment or for a revision, not for both", field="revision")
    if request.revision > tree.revision:
        raise Invalid("REVISION_UNKNOWN", f"the tree is at revision {tree.revision}", field="revision")
    return await _past_tree(
        ctx, tree, request.as_of.to_datetime() if request.as_of else None, request.revision
    )


async def _past_tree(ctx: Ctx, tree: DecisionTree, as_of: datetime | None, revision: int) -> pb.DecisionTree:
    history = DecisionTreeRevision
    query = select(history).where(history.project_id == tree.project_id)
    if as_of is not None:
        query = query.where(
            history.valid_from <= as_of, or_(history.valid_to.is_(None), history.valid_to > as_of)
        )
    else:
        query = query.where(
            history.revision_from <= revision,
            or_(history.revision_to.is_(None), history.revision_to > revision),
        )
    rows = list(await ctx.session.scalars(query.order_by(history.revision_from)))
    nodes = [pb.DecisionNode.from_json(json.dumps(row.content)) for row in rows if row.node_id]
    own = [pb.DecisionTree.from_json(json.dumps(row.content)) for row in rows if not row.node_id]
    roles = own[-1].required_roles if own else []
    moment = as_of or max((row.valid_from for row in rows), default=tree.create_time)
    weighed = weigh(nodes, role_names(roles), moment.date())
    message = pb.DecisionTree(
        id=tree.id,
        project_id=tree.project_id,
        customer_id=tree.customer_id,
        revision=revision or max((row.revision_from for row in rows), default=0),
        required_roles=roles,
    )
    return tree_message(message, in_order(nodes), weighed, moment)


async def update_tree(ctx: Ctx, request: rpc.UpdateDecisionTreeRequest) -> pb.DecisionTree:
    """Changes which roles somebody must fill.

    Raises:
        NotFound, Stale, PreconditionMissing; Invalid: the mask names another field.
    """
    wanted = request.decision_tree or pb.DecisionTree()
    paths = request.update_mask.paths if request.update_mask else []
    wrong = [path for path in paths if path != "required_roles"]
    if wrong:
        raise Invalid.many(
            [("update_mask", f"{path!r} cannot be changed here") for path in wrong], reason="UPDATE_MASK"
        )
    async with editing(ctx, wanted.project_id) as edit:
        check_etag(edit.tree, request.etag)
        names = role_names(wanted.required_roles)
        if (paths or names) and names != edit.tree.required_roles:
            edit.tree.required_roles = names
            edit.tree_touched = True
    return await get_tree(ctx, rpc.GetDecisionTreeRequest(project_id=wanted.project_id))


async def create_node(ctx: Ctx, wanted: pb.DecisionNode) -> DecisionNode:
    """Adds a node (PRJ-03).

    Raises:
        NotFound: no such project in the caller's scope.
        Invalid: the parent is unknown or may not hold this kind, or a field does not fit the kind.
    """
    async with editing(ctx, wanted.project_id) as edit:
        project = edit.project
        node = DecisionNode(
            **node_map.values(wanted, prefix="decision_node."),
            roles=role_names(wanted.roles),
            customer_id=project.customer_id,
            department_id=project.department_id,
            region_id=project.region_id,
            project_owner_id=project.owner_id,
        )
        require_filled(node, ("display_name", "kind"), prefix="decision_node")
        _require_place(edit, Kind(node.kind.name), node.parent_id, field="decision_node.parent_id")
        await _complete(ctx, edit, node)
        ctx.add(node)
        edit.nodes[node.id] = node
        edit.touch(node)
        if node.contact_id:
            name = project.display_name
            node.record(lambda: events.SeatFilled(seat=node_map.to_message(node), project_display_name=name))
    return node


async def _complete(ctx: Ctx, edit: Edit, node: DecisionNode) -> None:
    if node.kind is pb.NodeKind.UNIT:
        if node.organization_id and node.organization_id != edit.project.customer_id:
            await ctx.customer(node.organization_id, field="decision_node.organization_id")
        node.organization_id = node.organization_id or edit.project.customer_id
    if node.owner_id:
        await require_staff(ctx, node.owner_id, field="decision_node.owner_id")
    if node.contact_id:
        name, title = await _contact_names(ctx, node.contact_id)
        node.contact_name, node.contact_title = node.contact_name or name, node.contact_title or title
    node.settle(ctx.clock.today())


async def update_node(ctx: Ctx, request: rpc.UpdateDecisionNodeRequest) -> DecisionNode:
    """Changes fields of a node.

    Raises:
        NotFound, Stale, PreconditionMissing; Invalid: the mask, or a field that does not fit the node.
    """
    wanted = request.decision_node or pb.DecisionNode()
    async with _editing_node(ctx, wanted.id, request.etag) as (edit, node):
        paths = list(request.update_mask.paths) if request.update_mask else []
        changed = node_map.apply(
            node, wanted, request.update_mask, allowed=(*CHANGEABLE, "roles"), prefix="decision_node."
        )
        roles = role_names(wanted.roles)
        if ("roles" in paths or "*" in paths or (not paths and roles)) and roles != node.roles:
            node.roles = roles
            changed.add("roles")
        require_filled(node, ("display_name",), prefix="decision_node")
        if changed:
            await _complete(ctx, edit, node)
            edit.touch(node)
    return node


async def move_node(ctx: Ctx, request: rpc.MoveDecisionNodeRequest) -> DecisionNode:
    """Moves a node with all below it.

    Raises:
        NotFound, Stale, PreconditionMissing; Invalid: the parent is unknown or may not hold this kind.
        Conflict: the new parent is below the node.
    """
    async with _editing_node(ctx, request.decision_node_id, request.etag) as (edit, node):
        _require_place(edit, node.level, request.parent_id, field="parent_id")
        if closes_cycle(node.id, request.parent_id, edit.parents()):
            raise Conflict(
                "DECISION_TREE_CYCLE",
                "The new parent is the node itself or below it. Choose a parent elsewhere in the tree.",
                metadata={"parent_id": request.parent_id},
            )
        if (node.parent_id, node.position) != (request.parent_id, request.position):
            node.parent_id, node.position = request.parent_id, request.position
            edit.touch(node)
    return node


async def fill_seat(ctx: Ctx, request: rpc.FillSeatRequest) -> DecisionNode:
    """Puts a contact on a seat (PRJ-03).

    Raises:
        NotFound, Stale, PreconditionMissing; Conflict: it is no seat, or the contact holds it already.
    """
    async with _editing_node(ctx, request.decision_node_id, request.etag) as (edit, node):
        name, title = await _contact_names(ctx, request.contact_id)
        node.fill(
            request.contact_id,
            name=request.contact_name or name,
            title=request.contact_title or title,
            stance=request.stance,
            strength=request.relationship_strength,
            project=edit.project.display_name,
        )
        edit.touch(node)
    return node


async def vacate_seat(ctx: Ctx, request: rpc.VacateSeatRequest) -> DecisionNode:
    """Records that nobody holds a seat any more.

    Raises:
        NotFound, Stale, PreconditionMissing; Conflict: it is no seat, or vacant already.
    """
    async with _editing_node(ctx, request.decision_node_id, request.etag) as (edit, node):
        node.vacate(ctx.clock.today(), events.VacancyReason.RECORDED, project=edit.project.display_name)
        edit.touch(node)
    return node


async def delete_node(ctx: Ctx, request: rpc.DeleteDecisionNodeRequest) -> None:
    """Removes a node that has nothing below it.

    Raises:
        NotFound, Stale, PreconditionMissing; Conflict: something is below it.
    """
    async with _editing_node(ctx, request.decision_node_id, request.etag) as (edit, node):
        if any(parent_id == node.id for parent_id in edit.parents().values()):
            raise Conflict("NODE_HAS_CHILDREN", "Move or remove what is below the node first.")
        node.delete_time = ctx.clock.now()
        del edit.nodes[node.id]
        edit.touch(node)


@asynccontextmanager
async def _editing_node(ctx: Ctx, node_id: str, etag: str) -> AsyncGenerator[tuple[Edit, DecisionNode]]:
    """Opens the tree of a node for one change, and checks that the caller knows the node as it is."""
    found = await ctx.get(DecisionNode, node_id)
    async with editing(ctx, found.project_id) as edit:
        node = edit.node(node_id)
        check_etag(node, etag)
        yield edit, node


def _require_place(edit: Edit, kind: Kind, parent_id: str, *, field: str) -> None:
    parent = edit.nodes.get(parent_id)
    if parent_id and parent is None:
        raise Invalid("PARENT_UNKNOWN", "the project's decision tree has no such node", field=field)
    if not may_stand(kind, parent.level if parent else None):
        place = f"below a {parent.level.lower()}" if parent else "at the root"
        raise Invalid(
            "NESTING",
            f"a {kind.lower()} cannot stand {place}: units stand at the root or below units, departments below "
            "units or departments, seats below either",
            field=field,
        )


async def _contact_names(ctx: Ctx, contact_id: str) -> tuple[str, str]:
    """Name and title on the contact's record, as far as they have arrived here."""
    found = await ctx.session.get(ContactRef, contact_id)
    return (found.display_name, found.title) if found else ("", "")
