"""The service desk's sections of the unified view equal what a count over everything gives (GTW-01)."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from facet_contracts.facet.service_desk.v1 import asset_service_pb as assets
from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_contracts.facet.service_desk.v1 import summary_service_pb as summary
from facet_contracts.facet.service_desk.v1 import ticket_service_pb as tickets
from facet_contracts.facet.service_desk.v1.resources_pb import AssetState, TicketPriority, TicketState
from facet_contracts.facet.type.v1.account_pb import AccountSummaryChanged, GetAccountSummaryRequest
from facet_kit.errors import NotFound
from facet_kit.principal import Principal
from facet_kit.refs import CustomerRef
from facet_kit.testing.principals import a_principal

if TYPE_CHECKING:
    from conftest import Desk

WORKED_ON = {TicketState.NEW, TicketState.OPEN, TicketState.PENDING_CUSTOMER}


async def ask(
    desk: Desk, customer: CustomerRef, principal: Principal | None = None
) -> summary.AccountSummary:
    request = GetAccountSummaryRequest(customer_id=customer.customer_id)
    return await desk.call("get_account_summary", request, principal)


async def a_group(desk: Desk, count: int = 4) -> list[CustomerRef]:
    """A group's root with subsidiaries in regions r0, r1 … and departments d0, d1."""
    for unit in range(count):
        if not await _known(desk, f"r{unit}"):
            await desk.service.given_org("region", id=f"r{unit}", name=f"Region {unit}")
            await desk.service.given_org("department", id=f"d{unit}", name=f"Department {unit}")
    root = await desk.service.given_customer(region_id="r0", department_id="d0")
    members = [
        await desk.service.given_customer(
            group_id=root.customer_id,
            ancestor_ids=[root.customer_id, member_id],
            customer_id=member_id,
            region_id=f"r{place}",
            department_id=f"d{place % 2}",
        )
        for place in range(count)
        for member_id in [desk.service.ids.new()]
    ]
    return [root, *members]


async def _known(desk: Desk, unit: str) -> bool:
    from facet_kit.refs import OrgRef

    async with desk.service.session() as session:
        return await session.get(OrgRef, unit) is not None


async def a_history(desk: Desk, group: list[CustomerRef], seed: int) -> list[pb.Ticket]:
    """Tickets of the group in all states, some of them late."""
    chance = random.Random(seed)
    made: list[pb.Ticket] = []
    for _ in range(20):
        priority = chance.choice([TicketPriority.P1, TicketPriority.P3, TicketPriority.P4])
        start = datetime(2026, 3, 2, 1, tzinfo=UTC) + timedelta(hours=chance.randrange(500))
        ticket = await desk.ticket(chance.choice(group), desk.at(start), priority=priority)
        for step in range(chance.randrange(5)):
            when = desk.at(start + timedelta(hours=step + 1))
            verb, fields = [
                ("assign", {"assignee_id": desk.agent_id}),
                ("pause", {"reason": "?"}),
                ("resolve", {"solution": "!"}),
                ("reopen", {"reason": "?"}),
            ][step]
            ticket = await desk.verb(verb, ticket, when, **fields)
        made.append(ticket)
    return made


def brute_force(made: list[pb.Ticket], by: str) -> dict[str, Counter[str]]:
    """The same figures, counted over the tickets themselves; by "" everything is one slice."""
    sums: dict[str, Counter[str]] = {}
    for ticket in made:
        if ticket.state not in WORKED_ON:
            continue
        figures = sums.setdefault(getattr(ticket, by) if by else "", Counter())
        figures["open_count"] += 1
        figures[f"open_{ticket.priority.name.lower()}_count"] += 1
        figures["breached_count"] += ticket.breached
        figures["pending_customer_count"] += ticket.state is TicketState.PENDING_CUSTOMER
    return {key: +figures for key, figures in sums.items()}


