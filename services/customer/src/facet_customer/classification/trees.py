"""Use cases of dimensions and their trees of nodes. Which customer belongs where is in `service`."""

from __future__ import annotations

from protobuf.wkt import FieldMask
from sqlalchemy import ColumnElement, exists, select

from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_customer.classification.model import (
    ClassificationDimension,
    ClassificationNode,
    CustomerClassification,
    dimension_map,
    node_map,
)
from facet_customer.customers.hierarchy import store
from facet_customer.customers.model import Customer
from facet_customer.trees import rehang
from facet_kit.context import Ctx
from facet_kit.errors import Conflict, Invalid


async def create_dimension(ctx: Ctx, message: pb.ClassificationDimension) -> ClassificationDimension:
    """Creates a dimension.

    Raises:
        Invalid: code or name is empty.
        Conflict: the code is taken.
    """
    dimension = ClassificationDimension(
        id=ctx.ids.new(), **dimension_map.values(message, prefix="dimension.")
    )
    dimension.check()
    taken = select(ClassificationDimension.id).where(ClassificationDimension.code == dimension.code)
    _refuse_taken((await ctx.session.execute(taken)).scalar_one_or_none(), "dimension", dimension.code)
    dimension.created()
    ctx.add(dimension)
    await ctx.flush()
    return dimension


async def update_dimension(
    ctx: Ctx, message: pb.ClassificationDimension, mask: FieldMask | None, etag: str
) -> ClassificationDimension:
    """Changes name or description.

    Raises:
        Invalid: the name is empty, or a field cannot be changed.
    """
    dimension = await ctx.get(ClassificationDimension, message.id, etag=etag)
    allowed = ("display_name", "description")
    changed = dimension_map.apply(dimension, message, mask, allowed=allowed, prefix="dimension.")
    if changed:
        dimension.check()
        dimension.updated(changed)
        await ctx.flush()
    return dimension


async def delete_dimension(ctx: Ctx, dimension_id: str, etag: str) -> None:
    """Deletes a dimension without nodes.

    Raises:
        Conflict: it has nodes.
    """
    dimension = await ctx.get(ClassificationDimension, dimension_id, etag=etag, for_update=True)
    nodes = select(exists().where(ClassificationNode.dimension_id == dimension.id, _alive()))
    if (await ctx.session.execute(nodes)).scalar_one():
        raise Conflict(
            "DIMENSION_IN_USE",
            f"The dimension {dimension.display_name!r} still has nodes. Delete them first.",
        )
    dimension.deleted()
    dimension.delete_time = ctx.clock.now()
    await ctx.flush()


async def create_node(ctx: Ctx, dimension_id: str, message: pb.ClassificationNode) -> ClassificationNode:
    """Creates a node at the top of a dimension or under a parent.

    Raises:
        Invalid: code or name is empty; the parent is unknown or of another dimension.
        Conflict: the dimension has the code already.
    """
    dimension = await ctx.get(ClassificationDimension, dimension_id, for_update=True)
    values = node_map.values(message, prefix="node.") | {"dimension_id": dimension.id}
    node = ClassificationNode(id=ctx.ids.new(), **values)
    node.check()
    await _require_free_code(ctx, node)
    node.hang_under(await _parent(ctx, dimension.id, message.parent_id, "node.parent_id"))
    node.created()
    ctx.add(node)
    await ctx.flush()
    return node


async def update_node(
    ctx: Ctx, message: pb.ClassificationNode, mask: FieldMask | None, etag: str
) -> ClassificationNode:
    """Changes code or name.

    Raises:
        Invalid: empty, or a field that cannot be changed.
        Conflict: the dimension has the code already.
    """
    node = await ctx.get(ClassificationNode, message.id, etag=etag)
    changed = node_map.apply(node, message, mask, allowed=("code", "display_name"), prefix="node.")
    if changed:
        node.check()
        if "code" in changed:
            await _require_free_code(ctx, node)
        node.updated(changed)
        await ctx.flush()
    return node


