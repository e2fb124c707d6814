"""Use cases of account teams."""

from __future__ import annotations

from protobuf.wkt import FieldMask
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_customer.customers.model import Customer
from facet_customer.staff.service import require_staff
from facet_customer.teams.model import AccountTeamMember, team_member_map
from facet_kit.context import Ctx
from facet_kit.errors import Conflict, Forbidden, NotFound
from facet_kit.refs import remove_team_member, store_team_member

WITH_STAFF = (joinedload(AccountTeamMember.staff),)


async def add(ctx: Ctx, customer_id: str, message: pb.AccountTeamMember) -> AccountTeamMember:
    """Adds a member of staff to a customer's team, which gives him sight of it and of all below it (CUS-14).

    Raises:
        Invalid: the role is empty, or the person is unknown or has left.
        Conflict: the person is in the team already.
        Forbidden: the caller does not see all that the member would see.
    """
    customer = await ctx.get(Customer, customer_id)
    await _require_whole_sight(ctx, customer)
    person = await require_staff(ctx, message.staff_id, "account_team_member.staff_id")
    taken = select(AccountTeamMember.id).where(
        AccountTeamMember.customer_id == customer.id, AccountTeamMember.staff_id == person.id
    )
    if (await ctx.session.execute(taken)).scalar_one_or_none():
        raise Conflict(
            "MEMBER_ALREADY",
            f"{person.display_name} is in the team already. Change the role there instead.",
            metadata={"staff_id": person.id},
        )
    member = AccountTeamMember(
        id=ctx.ids.new(), customer_id=customer.id, staff_id=person.id, staff=person, role=message.role
    )
    member.check()
    member.added()
    ctx.add(member)
    await ctx.flush()
    await store_team_member(ctx.session, team_member_map.to_message(member))
    ctx.touch_account(customer.id)
    return member


async def update(
    ctx: Ctx, message: pb.AccountTeamMember, mask: FieldMask | None, etag: str
) -> AccountTeamMember:
    """Changes a member's role in the team.

    Raises:
        NotFound: the customer's team has no such member.
        Invalid: the role is empty, or another field is to be changed.
    """
    member = await get(ctx, message.customer_id, message.id, etag=etag)
    changed = team_member_map.apply(member, message, mask, allowed=("role",), prefix="account_team_member.")
    if changed:
        member.check()
        member.updated(changed)
        await ctx.flush()
        ctx.touch_account(member.customer_id)
    return member


async def remove(ctx: Ctx, customer_id: str, member_id: str, etag: str) -> None:
    """Takes a member out of a team, and the sight of the customer with it.

    Raises:
        NotFound: the customer's team has no such member.
    """
    member = await get(ctx, customer_id, member_id, etag=etag)
    member.removed()
    member.delete_time = ctx.clock.now()
    await ctx.flush()
    await remove_team_member(ctx.session, team_member_map.to_message(member))
    ctx.touch_account(customer_id)


async def get(ctx: Ctx, customer_id: str, member_id: str, *, etag: str | None = None) -> AccountTeamMember:
    """A place in a customer's team.

    Raises:
        NotFound: the caller does not see the customer, or its team has no such member.
    """
    customer = await ctx.get(Customer, customer_id)
    member = await ctx.get(AccountTeamMember, member_id, etag=etag, options=WITH_STAFF)
    if member.customer_id != customer.id:
        raise NotFound("AccountTeamMember", member_id)
    return member


async def _require_whole_sight(ctx: Ctx, customer: Customer) -> None:
    """Nobody gives away more than he sees: a place at the top of a group shows the whole group."""
    if ctx.principal.full_scope:
        return
    count = select(func.count()).select_from(Customer).where(Customer.ancestor_ids.contains([customer.id]))
    seen = (await ctx.session.execute(count)).scalar_one()
    there = (await ctx.session.execute(count, execution_options={"unscoped": True})).scalar_one()
    if seen < there:
        raise Forbidden(
            "SIGHT_EXCEEDED",
            "The place would show more of the group than you see yourself. "
            "Add the member to a customer below, or ask somebody who sees the whole group.",
        )
