"""Use cases of the points ledger (MKT-10)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from protobuf import Message
from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert

from facet_contracts.facet.marketing.v1 import events_pb as events
from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_contracts.facet.marketing.v1.resources_pb import PointsEntryKind
from facet_kit.context import Ctx
from facet_kit.database.base import Base
from facet_kit.entry import require_fields
from facet_kit.errors import Conflict, Invalid, NotFound
from facet_kit.paging import ListSpec
from facet_kit.refs import CustomerRef
from facet_marketing.points.mapping import account_map, entry_map
from facet_marketing.points.model import PointsAccount, PointsEntry

entry_list = ListSpec(
    PointsEntry,
    fields={
        "customer_id": PointsEntry.customer_id,
        "kind": PointsEntry.kind,
        "reference": PointsEntry.reference,
        "department_id": PointsEntry.department_id,
        "region_id": PointsEntry.region_id,
    },
)
account_list = ListSpec(
    PointsAccount,
    fields={
        "customer_id": PointsAccount.customer_id,
        "balance": PointsAccount.balance,
        "department_id": PointsAccount.department_id,
        "region_id": PointsAccount.region_id,
    },
    order=("balance",),
    default_order="update_time desc",
)
_ACCOUNTS = Base.metadata.tables[PointsAccount.__tablename__]
_ENTRIES = PointsEntry.__table__.c


@dataclass(frozen=True, slots=True)
class _Movement:
    """What is to be entered: signed points, and how earned and burned change with them."""

    kind: PointsEntryKind
    points: int
    earned: int
    burned: int
    reference: str
    reason: str
    reverses: str = ""


async def create_entry(ctx: Ctx, asked: pb.PointsEntry) -> PointsEntry:
    """Gives points or spends them; the same reference twice acts once.

    Raises:
        Invalid: a field is missing or wrong, or the customer is unknown.
        Conflict: the reference stands for something else, or the balance does not suffice.
    """
    require_fields(asked, ("customer_id", "kind", "points", "reference"), prefix="points_entry")
    if asked.points < 0:
        raise Invalid(
            "POINTS", "ask for a positive number; the kind says which way", field="points_entry.points"
        )
    if asked.kind is PointsEntryKind.REVERSAL:
        raise Invalid("POINTS", "undo an entry with :reverse", field="points_entry.kind")
    customer = await ctx.customer(asked.customer_id)
    earns = asked.kind is PointsEntryKind.EARN
    movement = _Movement(
        kind=asked.kind,
        points=asked.points if earns else -asked.points,
        earned=asked.points if earns else 0,
        burned=0 if earns else asked.points,
        reference=asked.reference,
        reason=asked.reason,
    )
    balance = await _locked_balance(ctx, customer)
    known = await _by_reference(ctx, customer.customer_id, asked.reference)
    if known is not None:
        return _same(known, movement)
    if balance + movement.points < 0 and not earns:
        raise Conflict(
            "POINTS_INSUFFICIENT",
            f"The balance is {balance}; {asked.points} points cannot be spent.",
            metadata={"balance": str(balance), "points": str(asked.points)},
        )
    return await _enter(ctx, customer, movement)


async def _locked_balance(ctx: Ctx, customer: CustomerRef) -> int:
    """The customer's balance, locked until commit; opens the account where there is none."""
    place = {"department_id": customer.department_id, "region_id": customer.region_id}
    opened = insert(PointsAccount).values(
        customer_id=customer.customer_id,
        balance=0,
        earned=0,
        burned=0,
        event_seq=0,
        update_time=ctx.clock.now(),
        **place,
    )
    # The account follows the customer to another department or region.
    statement = opened.on_conflict_do_update(index_elements=["customer_id"], set_=place).returning(
        _ACCOUNTS.c.balance
    )
    return int((await ctx.session.execute(statement)).scalar_one())


async def _by_reference(ctx: Ctx, customer_id: str, reference: str) -> PointsEntry | None:
    """The entry with the reference, whoever may read it: what acted once does not act again for anybody."""
    query = select(PointsEntry).where(
        PointsEntry.customer_id == customer_id, PointsEntry.reference == reference
    )
    return (await ctx.session.execute(query.execution_options(unscoped=True))).scalar_one_or_none()


def _same(known: PointsEntry, movement: _Movement) -> PointsEntry:
    if (known.kind, known.points) != (movement.kind, movement.points):
        raise Conflict(
            "REFERENCE_USED",
            f"The reference {known.reference!r} stands for {known.kind.name} of {known.points} points already.",
            metadata={"points_entry_id": known.id, "reference": known.reference},
        )
    return known


