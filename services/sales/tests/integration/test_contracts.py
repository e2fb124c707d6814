"""Contracts on a real database: entry, coming into force, and the clock that ends their term."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from protobuf.wkt import FieldMask
from sqlalchemy import select

from facet_contracts.facet.sales.v1 import contract_service_pb as rpc
from facet_contracts.facet.sales.v1 import events_pb as facts
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.clock import SystemClock
from facet_kit.errors import Conflict, Invalid, NotFound, Stale
from facet_kit.messaging.tables import OutboxRow
from facet_kit.testing.principals import a_principal

State = pb.ContractState
YESTERDAY = (SystemClock().today() - timedelta(days=1)).isoformat()


async def call(desk: Any, name: str, request: Any, principal: Any = None) -> Any:
    return await desk.call("Contract", name, request, principal)


async def read(desk: Any, contract: pb.Contract) -> pb.Contract:
    return await call(desk, "get_contract", rpc.GetContractRequest(contract_id=contract.id))


async def timers(desk: Any, contract: pb.Contract) -> list[OutboxRow]:
    async with desk.service.session() as session:
        query = select(OutboxRow).where(
            OutboxRow.timer_key == f"contract-term:{contract.id}", OutboxRow.published_at.is_(None)
        )
        return list((await session.execute(query)).scalars())


async def test_a_contract_comes_into_force_with_dates_and_both_sides(desk: Any) -> None:
    customer = await desk.a_customer()
    draft = await desk.a_contract(customer, sign_date="", valid_from="", parties=[])
    with pytest.raises(Invalid) as refused:
        await desk.activate(draft)
    assert len(refused.value.violations) == 4
    change = pb.Contract(
        id=draft.id,
        sign_date="2026-01-02",
        valid_from="2026-01-03",
        parties=[
            pb.ContractParty(role=pb.ContractPartyRole.OWN, display_name="Facet", signatory="Ms Li"),
            pb.ContractParty(
                role=pb.ContractPartyRole.CUSTOMER, display_name="北京众思", customer_id=customer.customer_id
            ),
        ],
    )
    request = rpc.UpdateContractRequest(contract=change, etag=draft.etag)
    ready = await call(desk, "update_contract", request)
    active = await desk.activate(ready)
    assert (active.state, [party.display_name for party in active.parties]) == (
        State.ACTIVE,
        ["Facet", "北京众思"],
    )
    assert active.contract_number.startswith("CT")
    fixed = rpc.UpdateContractRequest(
        contract=pb.Contract(id=draft.id, valid_to="2026-02-02"), etag=active.etag
    )
    with pytest.raises(Conflict):
        await call(desk, "update_contract", fixed)
    renamed = rpc.UpdateContractRequest(
        contract=pb.Contract(id=draft.id, display_name="Frame B"),
        update_mask=FieldMask(paths=["display_name"]),
        etag=active.etag,
    )
    assert (await call(desk, "update_contract", renamed)).display_name == "Frame B"
    with pytest.raises(Stale):
        await call(desk, "update_contract", renamed)
    events = [
        event for event in await desk.service.events(facts.ContractActivated) if event.contract.id == draft.id
    ]
    assert len(events[0].contract.parties) == 2


async def test_a_contract_number_is_given_once(desk: Any) -> None:
    customer = await desk.a_customer()
    number = desk.unique("C")
    await desk.a_contract(customer, contract_number=number)
    with pytest.raises(Conflict) as refused:
        await desk.a_contract(customer, contract_number=number)
    assert refused.value.reason == "CONTRACT_NUMBER_TAKEN"


async def test_a_term_cannot_end_before_it_begins(desk: Any) -> None:
    with pytest.raises(Invalid) as refused:
        await desk.a_contract(await desk.a_customer(), valid_from="2026-03-01", valid_to="2026-02-01")
    assert refused.value.violations[0].field == "contract.valid_to"


async def test_a_contract_expires_by_its_clock_once(desk: Any) -> None:
    contract = await desk.activate(await desk.a_contract(await desk.a_customer(), valid_to=YESTERDAY))
    waiting = await timers(desk, contract)
    assert [row.deliver_at.date().isoformat() for row in waiting] == [SystemClock().today().isoformat()]
    ringing = facts.ContractTermEnded(contract_id=contract.id)
    event_id = await desk.service.deliver(ringing, aggregate_id=waiting[0].aggregate_id)
    assert (await read(desk, contract)).state is State.EXPIRED
    await desk.service.deliver(ringing, aggregate_id=waiting[0].aggregate_id, event_id=event_id)
    await desk.service.deliver(ringing, aggregate_id=waiting[0].aggregate_id)
    expired = [
        event
        for event in await desk.service.events(facts.ContractExpired)
        if event.contract.id == contract.id
    ]
    assert len(expired) == 1


async def test_a_clock_that_rings_too_early_changes_nothing(desk: Any) -> None:
    contract = await desk.activate(await desk.a_contract(await desk.a_customer()))
    await desk.service.deliver(facts.ContractTermEnded(contract_id=contract.id))
    await desk.service.deliver(facts.ContractTermEnded(contract_id="gone"))
    assert (await read(desk, contract)).state is State.ACTIVE


async def test_termination_stops_the_clock(desk: Any) -> None:
    contract = await desk.activate(await desk.a_contract(await desk.a_customer()))
    assert len(await timers(desk, contract)) == 1
    request = rpc.TerminateContractRequest(
        contract_id=contract.id, etag=contract.etag, reason="merger", terminate_date="2026-05-05"
    )
    ended = await call(desk, "terminate_contract", request)
    assert (ended.state, ended.terminate_date, ended.terminate_reason) == (
        State.TERMINATED,
        "2026-05-05",
        "merger",
    )
    assert await timers(desk, contract) == []
    with pytest.raises(Conflict):
        await desk.activate(ended)


async def test_expiring_by_hand_needs_a_term_that_is_over(desk: Any) -> None:
    running = await desk.activate(await desk.a_contract(await desk.a_customer()))
    request = rpc.ExpireContractRequest(contract_id=running.id, etag=running.etag)
    with pytest.raises(Conflict) as refused:
        await call(desk, "expire_contract", request)
    assert refused.value.reason == "TERM_RUNS"
    over = await desk.activate(await desk.a_contract(await desk.a_customer(), valid_to=YESTERDAY))
    request = rpc.ExpireContractRequest(contract_id=over.id, etag=over.etag)
    assert (await call(desk, "expire_contract", request)).state is State.EXPIRED


async def test_contracts_are_scoped_filtered_and_shown_to_their_customer(desk: Any) -> None:
    customer = await desk.a_customer(region_id="reg-c")
    contract = await desk.a_contract(customer)
    request = rpc.ListContractsRequest(
        filter=f'customer_id = "{customer.customer_id}" AND type = "FRAMEWORK" AND valid_to > "2090-01-01"',
        order_by="valid_to",
    )
    assert [each.id for each in (await call(desk, "list_contracts", request)).contracts] == [contract.id]
    nobody = a_principal("sales_rep")
    assert not (await call(desk, "list_contracts", request, nobody)).contracts
    with pytest.raises(NotFound):
        await call(desk, "get_contract", rpc.GetContractRequest(contract_id=contract.id), nobody)
    user = a_principal("customer", group_id=customer.group_id)
    seen = await call(desk, "get_contract", rpc.GetContractRequest(contract_id=contract.id), user)
    assert (seen.contract_number, seen.amount.amount, seen.owner_id) == (
        contract.contract_number,
        "50000.00",
        "",
    )
    assert [party.display_name for party in seen.parties] == [customer.name, "Facet Industries"]
