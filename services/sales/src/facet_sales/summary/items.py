"""The short lists of the account sections: the ten items that matter most, read by index, never by scanning history."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from protobuf.wkt import Timestamp
from sqlalchemy import func, select

from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_contracts.facet.sales.v1 import summary_service_pb as rpc
from facet_kit.context import Ctx
from facet_kit.money import to_money
from facet_kit.summary import account_members
from facet_sales.contracts.model import Contract
from facet_sales.orders.model import Order
from facet_sales.orders.policy import UNDELIVERED_STATES
from facet_sales.pipeline.model import Opportunity, PipelineStage
from facet_sales.receivables.model import Invoice
from facet_sales.receivables.policy import OPEN_STATES, overdue_days

MOST: Final = 10
ENDING_SOON: Final = timedelta(days=90)
IN_FORCE: Final = Contract.state == pb.ContractState.ACTIVE


async def largest_opportunities(ctx: Ctx, customer_id: str) -> list[rpc.OpportunityItem]:
    """The largest open opportunities of an account, by what they are worth in the reporting currency."""
    query = (
        select(Opportunity, PipelineStage.display_name)
        .join(PipelineStage, PipelineStage.id == Opportunity.stage_id)
        .where(
            Opportunity.customer_id.in_(account_members(customer_id)),
            Opportunity.state == pb.OpportunityState.OPEN,
        )
        .order_by((Opportunity.amount_amount * Opportunity.exchange_rate).desc(), Opportunity.id)
        .limit(MOST)
    )
    return [
        rpc.OpportunityItem(
            opportunity_id=deal.id,
            display_name=deal.display_name,
            customer_id=deal.customer_id,
            stage=stage,
            amount=to_money(deal.amount_amount, deal.currency),
            win_probability=deal.win_probability,
            expected_close_date=deal.expected_close_date.isoformat(),
            owner_id=deal.owner_id,
        )
        for deal, stage in await ctx.session.execute(query)
    ]


async def newest_orders(ctx: Ctx, customer_id: str) -> list[rpc.OrderItem]:
    """The newest orders of an account that are handed in and not cancelled."""
    query = (
        select(Order)
        .where(
            Order.customer_id.in_(account_members(customer_id)),
            Order.state.not_in((pb.OrderState.DRAFT, pb.OrderState.CANCELLED)),
        )
        .order_by(Order.create_time.desc(), Order.id.desc())
        .limit(MOST)
    )
    return [
        rpc.OrderItem(
            order_id=order.id,
            order_number=order.order_number,
            customer_id=order.customer_id,
            state=order.state,
            total=to_money(order.total_amount, order.currency),
            required_ship_date=_text(order.required_ship_date),
            create_time=Timestamp.from_datetime(order.create_time),
        )
        for order in (await ctx.session.execute(query)).scalars()
    ]


async def next_ending_contracts(ctx: Ctx, customer_id: str) -> list[rpc.ContractItem]:
    """Contracts of an account in force, those that end first at the top."""
    query = (
        select(Contract)
        .where(Contract.customer_id.in_(account_members(customer_id)), IN_FORCE)
        .order_by(Contract.valid_to.asc().nulls_last(), Contract.id)
        .limit(MOST)
    )
    return [
        rpc.ContractItem(
            contract_id=contract.id,
            contract_number=contract.contract_number,
            display_name=contract.display_name,
            customer_id=contract.customer_id,
            type=contract.type,
            amount=to_money(contract.amount_amount, contract.currency),
            valid_to=_text(contract.valid_to),
        )
        for contract in (await ctx.session.execute(query)).scalars()
    ]


async def longest_open_invoices(ctx: Ctx, customer_id: str, today: date) -> list[rpc.InvoiceItem]:
    """Open invoices of an account, the longest overdue at the top."""
    query = (
        select(Invoice)
        .where(Invoice.customer_id.in_(account_members(customer_id)), Invoice.state.in_(OPEN_STATES))
        .order_by(Invoice.due_date, Invoice.id)
        .limit(MOST)
    )
    return [
        rpc.InvoiceItem(
            invoice_id=invoice.id,
            invoice_number=invoice.invoice_number,
            order_id=invoice.order_id,
            customer_id=invoice.customer_id,
            amount=to_money(invoice.amount_amount, invoice.currency),
            open=to_money(invoice.open_amount, invoice.currency),
            due_date=invoice.due_date.isoformat(),
            overdue_days=overdue_days(invoice.due_date, today),
        )
        for invoice in (await ctx.session.execute(query)).scalars()
    ]


async def count_ending_contracts(ctx: Ctx, customer_id: str, today: date) -> int:
    """How many contracts of an account in force end soon."""
    query = select(func.count(Contract.id)).where(
        Contract.customer_id.in_(account_members(customer_id)),
        IN_FORCE,
        Contract.valid_to <= today + ENDING_SOON,
    )
    return (await ctx.session.execute(query)).scalar_one()


async def next_commitments(ctx: Ctx, customer_id: str, today: date) -> list[rpc.CommitmentItem]:
    """Undelivered orders and contracts that end soon, the earliest date first, those without a date last."""
    found = [*await _undelivered(ctx, customer_id, today), *await _ending(ctx, customer_id, today)]
    return sorted(found, key=lambda item: (not item.due_date, item.due_date, item.display_name))[:MOST]


async def _undelivered(ctx: Ctx, customer_id: str, today: date) -> list[rpc.CommitmentItem]:
    query = (
        select(Order)
        .where(Order.customer_id.in_(account_members(customer_id)), Order.state.in_(UNDELIVERED_STATES))
        .order_by(Order.required_ship_date.asc().nulls_last(), Order.id)
        .limit(MOST)
    )
    return [
        rpc.CommitmentItem(
            order_id=order.id,
            display_name=order.order_number,
            customer_id=order.customer_id,
            due_date=_text(order.required_ship_date),
            amount=to_money(order.total_amount, order.currency),
            overdue=order.required_ship_date is not None and order.required_ship_date < today,
        )
        for order in (await ctx.session.execute(query)).scalars()
    ]


async def _ending(ctx: Ctx, customer_id: str, today: date) -> list[rpc.CommitmentItem]:
    query = (
        select(Contract)
        .where(
            Contract.customer_id.in_(account_members(customer_id)),
            IN_FORCE,
            Contract.valid_to <= today + ENDING_SOON,
        )
        .order_by(Contract.valid_to, Contract.id)
        .limit(MOST)
    )
    return [
        rpc.CommitmentItem(
            contract_id=contract.id,
            display_name=contract.contract_number,
            customer_id=contract.customer_id,
            due_date=_text(contract.valid_to),
            amount=to_money(contract.amount_amount, contract.currency),
            overdue=contract.valid_to is not None and contract.valid_to < today,
        )
        for contract in (await ctx.session.execute(query)).scalars()
    ]


def _text(day: date | None) -> str:
    return day.isoformat() if day else ""