async def _enter(ctx: Ctx, customer: CustomerRef, movement: _Movement) -> PointsEntry:
    """Writes the entry and moves the balance with it; the account's row is locked already."""
    columns = _ACCOUNTS.c
    moved = (
        update(_ACCOUNTS)
        .where(columns.customer_id == customer.customer_id)
        .values(
            balance=columns.balance + movement.points,
            earned=columns.earned + movement.earned,
            burned=columns.burned + movement.burned,
            event_seq=columns.event_seq + 1,
            update_time=ctx.clock.now(),
        )
        .returning(*columns)
    )
    account = PointsAccount(**dict((await ctx.session.execute(moved)).mappings().one()))
    entry = PointsEntry(
        id=ctx.ids.new(),
        customer_id=customer.customer_id,
        kind=movement.kind,
        points=movement.points,
        reference=movement.reference,
        reason=movement.reason,
        reverses_entry_id=movement.reverses,
        balance_after=account.balance,
        actor_id=ctx.principal.person_id,
        department_id=customer.department_id,
        region_id=customer.region_id,
        create_time=ctx.clock.now(),
    )
    ctx.add(entry)
    await ctx.flush()
    ctx.publish(_fact(entry, account), aggregate_id=customer.customer_id, version=account.event_seq)
    ctx.touch_account(customer.customer_id)
    return entry


def _fact(entry: PointsEntry, account: PointsAccount) -> Message[Any]:
    carried = {"points_entry": entry_map.to_message(entry), "points_account": account_map.to_message(account)}
    match entry.kind:
        case PointsEntryKind.EARN:
            return events.PointsEarned(**carried)
        case PointsEntryKind.BURN:
            return events.PointsBurned(**carried)
        case _:
            return events.PointsReversed(**carried)


async def get_entry(ctx: Ctx, entry_id: str) -> PointsEntry:
    """A ledger entry.

    Raises:
        NotFound: unknown or outside the caller's scope.
    """
    found = (
        await ctx.session.execute(select(PointsEntry).where(PointsEntry.id == entry_id))
    ).scalar_one_or_none()
    if found is None:
        raise NotFound("PointsEntry", entry_id)
    return found


async def reverse_entry(ctx: Ctx, entry_id: str, *, reason: str) -> PointsEntry:
    """Undoes an entry by its opposite. Points that were spent already leave the balance below zero: a refund is not
    refused because the points are gone, and nothing is spent until they are earned again.

    Raises:
        NotFound: unknown or outside the caller's scope.
        Conflict: it was undone before, or is a reversal itself.
    """
    entry = await get_entry(ctx, entry_id)
    if entry.kind is PointsEntryKind.REVERSAL:
        raise Conflict(
            "ILLEGAL_TRANSITION",
            "A reversal is not undone; make a new entry.",
            metadata={"state": entry.kind.name, "verb": "reverse"},
        )
    customer = await ctx.customer(entry.customer_id)
    await _locked_balance(ctx, customer)
    undone = select(_ENTRIES.id).where(_ENTRIES.reverses_entry_id == entry.id)
    if (await ctx.session.execute(undone)).first() is not None:
        raise Conflict(
            "ALREADY_REVERSED",
            f"The entry {entry.id!r} was undone before.",
            metadata={"state": "REVERSED", "verb": "reverse"},
        )
    earned = entry.kind is PointsEntryKind.EARN
    movement = _Movement(
        kind=PointsEntryKind.REVERSAL,
        points=-entry.points,
        earned=-entry.points if earned else 0,
        burned=0 if earned else entry.points,
        reference=f"reversal:{entry.id}",
        reason=reason,
        reverses=entry.id,
    )
    return await _enter(ctx, customer, movement)


async def get_account(ctx: Ctx, customer_id: str) -> pb.PointsAccount:
    """A customer's balance; zero when it never earned any.

    Raises:
        NotFound: the caller may not see the customer.
    """
    known = select(CustomerRef).where(CustomerRef.customer_id == customer_id)
    customer = (await ctx.session.execute(known)).scalar_one_or_none()
    if customer is None:
        raise NotFound("Customer", customer_id)
    mine = select(PointsAccount).where(PointsAccount.customer_id == customer_id)
    account = (await ctx.session.execute(mine.execution_options(unscoped=True))).scalar_one_or_none()
    if account is not None:
        return account_map.to_message(account)
    return pb.PointsAccount(
        customer_id=customer_id, department_id=customer.department_id, region_id=customer.region_id
    )
