"""Use cases of opportunities, from the first entry to won or lost."""

from __future__ import annotations

from sqlalchemy import select, update

from facet_contracts.facet.sales.v1 import pipeline_service_pb as rpc
from facet_kit.context import Ctx
from facet_kit.entry import require_fields, require_filled
from facet_kit.errors import Conflict, Invalid, NotFound
from facet_kit.paging import ListSpec
from facet_kit.refs import CustomerRef
from facet_sales.entry import department_for, require_not_negative
from facet_sales.pipeline.model import (
    Opportunity,
    OpportunityRevision,
    Pipeline,
    PipelineStage,
    opportunity_map,
)
from facet_sales.pipeline.policy import StageVisit, stage_visits
from facet_sales.summary.booking import rebook
from facet_sales.valuation import rate_into

OPPORTUNITIES = ListSpec(
    Opportunity,
    fields={
        "customer_id": Opportunity.customer_id,
        "department_id": Opportunity.department_id,
        "region_id": Opportunity.region_id,
        "owner_id": Opportunity.owner_id,
        "pipeline_id": Opportunity.pipeline_id,
        "stage_id": Opportunity.stage_id,
        "state": Opportunity.state,
        "amount": Opportunity.amount_amount,
        "win_probability": Opportunity.win_probability,
        "expected_close_date": Opportunity.expected_close_date,
        "display_name": Opportunity.display_name,
    },
    order=("create_time", "expected_close_date", "amount", "display_name"),
    custom_fields=True,
)

_CHANGEABLE = (
    "display_name",
    "department_id",
    "owner_id",
    "amount",
    "exchange_rate",
    "win_probability",
    "expected_close_date",
    "source",
    "custom_fields",
)
_KEPT = ("display_name", "owner_id", "expected_close_date", "win_probability")
_NEVER_PURSUED = "DO_NOT_PURSUE"


async def create_opportunity(ctx: Ctx, request: rpc.CreateOpportunityRequest, reporting: str) -> Opportunity:
    """Enters a deal with a customer (SAL-01). `reporting` is the reporting currency.

    Raises:
        Conflict: the relationship strategy says not to pursue the customer.
        Invalid: a required field is empty; no such customer, department, pipeline or stage.
    """
    message = request.opportunity
    assert message is not None  # the contract requires it
    required = ["display_name", "customer_id", "pipeline_id", "amount", "expected_close_date"]
    require_fields(message, required, prefix="opportunity")
    customer = await ctx.customer(message.customer_id, field="opportunity.customer_id")
    _refuse_unpursued(customer)
    stage = await _first_or_named_stage(ctx, message.pipeline_id, message.stage_id)
    deal = Opportunity(**opportunity_map.values(message, prefix="opportunity."))
    require_not_negative(deal.amount_amount, "opportunity.amount")
    deal.reporting_currency = reporting
    deal.exchange_rate = rate_into(reporting, deal.currency, deal.exchange_rate)
    deal.region_id = customer.region_id
    deal.department_id = await department_for(ctx, message.department_id, customer)
    deal.owner_id = message.owner_id or ctx.principal.person_id
    ctx.add(deal)
    by_hand = message.win_probability if message.has_field("win_probability") else None
    deal.open_in(stage, by_hand, ctx.clock.now())
    await ctx.flush()
    ctx.add(OpportunityRevision.of(deal, ctx.ids.new(), ctx.clock.now()))
    await rebook(ctx, None, deal.share())
    await ctx.flush()
    return deal


async def update_opportunity(ctx: Ctx, request: rpc.UpdateOpportunityRequest) -> Opportunity:
    """Changes an open deal. Raises Conflict when it is closed, Invalid for empty required fields."""
    message = request.opportunity
    assert message is not None
    deal = await ctx.get(Opportunity, message.id, etag=request.etag, for_update=True)
    deal.require_open("update")
    before, currency = deal.share(), deal.currency
    with ctx.session.no_autoflush:
        changed = opportunity_map.apply(
            deal, message, request.update_mask, allowed=_CHANGEABLE, prefix="opportunity."
        )
        require_filled(deal, _KEPT, prefix="opportunity")
        require_not_negative(deal.amount_amount, "opportunity.amount")
        kept_rate = deal.currency == currency or "exchange_rate" in changed
        deal.exchange_rate = rate_into(
            deal.reporting_currency, deal.currency, deal.exchange_rate if kept_rate else None
        )
        if "department_id" in changed:
            customer = await ctx.customer(deal.customer_id)
            deal.department_id = await department_for(ctx, deal.department_id, customer)
    if changed:
        deal.updated()
        await _revise(ctx, deal)
        await rebook(ctx, before, deal.share())
    await ctx.flush()
    return deal