async def move_node(ctx: Ctx, node_id: str, parent_id: str, etag: str) -> ClassificationNode:
    """Hangs a node with all below it under another parent; its customers' paths follow (CUS-03).

    Raises:
        Conflict: the parent lies below the node.
        Invalid: the parent is unknown or of another dimension.
    """
    dimension_id = (await ctx.get(ClassificationNode, node_id)).dimension_id
    await ctx.get(ClassificationDimension, dimension_id, for_update=True)
    node = await ctx.get(ClassificationNode, node_id, etag=etag, for_update=True)
    parent = await _parent(ctx, dimension_id, parent_id, "parent_id")
    below = select(ClassificationNode).where(ClassificationNode.ancestor_ids.contains([node.id]))
    fresh = below.execution_options(populate_existing=True)
    moved = rehang(node, parent, (await ctx.session.execute(fresh)).scalars().all())
    for each, previous in moved:
        each.moved(previous)
    await ctx.flush()
    if moved:
        await _follow(ctx, [each.id for each, _ in moved])
    return node


async def delete_node(ctx: Ctx, node_id: str, etag: str) -> None:
    """Deletes a node that nothing uses.

    Raises:
        Conflict: nodes lie below it, or customers are, were or will be assigned to it.
    """
    node = await ctx.get(ClassificationNode, node_id, etag=etag, for_update=True)
    uses = {
        "nodes below it": exists().where(ClassificationNode.parent_id == node.id, _alive()),
        "customers assigned to it": exists().where(CustomerClassification.node_id == node.id),
    }
    for user, used in uses.items():
        if (await ctx.session.execute(select(used))).scalar_one():
            raise Conflict(
                "NODE_IN_USE",
                f"The node {node.display_name!r} has {user}. Move them first, or keep the node for its history.",
                metadata={"used_by": user},
            )
    node.deleted()
    node.delete_time = ctx.clock.now()
    await ctx.flush()


async def ancestors_of(ctx: Ctx, node_ids: set[str]) -> dict[str, list[str]]:
    """The paths of nodes by id, each from the top node to the node itself."""
    if not node_ids:
        return {}
    query = select(ClassificationNode.id, ClassificationNode.ancestor_ids).where(
        ClassificationNode.id.in_(node_ids)
    )
    return {row.id: row.ancestor_ids for row in await ctx.session.execute(query)}


async def _follow(ctx: Ctx, node_ids: list[str]) -> None:
    """Gives all customers of moved nodes their new paths, whoever may see them."""
    query = select(Customer).where(Customer.node_ids.overlap(node_ids)).order_by(Customer.id)
    found = await ctx.session.execute(
        query.with_for_update(), execution_options={"unscoped": True, "populate_existing": True}
    )
    customers = found.scalars().all()
    paths = await ancestors_of(ctx, {node_id for each in customers for node_id in each.node_ids})
    changed = [
        each
        for each in customers
        if each.classify(each.node_ids, {step for node_id in each.node_ids for step in paths[node_id]})
    ]
    await store(ctx, changed)


async def _parent(ctx: Ctx, dimension_id: str, parent_id: str, field: str) -> ClassificationNode | None:
    if not parent_id:
        return None
    query = select(ClassificationNode).where(
        ClassificationNode.id == parent_id, ClassificationNode.dimension_id == dimension_id
    )
    fresh = query.with_for_update(read=True).execution_options(populate_existing=True)
    parent = (await ctx.session.execute(fresh)).scalar_one_or_none()
    if parent is None:
        raise Invalid(
            "NODE_UNKNOWN", f"there is no node {parent_id!r} in this dimension; list its nodes", field=field
        )
    return parent


async def _require_free_code(ctx: Ctx, node: ClassificationNode) -> None:
    query = select(ClassificationNode.id).where(
        ClassificationNode.dimension_id == node.dimension_id,
        ClassificationNode.code == node.code,
        ClassificationNode.id != node.id,
    )
    with ctx.session.no_autoflush:
        taken = (await ctx.session.execute(query)).scalar_one_or_none()
    _refuse_taken(taken, "node", node.code)


def _refuse_taken(taken: str | None, kind: str, code: str) -> None:
    if taken:
        raise Conflict(
            "CODE_TAKEN",
            f"The {kind} {taken!r} has the code {code!r} already. Use that one, or choose another code.",
            metadata={"id": taken, "code": code},
        )


def _alive() -> ColumnElement[bool]:
    return ClassificationNode.delete_time.is_(None)
