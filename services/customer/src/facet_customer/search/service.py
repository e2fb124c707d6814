"""Use cases of search: customers and contacts by whatever the caller knows of them (CUS-06)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select

from facet_customer.contacts.model import Contact
from facet_customer.contacts.service import WITH_AFFILIATIONS
from facet_customer.customers.model import Customer
from facet_kit.context import Ctx
from facet_kit.search import search_select

_DEFAULT_HITS = 20
_MAX_HITS = 100


async def customers(ctx: Ctx, query: str, page_size: int) -> Sequence[Customer]:
    """Customers in the caller's scope, best matches first."""
    statement = search_select(Customer, query, limit=_limit(page_size))
    return (await ctx.session.execute(statement)).scalars().all()


async def contacts(ctx: Ctx, query: str, page_size: int) -> Sequence[Contact]:
    """Contacts in the caller's scope, best matches first.

    Callers from outside find them by name only: a hit by phone would tell a number that they are not shown.
    """
    if ctx.principal.internal:
        statement = search_select(Contact, query, limit=_limit(page_size))
    else:
        named = select(Contact).where(Contact.display_name.icontains(query, autoescape=True))
        statement = named.order_by(func.length(Contact.display_name), Contact.id).limit(_limit(page_size))
    return (await ctx.session.execute(statement.options(*WITH_AFFILIATIONS))).scalars().all()


def _limit(page_size: int) -> int:
    return min(page_size or _DEFAULT_HITS, _MAX_HITS)
