"""Use cases of assignments: which customer belongs to which node from when to when (CUS-03)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from sqlalchemy import select

from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_contracts.facet.customer.v1.events_pb import CustomerClassificationDue
from facet_customer.classification.model import ClassificationNode, CustomerClassification, classification_map
from facet_customer.classification.policy import take_over
from facet_customer.classification.trees import ancestors_of
from facet_customer.customers.hierarchy import store
from facet_customer.customers.model import Customer
from facet_customer.intervals import next_boundary, require_order
from facet_kit.context import Ctx, check_etag
from facet_kit.errors import Conflict, Invalid, NotFound
from facet_kit.mapping import parse_date


async def classify(ctx: Ctx, customer_id: str, message: pb.CustomerClassification) -> CustomerClassification:
    """Assigns a customer to a node; a new primary takes over from the dimension's primary of the same days.

    Raises:
        Invalid: the node is unknown, or the days overlap an assignment to the same node.
    """
    customer = await ctx.get(Customer, customer_id, for_update=True)
    node = await _node(ctx, message.node_id)
    values = classification_map.values(message, prefix="classification.")
    values |= {"customer_id": customer.id, "dimension_id": node.dimension_id}
    values["valid_from"] = values["valid_from"] or ctx.clock.today()
    new = CustomerClassification(id=ctx.ids.new(), **values)
    require_order(new.valid_from, new.valid_to, "classification.valid_to")
    for each in await _assignments(ctx, customer.id, dimension_id=node.dimension_id):
        if each.node_id == node.id and each.overlaps(new.valid_from, new.valid_to):
            raise Invalid(
                "CLASSIFICATION_OVERLAP",
                f"the customer belongs to the node since {each.valid_from.isoformat()} already; end that first",
                field="classification.valid_from",
                metadata={"classification_id": each.id},
            )
        if new.primary and each.primary:
            _hand_over(ctx, each, new)
    ctx.add(new)
    await _settle(ctx, customer)
    return new


async def end(
    ctx: Ctx, customer_id: str, classification_id: str, end_date: str, etag: str
) -> CustomerClassification:
    """Ends an assignment; `end_date` is the day after its last, today when empty.

    Raises:
        NotFound: the customer has no such assignment.
        Conflict: it has ended already.
        Invalid: it would end before it began.
    """
    customer = await ctx.get(Customer, customer_id, for_update=True)
    if etag:
        check_etag(customer, etag)
    found = [each for each in await _assignments(ctx, customer.id) if each.id == classification_id]
    if not found:
        raise NotFound("CustomerClassification", classification_id)
    ending, today = found[0], ctx.clock.today()
    if ending.valid_to is not None and ending.valid_to <= today:
        raise Conflict(
            "CLASSIFICATION_ENDED",
            f"The assignment ended on {ending.valid_to.isoformat()} already.",
            metadata={"classification_id": classification_id},
        )
    day = parse_date(end_date, "end_date") or today
    require_order(ending.valid_from, day, "end_date")
    ending.valid_to = day
    await _settle(ctx, customer)
    return ending


async def settle_due(ctx: Ctx, customer_id: str) -> None:
    """Brings into force what begins or ends by today; nothing happens when that is done already."""
    query = select(Customer).where(Customer.id == customer_id).with_for_update()
    customer = (await ctx.session.execute(query)).scalar_one_or_none()
    if customer is not None:
        await _settle(ctx, customer)


async def _settle(ctx: Ctx, customer: Customer) -> None:
    """Gives the customer the nodes of today, and sets the clock for the next day on which they change."""
    await ctx.flush()
    assignments = await _assignments(ctx, customer.id)
    today = ctx.clock.today()
    direct = {each.node_id for each in assignments if each.covers(today)}
    paths = await ancestors_of(ctx, direct)
    customer.classify(direct, {step for path in paths.values() for step in path})
    key = f"customer-classification:{customer.id}"
    due: date | None = next_boundary(assignments, today)
    if due is None:
        await ctx.cancel(key)
    else:
        midnight = datetime.combine(due, time(), UTC)
        await ctx.schedule(CustomerClassificationDue(customer_id=customer.id), deliver_at=midnight, key=key)
    await store(ctx, [customer])


def _hand_over(ctx: Ctx, present: CustomerClassification, new: CustomerClassification) -> None:
    """Lets a primary assignment go on as a plain one from the day the new primary begins."""
    outcome = take_over(present, new.valid_from, new.valid_to)
    if outcome is None:
        return
    if outcome.primary_until is None:
        present.primary = False
        return
    ctx.add(
        CustomerClassification(
            id=ctx.ids.new(),
            customer_id=present.customer_id,
            node_id=present.node_id,
            dimension_id=present.dimension_id,
            primary=False,
            valid_from=outcome.primary_until,
            valid_to=outcome.plain_to,
        )
    )
    present.valid_to = outcome.primary_until


async def _assignments(
    ctx: Ctx, customer_id: str, *, dimension_id: str = ""
) -> Sequence[CustomerClassification]:
    query = select(CustomerClassification).where(CustomerClassification.customer_id == customer_id)
    if dimension_id:
        query = query.where(CustomerClassification.dimension_id == dimension_id)
    return (await ctx.session.execute(query.order_by(CustomerClassification.valid_from))).scalars().all()


async def _node(ctx: Ctx, node_id: str) -> ClassificationNode:
    """The node, kept from deletion until this transaction ends."""
    query = select(ClassificationNode).where(ClassificationNode.id == node_id).with_for_update(read=True)
    node = (await ctx.session.execute(query)).scalar_one_or_none()
    if node is None:
        raise Invalid(
            "NODE_UNKNOWN", f"there is no node {node_id!r}; list the nodes", field="classification.node_id"
        )
    return node
