"""Use cases of departments and regions. Both are trees of units, so each use case takes the tree it works on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from protobuf.wkt import FieldMask
from sqlalchemy import ColumnElement, delete, exists, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_customer.customers.model import Customer
from facet_customer.organisation.model import Department, Region, department_map, region_map
from facet_customer.staff.model import Staff
from facet_customer.trees import rehang
from facet_kit.context import Ctx
from facet_kit.errors import Conflict, Invalid
from facet_kit.mapping import Mapper
from facet_kit.refs import OrgRef, store_department, store_region

Unit = TypeVar("Unit", Department, Region)


@dataclass(frozen=True, slots=True)
class UnitTree(Generic[Unit]):
    """One of the two trees: its entity, how it is mapped and replicated, and the field that refers to it."""

    entity: type[Unit]
    field: str
    map: Mapper[Unit, Any]
    store: Callable[[AsyncSession, Any], Awaitable[None]]

    @property
    def reference(self) -> str:
        """Name of the columns that refer to a unit of this tree."""
        return f"{self.field}_id"


DEPARTMENTS = UnitTree(Department, "department", department_map, store_department)
REGIONS = UnitTree(Region, "region", region_map, store_region)


async def create_unit(ctx: Ctx, tree: UnitTree[Unit], message: pb.Department | pb.Region) -> Unit:
    """Creates a unit under its parent, or at the top.

    Raises:
        Invalid: code or name is empty; the parent is unknown.
        Conflict: the code is taken.
    """
    await _lock(ctx, tree)
    unit = tree.entity(id=ctx.ids.new(), **tree.map.values(message, prefix=f"{tree.field}."))
    unit.check(tree.field)
    await _require_free_code(ctx, tree, unit)
    unit.hang_under(await _parent(ctx, tree, message.parent_id, f"{tree.field}.parent_id"))
    unit.created()
    ctx.add(unit)
    await _store(ctx, tree, [unit])
    return unit


async def update_unit(
    ctx: Ctx, tree: UnitTree[Unit], message: pb.Department | pb.Region, mask: FieldMask | None, etag: str
) -> Unit:
    """Changes code or name.

    Raises:
        Invalid: empty, or a field that cannot be changed.
        Conflict: the code is taken.
    """
    unit = await ctx.get(tree.entity, message.id, etag=etag)
    changed = tree.map.apply(unit, message, mask, allowed=("code", "display_name"), prefix=f"{tree.field}.")
    if changed:
        unit.check(tree.field)
        if "code" in changed:
            await _require_free_code(ctx, tree, unit)
        unit.updated(changed)
        await _store(ctx, tree, [unit])
    return unit


async def move_unit(ctx: Ctx, tree: UnitTree[Unit], unit_id: str, parent_id: str, etag: str) -> Unit:
    """Hangs a unit, with all below it, under another parent; concurrent moves wait for each other.

    Raises:
        Conflict: the parent lies below the unit.
        Invalid: the parent is unknown.
    """
    await _lock(ctx, tree)
    unit = await ctx.get(tree.entity, unit_id, etag=etag)
    parent = await _parent(ctx, tree, parent_id, "parent_id")
    below = select(tree.entity).where(tree.entity.ancestor_ids.contains([unit.id]))
    moved = rehang(unit, parent, (await ctx.session.execute(below)).scalars().all())
    for each, previous in moved:
        each.moved(previous)
    await _store(ctx, tree, [each for each, _ in moved])
    return unit


async def delete_unit(ctx: Ctx, tree: UnitTree[Unit], unit_id: str, etag: str) -> None:
    """Deletes a unit that nothing uses.

    Raises:
        Conflict: units lie below it, or staff or customers are in it.
    """
    await _lock(ctx, tree)
    unit = await ctx.get(tree.entity, unit_id, etag=etag, for_update=True)
    for user, used in _uses(tree, unit.id):
        if (await ctx.session.execute(select(used))).scalar_one():
            raise Conflict(
                f"{tree.field.upper()}_IN_USE",
                f"The {tree.field} {unit.display_name!r} still has {user}. Move them elsewhere first.",
                metadata={"used_by": user},
            )
    unit.deleted()
    unit.delete_time = ctx.clock.now()
    await ctx.session.execute(delete(OrgRef).where(OrgRef.id == unit.id))
    await ctx.flush()


async def require_unit(ctx: Ctx, tree: UnitTree[Unit], unit_id: str, field: str) -> None:
    """Makes sure that a unit exists and stays until this transaction ends.

    Raises:
        Invalid: there is none; names `field`.
    """
    found = await ctx.session.execute(
        select(tree.entity.id).where(tree.entity.id == unit_id).with_for_update(read=True)
    )
    if found.scalar_one_or_none() is None:
        raise Invalid(
            f"{tree.field.upper()}_UNKNOWN", f"there is no {tree.field} {unit_id!r}; list them", field=field
        )


def _uses(tree: UnitTree[Unit], unit_id: str) -> list[tuple[str, ColumnElement[bool]]]:
    """What may use a unit, in words, with the question whether it does. Core columns: whoever may see the users."""
    units, staff, customers = tree.entity.__table__.c, Staff.__table__.c, Customer.__table__.c
    grants = staff[f"scope_{tree.reference}s"]
    return [
        (f"{tree.field}s below it", exists().where(units.parent_id == unit_id, units.delete_time.is_(None))),
        ("staff", exists().where(or_(staff[tree.reference] == unit_id, grants.contains([unit_id])))),
        ("customers", exists().where(customers[tree.reference] == unit_id)),
    ]


async def _lock(ctx: Ctx, tree: UnitTree[Unit]) -> None:
    """One change of a tree's shape at a time: two moves at once could close a ring together."""
    await ctx.session.execute(
        text("SELECT pg_advisory_xact_lock(hashtext(:tree))"), {"tree": f"facet.customer.{tree.field}"}
    )


async def _parent(ctx: Ctx, tree: UnitTree[Unit], parent_id: str, field: str) -> Unit | None:
    if not parent_id:
        return None
    query = select(tree.entity).where(tree.entity.id == parent_id).execution_options(populate_existing=True)
    parent = (await ctx.session.execute(query)).scalar_one_or_none()
    if parent is None:
        raise Invalid(
            f"{tree.field.upper()}_UNKNOWN", f"there is no {tree.field} {parent_id!r}; list them", field=field
        )
    return parent


async def _require_free_code(ctx: Ctx, tree: UnitTree[Unit], unit: Unit) -> None:
    with ctx.session.no_autoflush:
        query = select(tree.entity.id).where(tree.entity.code == unit.code, tree.entity.id != unit.id)
        taken = (await ctx.session.execute(query)).scalar_one_or_none()
    if taken:
        raise Conflict(
            "CODE_TAKEN",
            f"The {tree.field} {taken!r} has the code {unit.code!r} already. Use that one, or choose another code.",
            metadata={"id": taken, "code": unit.code},
        )


async def _store(ctx: Ctx, tree: UnitTree[Unit], units: list[Unit]) -> None:
    """Writes changes and this service's own replica, so that row scope follows at once."""
    await ctx.flush()
    for unit in units:
        await tree.store(ctx.session, tree.map.to_message(unit))
