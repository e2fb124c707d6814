"""Reads the frequency ledger under lock. It looks over all touches, whoever may read them: the caps bind everybody."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, func, select, text

from facet_kit.context import Ctx
from facet_marketing.touches.model import Touch
from facet_marketing.touches.policy import Frequency, Ledger, Spent

_TOUCHES = Touch.__table__.c
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")


async def lock(ctx: Ctx, customer_id: str, contact_id: str) -> None:
    """Lets one decision at a time be made for an account and a person; held until commit.

    Always the account first, then the person, so that two callers cannot wait for each other.
    """
    await ctx.session.execute(_LOCK, {"key": f"touch:account:{customer_id}"})
    if contact_id:
        await ctx.session.execute(_LOCK, {"key": f"touch:person:{contact_id}"})


async def read(ctx: Ctx, policy: Frequency, customer_id: str, contact_id: str, *, now: datetime) -> Ledger:
    """What account and person have received within the window, and the latest complaint that concerns them."""
    since = now - policy.window
    account = await _spent(ctx, _TOUCHES.customer_id == customer_id, since)
    person = await _spent(ctx, _TOUCHES.contact_id == contact_id, since) if contact_id else []
    # A complaint about a touch of the whole account silences the account, one of a person silences that person.
    concerned = (_TOUCHES.customer_id == customer_id) & (_TOUCHES.contact_id == "")
    if contact_id:
        concerned |= _TOUCHES.contact_id == contact_id
    query = select(func.max(_TOUCHES.complaint_time)).where(concerned)
    complaint = (await ctx.session.execute(query)).scalar_one_or_none()
    return Ledger(person, account, complaint)


async def _spent(ctx: Ctx, whose: ColumnElement[bool], since: datetime) -> list[Spent]:
    query = select(_TOUCHES.touch_time, _TOUCHES.weight).where(
        whose, _TOUCHES.touch_time > since, _TOUCHES.weight > 0
    )
    return [Spent(at, weight) for at, weight in await ctx.session.execute(query)]
