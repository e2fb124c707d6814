"""Pipelines and opportunities on a real database: stage history, closing, and forecasts of now and of the past."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from protobuf.wkt import FieldMask, Timestamp

from facet_contracts.facet.sales.v1 import events_pb as facts
from facet_contracts.facet.sales.v1 import pipeline_service_pb as rpc
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.errors import Conflict, Invalid, NotFound, Stale
from facet_kit.testing.principals import a_principal


async def call(desk: Any, name: str, request: Any, principal: Any = None) -> Any:
    return await desk.call("Pipeline", name, request, principal)


async def advance(desk: Any, deal: pb.Opportunity, stage_id: str, principal: Any = None) -> pb.Opportunity:
    request = rpc.AdvanceOpportunityRequest(opportunity_id=deal.id, etag=deal.etag, stage_id=stage_id)
    return await call(desk, "advance_opportunity", request, principal or desk.rep)


async def forecast(
    desk: Any, line: pb.Pipeline, start: str, end: str, principal: Any = None, **more: Any
) -> Any:
    request = rpc.ForecastWeightedRequest(from_=start, to=end, pipeline_id=line.id, **more)
    return await call(desk, "forecast_weighted", request, principal)


@pytest.fixture
def backdated(desk: Any) -> Any:
    """Lets principals set the clock of their calls, as the loader of history may."""
    desk.service.app.database.backdating = True
    yield
    desk.service.app.database.backdating = False


@pytest.mark.capability("SAL-01")
async def test_stage_history_keeps_the_time_spent_in_every_stage(desk: Any, backdated: None) -> None:
    line = await desk.a_pipeline()
    customer = await desk.a_customer()

    def on(day: int) -> Any:
        return replace(desk.rep, at=datetime(2026, 3, day, tzinfo=UTC))

    deal = await desk.an_opportunity(customer, line, principal=on(1))
    deal = await advance(desk, deal, line.stages[1].id, on(4))
    renamed = rpc.UpdateOpportunityRequest(
        opportunity=pb.Opportunity(id=deal.id, display_name="Bigger plant"), etag=deal.etag
    )
    deal = await call(desk, "update_opportunity", renamed, on(5))
    deal = await advance(desk, deal, line.stages[0].id, on(9))
    won = rpc.WinOpportunityRequest(
        opportunity_id=deal.id, etag=deal.etag, reason="best service", competitor="Acme"
    )
    deal = await call(desk, "win_opportunity", won, on(10))
    assert (deal.state, deal.win_probability, deal.competitor) == (pb.OpportunityState.WON, 100, "Acme")
    history = await call(
        desk, "get_opportunity_stage_history", rpc.GetOpportunityStageHistoryRequest(opportunity_id=deal.id)
    )
    spent = [(visit.stage_id, visit.duration.to_timedelta().days) for visit in history.visits]
    assert spent == [(line.stages[0].id, 3), (line.stages[1].id, 5), (line.stages[0].id, 1)]
    mine = [event for event in await desk.service.events() if getattr(event, "opportunity", None)]
    kinds = [type(event).__name__ for event in mine if event.opportunity.id == deal.id]
    assert kinds == [
        "OpportunityCreated",
        "OpportunityAdvanced",
        "OpportunityUpdated",
        "OpportunityAdvanced",
        "OpportunityWon",
    ]


@pytest.mark.capability("SAL-03")
async def test_the_forecast_of_any_period_is_the_sum_of_weighted_amounts_and_the_past_stays_reproducible(
    desk: Any, backdated: None
) -> None:
    line = await desk.a_pipeline(10, 50)
    north = await desk.a_customer(region_id="reg-n")
    south = await desk.a_customer(region_id="reg-s")
    early = replace(desk.rep, at=datetime(2026, 1, 1, tzinfo=UTC))
    later = replace(desk.rep, at=datetime(2026, 2, 1, tzinfo=UTC))
    one = await desk.an_opportunity(north, line, principal=early, amount=desk.money("1000.05"))
    await desk.an_opportunity(
        south,
        line,
        principal=early,
        amount=desk.money("200.00", "USD"),
        exchange_rate="7.1",
        win_probability=33,
    )
    await desk.an_opportunity(south, line, principal=early, expected_close_date="2027-01-01")
    await advance(desk, one, line.stages[1].id, later)
    now = await forecast(desk, line, "2026-06-01", "2026-06-30")
    assert (now.total.count, now.total.amount.amount) == (2, "2420.05")
    assert now.total.weighted_amount.amount == str(Decimal("500.03") + Decimal("468.60"))
    assert {row.id: row.weighted_amount.amount for row in now.by_region} == {
        "reg-n": "500.03",
        "reg-s": "468.60",
    }
    assert {row.id: row.count for row in now.by_owner} == {desk.rep.person_id: 2}
    assert [row.id for row in now.by_department] == ["dep-own"]
    then = Timestamp.from_datetime(datetime(2026, 1, 15, tzinfo=UTC))
    past = await forecast(desk, line, "2026-06-01", "2026-06-30", as_of=then)
    assert past.total.weighted_amount.amount == str(Decimal("100.01") + Decimal("468.60"))
    before = Timestamp.from_datetime(datetime(2025, 12, 31, tzinfo=UTC))
    assert (await forecast(desk, line, "2026-06-01", "2026-06-30", as_of=before)).total.count == 0
    assert (await forecast(desk, line, "2026-07-01", "2026-12-31")).total.count == 0
    only_north = a_principal("sales_rep", region_ids=["reg-n"])
    seen = await forecast(desk, line, "2026-06-01", "2026-06-30", only_north)
    assert seen.total.weighted_amount.amount == "500.03"
    nobody = a_principal("sales_rep")
    assert (await forecast(desk, line, "2026-06-01", "2026-06-30", nobody)).total.count == 0


async def test_a_forecast_needs_a_period_that_runs_forward(desk: Any) -> None:
    line = await desk.a_pipeline()
    for start, end in (("2026-02-30", "2026-03-01"), ("2026-03-02", "2026-03-01")):
        with pytest.raises(Invalid):
            await forecast(desk, line, start, end)


async def test_a_customer_not_to_be_pursued_gets_no_opportunity_but_may_order(desk: Any) -> None:
    line = await desk.a_pipeline()
    unwanted = await desk.a_customer(relationship_strategy="DO_NOT_PURSUE")
    with pytest.raises(Conflict) as refused:
        await desk.an_opportunity(unwanted, line)
    assert refused.value.reason == "CUSTOMER_NOT_PURSUED"
    assert (await desk.an_order(unwanted)).state is pb.OrderState.DRAFT


async def test_an_opportunity_names_what_is_missing_or_unknown(desk: Any) -> None:
    line = await desk.a_pipeline()
    with pytest.raises(Invalid) as refused:
        await call(
            desk, "create_opportunity", rpc.CreateOpportunityRequest(opportunity=pb.Opportunity()), desk.rep
        )
    assert [violation.field for violation in refused.value.violations] == [
        "opportunity.display_name",
        "opportunity.customer_id",
        "opportunity.pipeline_id",
        "opportunity.amount",
        "opportunity.expected_close_date",
    ]
    customer = await desk.a_customer()
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"stage_id": "no-such"}, "stage_id"),
        ({"pipeline_id": "no-such"}, "pipeline_id"),
        ({"department_id": "no-such"}, "department_id"),
        ({"amount": desk.money("5.00", "EUR")}, "exchange_rate"),
        ({"amount": desk.money("-5.00")}, "opportunity.amount"),
    ]
    for fields, field in wrong:
        with pytest.raises(Invalid) as refused:
            await desk.an_opportunity(customer, line, **fields)
        assert refused.value.violations[0].field == field
    with pytest.raises(Invalid) as unseen:
        await desk.an_opportunity(customer, line, principal=a_principal("sales_rep", region_ids=["far"]))
    assert unseen.value.reason == "CUSTOMER_UNKNOWN"


async def test_updates_need_the_present_etag_and_stop_when_the_deal_is_closed(desk: Any) -> None:
    line = await desk.a_pipeline()
    deal = await desk.an_opportunity(await desk.a_customer(), line)
    change = pb.Opportunity(id=deal.id, amount=desk.money("10.00", "USD"), exchange_rate="7")
    mask = FieldMask(paths=["amount", "exchange_rate"])
    request = rpc.UpdateOpportunityRequest(opportunity=change, update_mask=mask, etag=deal.etag)
    changed = await call(desk, "update_opportunity", request, desk.rep)
    assert (changed.weighted_amount.amount, changed.weighted_amount.currency) == ("7.00", "CNY")
    with pytest.raises(Stale):
        await call(desk, "update_opportunity", request, desk.rep)
    back = rpc.UpdateOpportunityRequest(
        opportunity=pb.Opportunity(id=deal.id, amount=desk.money("10.00")),
        update_mask=FieldMask(paths=["amount"]),
        etag=changed.etag,
    )
    again = await call(desk, "update_opportunity", back, desk.rep)
    assert (again.exchange_rate, again.weighted_amount.amount) == ("1", "1.00")
    lose = rpc.LoseOpportunityRequest(
        opportunity_id=deal.id, etag=again.etag, reason="price", competitor="Acme"
    )
    lost = await call(desk, "lose_opportunity", lose, desk.rep)
    assert (lost.close_reason, lost.weighted_amount.amount) == ("price", "0.00")
    request = rpc.UpdateOpportunityRequest(opportunity=change, update_mask=mask, etag=lost.etag)
    with pytest.raises(Conflict):
        await call(desk, "update_opportunity", request, desk.rep)


async def test_a_stage_in_use_cannot_be_removed(desk: Any) -> None:
    line = await desk.a_pipeline(10, 20)
    await desk.an_opportunity(await desk.a_customer(), line)
    kept = pb.PipelineStage(id=line.stages[1].id, display_name="Offer", win_probability=60)
    new = pb.PipelineStage(display_name="Signature", win_probability=90)

    async def change(*stages: pb.PipelineStage) -> pb.Pipeline:
        request = rpc.UpdatePipelineRequest(
            pipeline=pb.Pipeline(id=line.id, stages=list(stages)),
            update_mask=FieldMask(paths=["stages"]),
            etag=line.etag,
        )
        return await call(desk, "update_pipeline", request)

    with pytest.raises(Conflict) as refused:
        await change(kept, new)
    assert refused.value.reason == "STAGE_IN_USE"
    with pytest.raises(Invalid):
        await change()
    changed = await change(new, line.stages[0], kept)
    assert [stage.display_name for stage in changed.stages] == ["Signature", "Stage 1", "Offer"]
    assert [stage.position for stage in changed.stages] == [1, 2, 3]
    assert changed.stages[1].id == line.stages[0].id
    assert len(await desk.service.events(facts.PipelineUpdated)) >= 1


async def test_opportunities_are_scoped_filtered_and_ordered(desk: Any) -> None:
    line = await desk.a_pipeline()
    customer = await desk.a_customer(region_id="reg-q")
    small = await desk.an_opportunity(customer, line, amount=desk.money("1.00"))
    large = await desk.an_opportunity(customer, line, amount=desk.money("9.00"))
    request = rpc.ListOpportunitiesRequest(
        filter=f'pipeline_id = "{line.id}" AND state = "OPEN" AND expected_close_date < "2026-12-31"',
        order_by="amount desc",
    )
    page = await call(desk, "list_opportunities", request)
    assert [deal.id for deal in page.opportunities] == [large.id, small.id]
    stranger = a_principal("sales_rep", region_ids=["elsewhere"])
    assert not (await call(desk, "list_opportunities", request, stranger)).opportunities
    with pytest.raises(NotFound):
        await call(desk, "get_opportunity", rpc.GetOpportunityRequest(opportunity_id=small.id), stranger)
    neighbour = a_principal("sales_rep", region_ids=["reg-q"])
    assert len((await call(desk, "list_opportunities", request, neighbour)).opportunities) == 2
