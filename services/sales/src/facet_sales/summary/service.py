"""Answers for an account's sales sections: totals from the kept rows, and the few items that matter most.

Two figures depend on the day and are therefore read from open records, by index: what is overdue, and which contracts
end soon. History is never added up.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select

from facet_contracts.facet.sales.v1 import summary_service_pb as rpc
from facet_contracts.facet.type.v1.account_pb import SliceTotal
from facet_contracts.facet.type.v1.money_pb import Money
from facet_kit.context import Ctx
from facet_kit.money import minor_units, to_money
from facet_kit.summary import account_members, org_names, require_account, slices, summary_time
from facet_sales.contracts.model import Contract
from facet_sales.receivables.model import Invoice
from facet_sales.receivables.policy import OPEN_STATES
from facet_sales.summary import items
from facet_sales.summary.model import SalesSummary, SalesYear


@dataclass(frozen=True, slots=True)
class Account:
    """An account as its sections see it: who asks for what, when, in which currency."""

    ctx: Ctx
    customer_id: str
    today: date
    reporting: str
    rows: Sequence[SalesSummary]
    years: Sequence[SalesYear]
    names: dict[str, str]

    def total(self, measure: str) -> Decimal:
        """Sum of a measure over the account's rows."""
        return sum((Decimal(getattr(row, measure)) for row in self.rows), Decimal(0))

    def money(self, measure: str) -> Money:
        """The same, as money in the reporting currency."""
        return to_money(self.total(measure), self.reporting)

    def this_year(self, measure: str) -> Money:
        """Sum of a measure over this year's rows."""
        amounts = (getattr(row, measure) for row in self.years if row.year == self.today.year)
        return to_money(sum(amounts, Decimal(0)), self.reporting)

    def slices(self, by: str, count: str, amount: str) -> list[SliceTotal]:
        """Totals by "department_id" or "region_id"."""
        return slices(self.rows, by, names=self.names, count=count, amount=amount, currency=self.reporting)


async def account_summary(ctx: Ctx, customer_id: str, reporting: str) -> rpc.AccountSummary:
    """All sales sections of a customer and everything below it. Raises NotFound: no such customer for this caller."""
    as_of = await summary_time(ctx)
    await require_account(ctx, customer_id)
    members = account_members(customer_id)
    kept = select(SalesSummary).where(SalesSummary.customer_id.in_(members))
    rows = (await ctx.session.execute(kept)).scalars().all()
    by_year = select(SalesYear).where(SalesYear.customer_id.in_(members))
    years = (await ctx.session.execute(by_year)).scalars().all()
    places = {row.department_id for row in rows} | {row.region_id for row in rows}
    names = await org_names(ctx, places)
    account = Account(ctx, customer_id, ctx.clock.today(), reporting, rows, years, names)
    return rpc.AccountSummary(
        as_of=as_of,
        pipeline=await _pipeline(account),
        orders=await _orders(account),
        contracts=await _contracts(account),
        receivables=await _receivables(account),
        commitments=await _commitments(account),
    )


async def _pipeline(account: Account) -> rpc.PipelineSection:
    count, amount = "open_opportunities", "open_opportunity_amount"
    return rpc.PipelineSection(
        totals=rpc.PipelineTotals(
            open_count=int(account.total(count)),
            open_amount=account.money(amount),
            weighted_amount=account.money("weighted_amount"),
            won_count=int(account.total("won_opportunities")),
            lost_count=int(account.total("lost_opportunities")),
        ),
        by_department=account.slices("department_id", count, amount),
        by_region=account.slices("region_id", count, amount),
        opportunities=await items.largest_opportunities(account.ctx, account.customer_id),
    )


async def _orders(account: Account) -> rpc.OrdersSection:
    count, amount = "open_orders", "open_order_amount"
    return rpc.OrdersSection(
        totals=rpc.OrdersTotals(
            open_count=int(account.total(count)),
            open_amount=account.money(amount),
            revenue_this_year=account.this_year("invoiced_amount"),
            shipped_this_year=account.this_year("shipped_amount"),
            settled_count=int(account.total("settled_orders")),
        ),
        by_department=account.slices("department_id", count, amount),
        by_region=account.slices("region_id", count, amount),
        orders=await items.newest_orders(account.ctx, account.customer_id),
    )


async def _contracts(account: Account) -> rpc.ContractsSection:
    count, amount = "active_contracts", "active_contract_amount"
    nearest = await account.ctx.session.scalar(
        select(func.min(Contract.valid_to)).where(
            Contract.customer_id.in_(account_members(account.customer_id)), items.IN_FORCE
        )
    )
    return rpc.ContractsSection(
        totals=rpc.ContractsTotals(
            active_count=int(account.total(count)),
            active_amount=account.money(amount),
            nearest_expiry_date=nearest.isoformat() if nearest else "",
        ),
        by_department=account.slices("department_id", count, amount),
        by_region=account.slices("region_id", count, amount),
        contracts=await items.next_ending_contracts(account.ctx, account.customer_id),
    )


async def _receivables(account: Account) -> rpc.ReceivablesSection:
    count, amount = "open_invoices", "open_invoice_amount"
    in_reporting = func.round(Invoice.open_amount * Invoice.exchange_rate, minor_units(account.reporting))
    overdue = select(func.count(), func.coalesce(func.sum(in_reporting), Decimal(0))).where(
        Invoice.customer_id.in_(account_members(account.customer_id)),
        Invoice.state.in_(OPEN_STATES),
        Invoice.due_date < account.today,
    )
    overdue_count, overdue_amount = (await account.ctx.session.execute(overdue)).one()
    return rpc.ReceivablesSection(
        totals=rpc.ReceivablesTotals(
            open_count=int(account.total(count)),
            open_amount=account.money(amount),
            overdue_count=overdue_count,
            overdue_amount=to_money(overdue_amount, account.reporting),
            paid_this_year=account.this_year("paid_amount"),
            last_payment_date=_latest(row.last_payment_date for row in account.years),
        ),
        by_department=account.slices("department_id", count, amount),
        by_region=account.slices("region_id", count, amount),
        invoices=await items.longest_open_invoices(account.ctx, account.customer_id, account.today),
    )


async def _commitments(account: Account) -> rpc.CommitmentsSection:
    count, amount = "undelivered_orders", "undelivered_amount"
    return rpc.CommitmentsSection(
        totals=rpc.CommitmentsTotals(
            undelivered_count=int(account.total(count)),
            undelivered_amount=account.money(amount),
            contracts_ending_count=await items.count_ending_contracts(
                account.ctx, account.customer_id, account.today
            ),
        ),
        by_department=account.slices("department_id", count, amount),
        by_region=account.slices("region_id", count, amount),
        commitments=await items.next_commitments(account.ctx, account.customer_id, account.today),
    )


def _latest(days: Iterable[date | None]) -> str:
    known = [day for day in days if day]
    return max(known).isoformat() if known else ""