def shown(totals: summary.TicketTotals) -> Counter[str]:
    names = [field.name for field in summary.TicketTotals.desc().fields]
    return +Counter({name: getattr(totals, name) for name in names})


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.capability("CUS-14")
async def test_ticket_totals_equal_a_count_over_all_tickets(desk: Desk, seed: int) -> None:
    group = await a_group(desk)
    made = await a_history(desk, group, seed)
    section = (await ask(desk, group[0])).tickets
    assert shown(section.totals) == brute_force(made, "").get("", Counter())
    assert {s.department_id: shown(s.totals) for s in section.by_department} == brute_force(
        made, "department_id"
    )
    assert {s.region_id: shown(s.totals) for s in section.by_region} == brute_force(made, "region_id")
    assert section.by_region[0].display_name.startswith("Region ")
    assert len(section.items) == min(10, section.totals.open_count)
    priorities = [int(item.priority) for item in section.items]
    assert priorities == sorted(priorities)


async def test_a_region_gets_its_slice_of_the_account_only(desk: Desk) -> None:
    group = await a_group(desk)
    made = await a_history(desk, group, 3)
    agent = a_principal("service_agent", region_ids={"r1"})
    section = (await ask(desk, group[0], agent)).tickets
    assert {s.region_id: shown(s.totals) for s in section.by_region} == {
        key: value for key, value in brute_force(made, "region_id").items() if key == "r1"
    }
    assert {item.region_id for item in section.items} <= {"r1"}
    with pytest.raises(NotFound):
        await ask(desk, group[0], a_principal("service_agent"))


async def test_a_subsidiary_has_a_view_of_its_own(desk: Desk) -> None:
    group = await a_group(desk)
    await desk.ticket(group[1])
    await desk.ticket(group[2])
    assert (await ask(desk, group[1])).tickets.totals.open_count == 1
    assert (await ask(desk, group[0])).tickets.totals.open_count == 2


async def test_moving_a_ticket_to_another_department_moves_its_figures(desk: Desk) -> None:
    group = await a_group(desk)
    ticket = await desk.ticket(group[1])
    request = tickets.UpdateTicketRequest(
        ticket=pb.Ticket(id=ticket.id, department_id="d3"), etag=ticket.etag
    )
    await desk.call("update_ticket", request)
    section = (await ask(desk, group[0])).tickets
    assert [(s.department_id, s.totals.open_count) for s in section.by_department] == [("d3", 1)]


async def test_asset_totals_count_units_and_warranties_that_end_soon(desk: Desk) -> None:
    group = await a_group(desk)
    today = datetime.now(UTC).date()

    async def asset(place: int, **fields: Any) -> pb.Asset:
        return await desk.asset(group[place], **fields)

    soon, later = (today + timedelta(days=30)).isoformat(), (today + timedelta(days=300)).isoformat()
    since = (today - timedelta(days=300)).isoformat()
    await asset(1, install_date=since, warranty_end_date=soon, model_code="SOON")
    await asset(2, install_date=since, warranty_end_date=later, quantity=40)
    await asset(2, install_date=since, warranty_end_date=since)
    await asset(3)
    gone = await asset(1, install_date=since, warranty_end_date=soon)
    retired = await desk.call("retire_asset", assets.RetireAssetRequest(asset_id=gone.id, etag=gone.etag))
    assert retired.state is AssetState.RETIRED
    section = (await ask(desk, group[0])).assets
    totals = section.totals
    assert (totals.in_service_count, totals.delivered_count, totals.warranty_ending_count) == (42, 1, 1)
    by_region = {
        s.region_id: (s.totals.in_service_count, s.totals.delivered_count) for s in section.by_region
    }
    assert by_region == {"r0": (1, 0), "r1": (41, 0), "r2": (0, 1)}
    assert [line.model_code for line in section.warranty_ending] == ["SOON"]


async def test_every_change_tells_the_view_of_the_whole_hierarchy(desk: Desk) -> None:
    group = await a_group(desk)
    await desk.ticket(group[1])
    told = (await desk.service.events(AccountSummaryChanged))[-1]
    assert set(told.account_ids) == {group[0].customer_id, group[1].customer_id}


async def test_a_customers_user_sees_his_tickets_without_what_is_ours(desk: Desk) -> None:
    group = await a_group(desk)
    ticket = await desk.verb("assign", await desk.ticket(group[1]), assignee_id=desk.agent_id)
    section = (await ask(desk, group[0], a_principal("customer", group_id=group[0].customer_id))).tickets
    assert [item.ticket_id for item in section.items] == [ticket.id]
    assert section.totals.open_count == 1
    assert section.items[0].assignee_id == ""
    assert section.items[0].next_due_time is None
