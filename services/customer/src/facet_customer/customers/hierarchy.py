"""Groups of customers: locking, moving within and between them, and their roll-up (CUS-14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from facet_contracts.facet.customer.v1 import customer_service_pb as rpc
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_contracts.facet.customer.v1.resources_pb import CustomerStatus
from facet_customer.customers.model import Customer, customer_map
from facet_customer.trees import in_tree_order, rehang
from facet_kit.context import Ctx
from facet_kit.errors import Conflict, Invalid, NotFound
from facet_kit.refs import store_customer
from facet_kit.summary import org_names, slices

MEMBERS_SHOWN = 2000
_LOCK_ATTEMPTS = 5


async def move(ctx: Ctx, customer_id: str, parent_id: str, etag: str) -> Customer:
    """Hangs a customer, with all below it, under another parent, or takes it out of its group (empty `parent_id`).

    Members outside the caller's scope move along: the group is one thing. Concurrent moves in the groups concerned wait
    for each other, so that no two can close a ring together.

    Raises:
        Conflict: the parent lies below the customer.
        Invalid: the parent is unknown to the caller or merged away.
    """
    await lock_groups(ctx, customer_id, parent_id)
    customer = await ctx.get(Customer, customer_id, etag=etag)
    parent = await parent_of(ctx, parent_id, "parent_id")
    below = select(Customer).where(Customer.ancestor_ids.contains([customer.id]))
    members = (await ctx.session.execute(below, execution_options={"unscoped": True})).scalars().all()
    former = list(customer.ancestor_ids)
    moved = rehang(customer, parent, members)
    for each, previous in moved:
        each.moved(previous)
    await store(ctx, [each for each, _ in moved])
    if moved:
        ctx.touch_account(*former)
    return customer


async def parent_of(ctx: Ctx, parent_id: str, field: str) -> Customer | None:
    """The customer that another one is to hang under; None for the empty id. Call `lock_groups` first.

    Raises:
        Invalid: unknown to the caller or merged away; names `field`.
    """
    if not parent_id:
        return None
    query = select(Customer).where(Customer.id == parent_id).execution_options(populate_existing=True)
    parent = (await ctx.session.execute(query)).scalar_one_or_none()
    if parent is None or parent.status is CustomerStatus.MERGED:
        raise Invalid(
            "CUSTOMER_UNKNOWN",
            f"there is no customer {parent_id!r} in use that you may see; search for it",
            field=field,
        )
    return parent


async def lock_groups(ctx: Ctx, *customer_ids: str, shared: bool = False) -> None:
    """Locks the tops of the groups of these customers until commit, in the order of their ids.

    `shared` is enough for who adds members; who moves some needs the groups alone.

    Raises:
        Conflict: the customers kept changing groups meanwhile.
    """
    columns = Customer.__table__.c
    wanted = [each for each in customer_ids if each]
    if not wanted:
        return
    groups = select(columns.group_id).where(columns.id.in_(wanted))
    locked: set[str] = set()
    for _ in range(_LOCK_ATTEMPTS):
        present = set((await ctx.session.execute(groups)).scalars())
        if present <= locked:
            return
        roots = select(columns.id).where(columns.id.in_(present)).order_by(columns.id)
        await ctx.session.execute(roots.with_for_update(read=shared))
        locked |= present
    raise Conflict("CONCURRENT_CHANGE", "The groups changed at the same moment. Read them again and retry.")


async def store(ctx: Ctx, customers: Sequence[Customer]) -> None:
    """Writes changes and this service's own replica, and says that the accounts changed."""
    await ctx.flush()
    for customer in customers:
        await store_replica(ctx.session, customer)
        ctx.touch_account(customer.id)


async def store_replica(session: AsyncSession, customer: Customer) -> None:
    """Writes this service's own replica of a flushed customer, so that row scope follows at once."""
    await store_customer(session, customer_map.to_message(customer))


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """The members of a group below one customer that the caller may see, with their numbers."""

    members: list[Customer]
    slices: Sequence[Row[str, str, int, int]]

    @property
    def member_count(self) -> int:
        """All members, also those beyond the limit of `members`."""
        return sum(row.member_count for row in self.slices)


async def hierarchy_of(ctx: Ctx, customer_id: str, *, limit: int = MEMBERS_SHOWN) -> Hierarchy:
    """A customer and all below it as far as the caller sees, parents before children, with counts (CUS-14).

    Raises:
        NotFound: the caller sees none of them, or there is no such customer.
    """
    inside = Customer.ancestor_ids.contains([customer_id])
    rows = await count_by_place(ctx, inside)
    if not rows:
        raise NotFound("Customer", customer_id)
    query = (
        select(Customer)
        .where(inside)
        .order_by(func.cardinality(Customer.ancestor_ids), Customer.display_name, Customer.id)
        .limit(limit)
    )
    found = {each.id: each for each in (await ctx.session.execute(query)).scalars()}
    ordered = in_tree_order([each.ancestor_ids for each in found.values()])
    return Hierarchy([found[each] for each in ordered], rows)


async def count_by_place(ctx: Ctx, condition: ColumnElement[bool]) -> Sequence[Row[str, str, int, int]]:
    """Numbers of customers in the caller's scope by department and region: rows with `member_count`."""
    query = (
        select(
            Customer.department_id,
            Customer.region_id,
            func.count().label("member_count"),
            func.count().filter(Customer.key_account).label("key_account_count"),
        )
        .where(condition)
        .group_by(Customer.department_id, Customer.region_id)
    )
    return (await ctx.session.execute(query)).all()


def member_message(member: Customer, top_id: str) -> pb.HierarchyMember:
    """A member as the hierarchy below `top_id` shows it."""
    return pb.HierarchyMember(
        customer_id=member.id,
        display_name=member.display_name,
        parent_id=member.parent_id,
        depth=len(member.ancestor_ids) - 1 - member.ancestor_ids.index(top_id),
        department_id=member.department_id,
        region_id=member.region_id,
        owner_id=member.owner_id,
        kind=member.kind,
        status=member.status,
        lifecycle_stage=member.lifecycle_stage,
        key_account=member.key_account,
    )


async def hierarchy_message(ctx: Ctx, customer_id: str) -> rpc.CustomerHierarchy:
    """The answer for a customer's hierarchy.

    Raises:
        NotFound: see `hierarchy_of`.
    """
    found = await hierarchy_of(ctx, customer_id)
    names = await org_names(
        ctx, [place for row in found.slices for place in (row.department_id, row.region_id)]
    )
    return rpc.CustomerHierarchy(
        customer_id=customer_id,
        group_id=found.members[0].group_id,
        members=[member_message(member, customer_id) for member in found.members],
        member_count=found.member_count,
        by_department=slices(found.slices, "department_id", names=names, count="member_count"),
        by_region=slices(found.slices, "region_id", names=names, count="member_count"),
    )
