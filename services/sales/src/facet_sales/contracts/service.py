"""Use cases of contracts, from draft to the end of their term."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from facet_contracts.facet.sales.v1 import contract_service_pb as rpc
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_contracts.facet.sales.v1.events_pb import ContractTermEnded
from facet_kit.context import Ctx
from facet_kit.entry import require_fields, require_filled
from facet_kit.errors import Conflict
from facet_kit.mapping import parse_date
from facet_kit.paging import ListSpec
from facet_sales.contracts.model import Contract, ContractParty, contract_map, party_map
from facet_sales.contracts.policy import end_of_term, term_is_over
from facet_sales.entry import (
    CONTRACT_NUMBERS,
    department_for,
    next_number,
    require_not_negative,
    updated_names,
)
from facet_sales.summary.booking import rebook
from facet_sales.valuation import rate_into

CONTRACTS = ListSpec(
    Contract,
    fields={
        "contract_number": Contract.contract_number,
        "display_name": Contract.display_name,
        "type": Contract.type,
        "customer_id": Contract.customer_id,
        "department_id": Contract.department_id,
        "region_id": Contract.region_id,
        "owner_id": Contract.owner_id,
        "state": Contract.state,
        "amount": Contract.amount_amount,
        "sign_date": Contract.sign_date,
        "valid_from": Contract.valid_from,
        "valid_to": Contract.valid_to,
    },
    order=("create_time", "valid_to", "amount", "contract_number"),
    custom_fields=True,
)

_ALWAYS_CHANGEABLE = ("display_name", "department_id", "owner_id", "custom_fields")
_DRAFT_CHANGEABLE = ("type", "sign_date", "valid_from", "valid_to", "amount", "exchange_rate", "parties")


async def create_contract(ctx: Ctx, request: rpc.CreateContractRequest, reporting: str) -> Contract:
    """Drafts a contract. `reporting` is the reporting currency.

    Raises:
        Conflict: another contract has the number.
        Invalid: names every required field that is empty; no such customer or department; the term is reversed.
    """
    message = request.contract
    assert message is not None  # the contract requires it
    require_fields(message, ["display_name", "type", "customer_id", "amount"], prefix="contract")
    customer = await ctx.customer(message.customer_id, field="contract.customer_id")
    contract = Contract(id=ctx.ids.new(), **contract_map.values(message, prefix="contract."))
    require_not_negative(contract.amount_amount, "contract.amount")
    contract.reporting_currency = reporting
    contract.exchange_rate = rate_into(reporting, contract.currency, contract.exchange_rate)
    contract.region_id = customer.region_id
    contract.department_id = await department_for(ctx, message.department_id, customer)
    contract.owner_id = message.owner_id or ctx.principal.person_id
    contract.contract_number = await _number(ctx, message.contract_number)
    contract.draft(_parties(ctx, message.parties))
    ctx.add(contract)
    await ctx.flush()
    await rebook(ctx, None, contract.share())
    return contract


async def update_contract(ctx: Ctx, request: rpc.UpdateContractRequest) -> Contract:
    """Changes a contract; what it says only while it is a draft. Raises Conflict, Invalid."""
    message = request.contract
    assert message is not None
    contract = await ctx.get(Contract, message.id, etag=request.etag, for_update=True)
    names = updated_names(message, request.update_mask, (*_ALWAYS_CHANGEABLE, *_DRAFT_CHANGEABLE))
    if names & {*_DRAFT_CHANGEABLE}:
        contract.require_draft("update")
    before, currency = contract.share(), contract.currency
    with ctx.session.no_autoflush:
        allowed = (*_ALWAYS_CHANGEABLE, *_DRAFT_CHANGEABLE)
        changed = contract_map.apply(
            contract, message, request.update_mask, allowed=allowed, prefix="contract."
        )
        require_filled(contract, ["display_name", "owner_id"], prefix="contract")
        require_not_negative(contract.amount_amount, "contract.amount")
        kept_rate = contract.currency == currency or "exchange_rate" in changed
        contract.exchange_rate = rate_into(
            contract.reporting_currency, contract.currency, contract.exchange_rate if kept_rate else None
        )
        if "department_id" in changed:
            customer = await ctx.customer(contract.customer_id)
            contract.department_id = await department_for(ctx, contract.department_id, customer)
        if "parties" in names:
            contract.parties = _parties(ctx, message.parties)
            changed.add("parties")
    if changed:
        contract.updated()
        await ctx.flush()
        await rebook(ctx, before, contract.share())
    await ctx.flush()
    return contract


async def activate_contract(ctx: Ctx, request: rpc.ActivateContractRequest) -> Contract:
    """Puts a draft in force and sets the clock for the end of its term. Raises Conflict, Invalid."""
    contract = await ctx.get(Contract, request.contract_id, etag=request.etag, for_update=True)
    before = contract.share()
    contract.activate(ctx.clock.now())
    await ctx.flush()
    await rebook(ctx, before, contract.share())
    if contract.valid_to is not None:
        await ctx.schedule(
            ContractTermEnded(contract_id=contract.id),
            deliver_at=end_of_term(contract.valid_to),
            key=_term_key(contract),
        )
    return contract


async def terminate_contract(ctx: Ctx, request: rpc.TerminateContractRequest) -> Contract:
    """Ends a contract in force before its term. Raises Conflict, Invalid (no such day)."""
    contract = await ctx.get(Contract, request.contract_id, etag=request.etag, for_update=True)
    before = contract.share()
    day = parse_date(request.terminate_date, "terminate_date") or ctx.clock.today()
    contract.terminate(request.reason, day)
    await ctx.flush()
    await ctx.cancel(_term_key(contract))
    await rebook(ctx, before, contract.share())
    return contract


async def expire_contract(ctx: Ctx, request: rpc.ExpireContractRequest) -> Contract:
    """Marks a contract as expired whose term is over. Raises Conflict."""
    contract = await ctx.get(Contract, request.contract_id, etag=request.etag, for_update=True)
    await _expire(ctx, contract)
    await ctx.cancel(_term_key(contract))
    return contract


async def expire_when_over(ctx: Ctx, contract_id: str) -> None:
    """Lets a contract expire when its clock rings; does nothing for one that is over or gone already."""
    query = select(Contract).where(Contract.id == contract_id).with_for_update()
    contract = (await ctx.session.execute(query)).scalar_one_or_none()
    in_force = contract is not None and contract.state is pb.ContractState.ACTIVE
    if contract is not None and in_force and term_is_over(contract.valid_to, ctx.clock.today()):
        await _expire(ctx, contract)


async def _expire(ctx: Ctx, contract: Contract) -> None:
    before = contract.share()
    contract.expire(ctx.clock.today())
    await ctx.flush()
    await rebook(ctx, before, contract.share())


async def _number(ctx: Ctx, wanted: str) -> str:
    if not wanted:
        return await next_number(ctx, CONTRACT_NUMBERS, "CT", ctx.clock.today())
    table = Contract.__table__  # numbers are unique beyond the caller's scope
    taken = select(table.c.id).where(table.c.contract_number == wanted)
    if (await ctx.session.execute(taken)).first() is not None:
        raise Conflict(
            "CONTRACT_NUMBER_TAKEN",
            f"There is a contract {wanted!r} already. Choose another number, or leave it empty to be given one.",
            metadata={"contract_number": wanted},
        )
    return wanted


def _parties(ctx: Ctx, messages: Sequence[pb.ContractParty]) -> list[ContractParty]:
    return [
        ContractParty(
            id=ctx.ids.new(),
            position=place,
            **party_map.values(message, prefix=f"contract.parties[{place}]."),
        )
        for place, message in enumerate(messages)
    ]


def _term_key(contract: Contract) -> str:
    return f"contract-term:{contract.id}"
