"""Separation of duties on the real database: parallel requests, API keys, administrators, and the tables."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from facet_contracts.facet.sales.v1 import order_service_pb as rpc
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.errors import Conflict, FacetError, Forbidden
from facet_kit.testing.principals import a_principal, an_administrator, an_api_key_of


async def decisions(desk: Any, order: pb.Order) -> list[pb.OrderDecision]:
    request = rpc.ListOrderDecisionsRequest(order_id=order.id)
    return list((await desk.call("Order", "list_order_decisions", request)).order_decisions)


async def test_no_administrator_and_no_api_key_passes_an_order_through_two_duties(desk: Any) -> None:
    admin = an_administrator()
    key = an_api_key_of(admin)
    order = await desk.submit(await desk.an_order(await desk.a_customer(), principal=admin), admin)
    for same_person in (admin, key):
        with pytest.raises(Forbidden) as refused:
            await desk.approve(order, same_person)
        assert refused.value.reason == "SEPARATION_OF_DUTIES"
    order = await desk.approve(order)
    for same_person in (admin, key, an_api_key_of(desk.reviewer, roles=frozenset({"administrator"}))):
        with pytest.raises(Forbidden):
            await desk.finance_approve(order, same_person)
    order = await desk.finance_approve(order)
    assert len({order.submitted_by, order.approved_by, order.finance_approved_by}) == 3


async def test_duties_hold_over_rejections_and_reopenings_and_the_log_keeps_all_rounds(desk: Any) -> None:
    order = await desk.an_approved_order(await desk.a_customer())
    reopen = rpc.ReopenOrderRequest(order_id=order.id, etag=order.etag, reason="credit limit")
    order = await desk.call("Order", "reopen_order", reopen, desk.finance)
    assert (order.state, order.approved_by, order.state_reason) == (pb.OrderState.DRAFT, "", "credit limit")
    for bound in (desk.reviewer, desk.finance):
        everything = an_api_key_of(bound, roles=frozenset({"administrator"}))
        with pytest.raises(Forbidden):
            await desk.submit(order, everything)
    order = await desk.submit(order, desk.manager)
    with pytest.raises(Forbidden):
        await desk.approve(order, an_api_key_of(desk.rep, roles=frozenset({"administrator"})))
    reject = rpc.RejectOrderRequest(order_id=order.id, etag=order.etag, reason="price")
    order = await desk.call("Order", "reject_order", reject, desk.reviewer)
    log = await decisions(desk, order)
    assert [(entry.round, entry.duty.name, entry.decision.name) for entry in log] == [
        (1, "SUBMISSION", "SUBMITTED"),
        (1, "COMMERCIAL_APPROVAL", "APPROVED"),
        (1, "FINANCE_APPROVAL", "APPROVED"),
        (1, "FINANCE_APPROVAL", "REOPENED"),
        (2, "SUBMISSION", "SUBMITTED"),
        (2, "COMMERCIAL_APPROVAL", "REJECTED"),
    ]
    assert log[3].reason == "credit limit"
    assert {entry.policy_version for entry in log} == {"order-duties/1"}
    assert {entry.amount.amount for entry in log} == {"200.00"}


async def test_parallel_requests_of_one_person_for_two_duties_never_both_succeed(desk: Any) -> None:
    customer = await desk.a_customer()
    for _ in range(5):
        order = await desk.submit(await desk.an_order(customer))
        person = an_administrator()
        keys = [an_api_key_of(person) for _ in range(3)]

        async def approve(principal: Any, order: pb.Order = order) -> str:
            try:
                await desk.approve(order, principal)
            except FacetError as refusal:
                return refusal.reason
            return "approved"

        async def finance_approve(principal: Any, order: pb.Order = order) -> str:
            for _ in range(20):
                seen = await desk.read(order)
                try:
                    await desk.finance_approve(seen, principal)
                except Forbidden as refusal:
                    return refusal.reason
                except FacetError:
                    await asyncio.sleep(0)
                    continue
                return "finance approved"
            return "gave up"

        outcomes = await asyncio.gather(
            *(approve(key) for key in keys), *(finance_approve(key) for key in (person, *keys))
        )
        assert "finance approved" not in outcomes
        assert outcomes.count("approved") == 1
        seen = await desk.read(order)
        assert (seen.approved_by, seen.finance_approved_by) == (person.person_id, "")


async def test_two_approvals_at_once_leave_one_approver(desk: Any) -> None:
    order = await desk.submit(await desk.an_order(await desk.a_customer()))
    people = [a_principal("commercial_reviewer") for _ in range(6)]
    outcomes = await asyncio.gather(
        *(desk.approve(order, person) for person in people), return_exceptions=True
    )
    assert sum(not isinstance(outcome, BaseException) for outcome in outcomes) == 1
    assert all(isinstance(outcome, pb.Order | FacetError) for outcome in outcomes)
    assert len(await decisions(desk, order)) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders SET finance_approved_by = approved_by WHERE id = :id",
        "UPDATE orders SET approved_by = submitted_by WHERE id = :id",
        "UPDATE orders SET finance_approved_by = submitted_by WHERE id = :id",
        "INSERT INTO order_duty_holders SELECT order_id, person_id, 'FINANCE_APPROVAL' FROM order_duty_holders "
        "WHERE order_id = :id AND duty = 'SUBMISSION'",
        "UPDATE order_decisions SET reason = 'never mind' WHERE order_id = :id",
        "DELETE FROM order_decisions WHERE order_id = :id",
    ],
)
async def test_the_database_itself_refuses_a_second_duty_and_a_changed_log(desk: Any, statement: str) -> None:
    order = await desk.an_approved_order(await desk.a_customer())
    async with desk.service.session() as session:
        with pytest.raises(DBAPIError):
            await session.execute(text(statement), {"id": order.id})


async def test_who_lacks_the_permission_is_refused_before_the_duty_is_asked(desk: Any) -> None:
    order = await desk.submit(await desk.an_order(await desk.a_customer()))
    with pytest.raises(Forbidden) as refused:
        await desk.approve(order, a_principal("sales_rep", full_scope=True))
    assert refused.value.reason == "PERMISSION_MISSING"


async def test_an_approval_out_of_turn_is_a_conflict(desk: Any) -> None:
    order = await desk.an_order(await desk.a_customer())
    with pytest.raises(Conflict) as refused:
        await desk.finance_approve(order)
    assert refused.value.metadata == {"state": "DRAFT", "verb": "financeApprove"}
