"""Marketing's sections of the unified view equal what a count over everything gives (GTW-01)."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_contracts.facet.marketing.v1 import summary_service_pb as summary
from facet_contracts.facet.marketing.v1.resources_pb import (
    ConsentState,
    ContactChannel,
    ContactPurpose,
    TouchState,
)
from facet_contracts.facet.type.v1.account_pb import AccountSummaryChanged, GetAccountSummaryRequest
from facet_kit.errors import NotFound
from facet_kit.principal import Principal
from facet_kit.refs import CustomerRef
from facet_kit.testing.principals import a_principal

if TYPE_CHECKING:
    from conftest import Marketing


async def ask(
    marketing: Marketing, customer: CustomerRef, principal: Principal | None = None
) -> summary.AccountSummary:
    request = GetAccountSummaryRequest(customer_id=customer.customer_id)
    return await marketing.call("get_account_summary", request, principal)


async def a_group(marketing: Marketing, count: int = 3, **fields: Any) -> list[CustomerRef]:
    """A group's root with subsidiaries, each in a region of its own and in one of two departments."""
    given = marketing.service
    departments = [await given.given_org("department") for _ in range(2)]
    root_id = given.ids.new()
    group: list[CustomerRef] = []
    for place in range(count):
        region = await given.given_org("region")
        id = given.ids.new() if place else root_id
        group.append(
            await given.given_customer(
                customer_id=id,
                group_id=root_id,
                ancestor_ids=[root_id] if id == root_id else [root_id, id],
                region_id=region.id,
                department_id=departments[place % 2].id,
                **fields,
            )
        )
    return group


def shown(totals: Any) -> dict[str, int]:
    return {f.name: v for f in type(totals).desc().fields if (v := getattr(totals, f.name))}


def added(rows: list[Any], by: str, figures: Any) -> dict[str, dict[str, int]]:
    """Brute force: figures of all rows, summed by a field of them."""
    sums: dict[str, Counter[str]] = {}
    for row in rows:
        sums.setdefault(getattr(row, by), Counter()).update(figures(row))
    return {key: dict(+total) for key, total in sums.items() if +total}


@pytest.mark.parametrize("seed", [1, 2])
async def test_touch_totals_equal_a_count_over_all_touches(marketing: Marketing, seed: int) -> None:
    chance = random.Random(seed)
    group = await a_group(marketing)
    now = datetime.now(UTC)
    made: list[pb.Touch] = []
    for days_ago in sorted((chance.randrange(120) for _ in range(40)), reverse=True):
        touch = await marketing.touch(
            chance.choice(group),
            marketing.at(now - timedelta(days=days_ago)),
            channel=chance.choice([ContactChannel.EMAIL, ContactChannel.PHONE, ContactChannel.SMS]),
            purpose=chance.choice([ContactPurpose.SERVICE, ContactPurpose.MARKETING]),
        )
        if days_ago < 90:
            made.append(touch)

    def figures(touch: pb.Touch) -> dict[str, int]:
        return {
            "sent_count": int(touch.state is TouchState.SENT),
            "denied_count": int(touch.state is TouchState.DENIED),
        }

    section = (await ask(marketing, group[0])).campaigns
    whole = Counter[str]()
    for touch in made:
        whole.update(figures(touch))
    assert shown(section.totals) == dict(+whole)
    assert {s.department_id: shown(s.totals) for s in section.by_department} == added(
        made, "department_id", figures
    )
    assert {s.region_id: shown(s.totals) for s in section.by_region} == added(made, "region_id", figures)
    assert {s.channel: shown(s.totals) for s in section.by_channel} == added(made, "channel", figures)
    assert section.by_region[0].display_name.startswith("region ")
    times = [item.touch_time.to_datetime() for item in section.items]
    assert (len(times), times) == (10, sorted(times, reverse=True))