async def advance_opportunity(ctx: Ctx, request: rpc.AdvanceOpportunityRequest) -> Opportunity:
    """Moves a deal to another stage of its pipeline. Raises Conflict (closed, same stage), Invalid (foreign stage)."""
    deal = await ctx.get(Opportunity, request.opportunity_id, etag=request.etag, for_update=True)
    stage = await _first_or_named_stage(ctx, deal.pipeline_id, request.stage_id)
    before = deal.share()
    deal.advance(stage, ctx.clock.now())
    await _revise(ctx, deal)
    await rebook(ctx, before, deal.share())
    await ctx.flush()
    return deal


async def win_opportunity(ctx: Ctx, request: rpc.WinOpportunityRequest) -> Opportunity:
    """Closes a deal as won. Raises Conflict when it is closed already."""
    deal = await ctx.get(Opportunity, request.opportunity_id, etag=request.etag, for_update=True)
    before = deal.share()
    deal.win(request.reason, request.competitor, ctx.clock.now())
    await _revise(ctx, deal)
    await rebook(ctx, before, deal.share())
    await ctx.flush()
    return deal


async def lose_opportunity(ctx: Ctx, request: rpc.LoseOpportunityRequest) -> Opportunity:
    """Closes a deal as lost. Raises Conflict when it is closed already."""
    deal = await ctx.get(Opportunity, request.opportunity_id, etag=request.etag, for_update=True)
    before = deal.share()
    deal.lose(request.reason, request.competitor, ctx.clock.now())
    await _revise(ctx, deal)
    await rebook(ctx, before, deal.share())
    await ctx.flush()
    return deal


async def list_stage_visits(ctx: Ctx, opportunity_id: str) -> list[StageVisit]:
    """The stages a deal went through, oldest first (SAL-01)."""
    deal = await ctx.get(Opportunity, opportunity_id)
    revisions = (
        select(OpportunityRevision.stage_id, OpportunityRevision.valid_from)
        .where(OpportunityRevision.opportunity_id == deal.id)
        .order_by(OpportunityRevision.valid_from, OpportunityRevision.id)
    )
    changes = [(stage_id, at) for stage_id, at in await ctx.session.execute(revisions)]
    return stage_visits(changes, deal.close_time)


async def _revise(ctx: Ctx, deal: Opportunity) -> None:
    """Ends the present revision and starts the next; all of a deal's revisions together leave no instant out."""
    now = ctx.clock.now()
    await ctx.flush()
    present = update(OpportunityRevision).where(
        OpportunityRevision.opportunity_id == deal.id, OpportunityRevision.valid_to.is_(None)
    )
    await ctx.session.execute(present.values(valid_to=now))
    ctx.add(OpportunityRevision.of(deal, ctx.ids.new(), now))


async def _first_or_named_stage(ctx: Ctx, pipeline_id: str, stage_id: str) -> PipelineStage:
    try:
        pipeline = await ctx.get(Pipeline, pipeline_id)
    except NotFound as missing:
        raise Invalid(
            "PIPELINE_UNKNOWN", f"There is no pipeline {pipeline_id!r}.", field="pipeline_id"
        ) from missing
    stage = pipeline.stage(stage_id) if stage_id else pipeline.stages[0]
    if stage is None:
        names = ", ".join(f"{each.display_name} ({each.id})" for each in pipeline.stages)
        raise Invalid(
            "STAGE_UNKNOWN",
            f"{stage_id!r} is no stage of {pipeline.display_name!r}; these are: {names}",
            field="stage_id",
        )
    return stage


def _refuse_unpursued(customer: CustomerRef) -> None:
    """A customer not to be pursued gets no opportunities; orders it places itself are welcome."""
    if customer.relationship_strategy == _NEVER_PURSUED:
        raise Conflict(
            "CUSTOMER_NOT_PURSUED",
            f"{customer.name} is marked as not to be pursued. Enter an order if it orders by itself, or have the "
            "relationship strategy changed first.",
            metadata={"customer_id": customer.customer_id},
        )