async def test_the_view_names_the_running_campaigns_that_reach_the_account(marketing: Marketing) -> None:
    node = marketing.service.ids.new()
    group = await a_group(marketing)
    wanted = await marketing.service.given_customer(
        group_id=group[0].customer_id,
        ancestor_ids=[group[0].customer_id, node],
        customer_id=node,
        node_ids=[node],
    )
    audience = pb.AudienceFilter(include=[pb.NodeGroup(node_ids=[node])])
    reaching = await marketing.activate(await marketing.campaign(audience=audience, display_name="Reaches"))
    await marketing.campaign(audience=audience, display_name="Draft")
    nowhere = pb.AudienceFilter(include=[pb.NodeGroup(node_ids=["nowhere"])])
    await marketing.activate(await marketing.campaign(audience=nowhere))
    for customer in (group[0], wanted):
        section = (await ask(marketing, customer)).campaigns
        assert [(line.campaign_id, line.reached_count) for line in section.active] == [(reaching.id, 1)]
        assert section.active_count == 1
    assert list((await ask(marketing, group[1])).campaigns.active) == []


async def test_consent_totals_count_what_holds(marketing: Marketing) -> None:
    group = await a_group(marketing)
    made = [await marketing.consent(member) for member in group]
    made[0] = await marketing.withdraw(made[0])
    made.append(await marketing.consent(group[1], channel=ContactChannel.SMS, contact_id="ann"))

    def figures(consent: pb.Consent) -> dict[str, int]:
        return {"granted_count" if consent.state is ConsentState.GRANTED else "withdrawn_count": 1}

    section = (await ask(marketing, group[0])).consents
    assert shown(section.totals) == {"granted_count": 3, "withdrawn_count": 1}
    assert {s.department_id: shown(s.totals) for s in section.by_department} == added(
        made, "department_id", figures
    )
    assert {s.region_id: shown(s.totals) for s in section.by_region} == added(made, "region_id", figures)
    assert {c.channel: shown(c.totals) for c in section.by_channel_and_purpose} == added(
        made, "channel", figures
    )
    assert {item.consent_id for item in section.items} == {consent.id for consent in made}


async def test_points_totals_are_the_sum_of_all_balances(marketing: Marketing) -> None:
    group = await a_group(marketing)
    for place, member in enumerate(group, 1):
        await marketing.points(member, 100 * place, "a")
    await marketing.points(group[2], -50, "b")
    section = (await ask(marketing, group[0])).points
    assert shown(section.totals) == {"balance": 550, "earned": 600, "burned": 50}
    assert {s.region_id: s.totals.balance for s in section.by_region} == {
        group[0].region_id: 100,
        group[1].region_id: 200,
        group[2].region_id: 250,
    }
    assert {s.department_id: s.totals.balance for s in section.by_department} == {
        group[0].department_id: 350,
        group[1].department_id: 200,
    }
    assert section.items[0].points == -50


async def test_a_region_gets_its_slice_only(marketing: Marketing) -> None:
    group = await a_group(marketing)
    for member in group:
        await marketing.points(member, 10, "a")
        await marketing.touch(member)
    rep = a_principal("sales_rep", region_ids={group[1].region_id})
    view = await ask(marketing, group[0], rep)
    assert view.points.totals.balance == 10
    assert [s.region_id for s in view.campaigns.by_region] == [group[1].region_id]
    with pytest.raises(NotFound):
        await ask(marketing, group[0], a_principal("sales_rep"))


async def test_a_customers_user_sees_his_consents_and_points_but_not_our_campaigns(
    marketing: Marketing,
) -> None:
    group = await a_group(marketing)
    await marketing.consent(group[1])
    await marketing.points(group[1], 10, "a")
    await marketing.touch(group[1])
    view = await ask(marketing, group[0], a_principal("customer", group_id=group[0].customer_id))
    assert (view.consents.totals.granted_count, view.points.totals.balance) == (1, 10)
    assert view.campaigns is None


async def test_every_change_tells_the_view_of_the_whole_hierarchy(marketing: Marketing) -> None:
    group = await a_group(marketing)
    hierarchy = {group[0].customer_id, group[1].customer_id}
    consent = await marketing.consent(group[1])
    for change in (
        marketing.withdraw(consent),
        marketing.touch(group[1]),
        marketing.points(group[1], 10, "a"),
    ):
        before = len(await marketing.service.events(AccountSummaryChanged))
        await change
        told = (await marketing.service.events(AccountSummaryChanged))[before:]
        assert [set(event.account_ids) for event in told] == [hierarchy]
