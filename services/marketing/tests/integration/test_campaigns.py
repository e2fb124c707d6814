"""Campaigns through the real pipeline: strategy gate, life, and audiences against brute force."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from protobuf.wkt import FieldMask

from facet_contracts.facet.customer.v1.events_pb import CustomerUpdated
from facet_contracts.facet.customer.v1.resources_pb import Customer, CustomerStatus, RelationshipStrategy
from facet_contracts.facet.marketing.v1 import campaign_service_pb as rpc
from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_contracts.facet.marketing.v1.resources_pb import CampaignState
from facet_contracts.facet.type.v1.account_pb import AccountSummaryChanged
from facet_contracts.facet.type.v1.money_pb import Money
from facet_kit.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionMissing, Stale
from facet_kit.principal import Principal
from facet_kit.refs import CustomerRef, OrgRef
from facet_kit.testing.principals import a_principal
from facet_marketing.campaigns.mapping import rule_of
from facet_marketing.campaigns.policy import Candidate, addresses

if TYPE_CHECKING:
    from conftest import Marketing


async def verb(
    marketing: Marketing, name: str, campaign: pb.Campaign, principal: Principal | None = None
) -> pb.Campaign:
    kind: Any = getattr(rpc, f"{name.title()}CampaignRequest")
    request = kind(campaign_id=campaign.id, etag=campaign.etag)
    return await marketing.call(f"{name}_campaign", request, principal)


async def update(marketing: Marketing, campaign: pb.Campaign, *paths: str, **fields: Any) -> pb.Campaign:
    request = rpc.UpdateCampaignRequest(
        campaign=pb.Campaign(id=campaign.id, **fields),
        update_mask=FieldMask(paths=list(paths)),
        etag=campaign.etag,
    )
    return await marketing.call("update_campaign", request)


async def members(
    marketing: Marketing, campaign: pb.Campaign, principal: Principal | None = None
) -> list[str]:
    """All pages of the audience."""
    found: list[str] = []
    token = ""
    while True:
        request = rpc.ListAudienceMembersRequest(campaign_id=campaign.id, page_size=7, page_token=token)
        page = await marketing.call("list_audience_members", request, principal)
        found += [member.customer_id for member in page.audience_members]
        token = page.next_page_token
        if not token:
            return found


async def test_a_campaign_lives_from_draft_to_completion(marketing: Marketing) -> None:
    campaign = await marketing.campaign(
        budget=Money(currency="CNY", amount="1000.50"), start_date="2026-01-01"
    )
    assert (campaign.state, campaign.owner_id) == (CampaignState.DRAFT, marketing.manager.id)
    assert campaign.budget == Money(currency="CNY", amount="1000.50")
    campaign = await marketing.activate(campaign)
    first = campaign.activate_time
    campaign = await verb(marketing, "pause", campaign)
    campaign = await marketing.activate(campaign)
    assert campaign.activate_time == first
    campaign = await verb(marketing, "complete", campaign)
    assert campaign.state is CampaignState.COMPLETED
    told = [
        type(e).__name__
        for e in await marketing.service.events()
        if getattr(e, "campaign", None) and e.campaign.id == campaign.id
    ]
    assert told == [
        "CampaignCreated",
        "CampaignActivated",
        "CampaignPaused",
        "CampaignActivated",
        "CampaignCompleted",
    ]
    for name in ("activate", "pause", "complete"):
        with pytest.raises(Conflict) as refused:
            await verb(marketing, name, campaign)
        assert refused.value.metadata == {"state": "COMPLETED", "verb": name}
    with pytest.raises(Conflict):
        await update(marketing, campaign, goal="more")


@pytest.mark.capability("MKT-02")
@pytest.mark.parametrize("gap", ["segment_goal", "value_hypothesis", "stop_rule"])
async def test_a_campaign_without_a_strategy_is_not_run(marketing: Marketing, gap: str) -> None:
    campaign = await marketing.campaign(**{gap: "  "})
    with pytest.raises(Invalid) as refused:
        await marketing.activate(campaign)
    assert (refused.value.http_status, refused.value.reason) == (422, "CAMPAIGN_STRATEGY")
    assert [v.field for v in refused.value.violations] == [f"campaign.{gap}"]
    running = await marketing.activate(await marketing.campaign())
    with pytest.raises(Invalid):
        await update(marketing, running, gap)


async def test_a_campaign_whose_period_is_over_is_not_started(marketing: Marketing) -> None:
    campaign = await marketing.campaign(start_date="2020-01-01", end_date="2020-02-01")
    with pytest.raises(Invalid, match="last day"):
        await marketing.activate(campaign)
    with pytest.raises(Invalid):
        await update(marketing, campaign, end_date="2019-01-01")


async def test_an_update_changes_audience_and_texts_as_the_mask_says(marketing: Marketing) -> None:
    campaign = await marketing.campaign(audience=pb.AudienceFilter(key_accounts_only=True))
    assert campaign.audience.key_accounts_only
    audience = pb.AudienceFilter(include=[pb.NodeGroup(node_ids=["a", "b"])], region_ids=["r"])
    changed = await update(marketing, campaign, "audience", audience=audience, goal="ignored")
    assert (changed.audience, changed.goal) == (audience, "")
    with pytest.raises(Stale):
        await update(marketing, campaign, goal="late")
    with pytest.raises(PreconditionMissing):
        await update(marketing, pb.Campaign(id=campaign.id), goal="no etag")
    changed = await update(marketing, changed, goal="grow")
    assert (changed.goal, changed.audience) == ("grow", audience)
    with pytest.raises(Invalid):
        await update(marketing, changed, "colour")


async def test_campaigns_are_seen_in_the_scope_of_who_runs_them(marketing: Marketing) -> None:
    unit = await marketing.service.given_org("department")
    campaign = await marketing.campaign(department_id=unit.id)
    request = rpc.GetCampaignRequest(campaign_id=campaign.id)
    insider = a_principal("sales_rep", department_ids={unit.id})
    assert (await marketing.call("get_campaign", request, insider)).id == campaign.id
    nobody = a_principal("sales_rep")
    with pytest.raises(NotFound):
        await marketing.call("get_campaign", request, nobody)
    assert list((await marketing.call("list_campaigns", rpc.ListCampaignsRequest(), nobody)).campaigns) == []
    with pytest.raises(Forbidden):
        await verb(marketing, "activate", campaign, insider)


class Enterprise:
    """Customers with random places in a classification tree and a region tree, and the truth about them."""

    def __init__(self, marketing: Marketing, seed: int) -> None:
        self.marketing = marketing
        self.chance = random.Random(seed)
        self.prefix = marketing.service.ids.new()[-8:]
        self.parents: dict[str, str] = {}
        self.regions: list[OrgRef] = []
        self.customers: list[CustomerRef] = []

    def node(self, number: int) -> str:
        return f"{self.prefix}-n{number}"

    def above(self, node: str) -> set[str]:
        path = {node}
        while node in self.parents:
            node = self.parents[node]
            path.add(node)
        return path

    async def build(self, nodes: int = 15, regions: int = 8, customers: int = 60) -> None:
        chance, given = self.chance, self.marketing.service
        for number in range(1, nodes):
            if number % 5:
                self.parents[self.node(number)] = self.node(chance.randrange(number))
        for _ in range(regions):
            under = chance.choice([None, *self.regions])
            self.regions.append(await given.given_org("region", under=under))
        for _ in range(customers):
            direct = [self.node(chance.randrange(nodes)) for _ in range(chance.randrange(4))]
            self.customers.append(
                await given.given_customer(
                    node_ids=sorted(set().union(*map(self.above, direct))) if direct else [],
                    region_id=chance.choice([unit.id for unit in self.regions] + [""]),
                    key_account=chance.random() < 0.3,
                    relationship_strategy=chance.choice(["INVEST", "MAINTAIN", "MAINTAIN", "DO_NOT_PURSUE"]),
                    status=chance.choice(["ACTIVE"] * 5 + ["INACTIVE", "MERGED"]),
                )
            )

    def a_filter(self) -> pb.AudienceFilter:
        chance = self.chance
        some = lambda most: [self.node(chance.randrange(15)) for _ in range(chance.randint(1, most))]  # noqa: E731
        units = [unit.id for unit in self.regions]
        return pb.AudienceFilter(
            # The first group pins the filter to this enterprise: the database holds others.
            include=[
                pb.NodeGroup(node_ids=[self.node(n) for n in range(15)]),
                *(pb.NodeGroup(node_ids=some(4)) for _ in range(chance.randrange(2))),
            ],
            exclude_node_ids=some(2) if chance.random() < 0.4 else [],
            region_ids=chance.sample(units, 3) if chance.random() < 0.4 else [],
            exclude_region_ids=chance.sample(units, 2) if chance.random() < 0.4 else [],
            key_accounts_only=chance.random() < 0.2,
        )

    def brute_force(self, audience: pb.AudienceFilter) -> list[str]:
        paths = {unit.id: frozenset(unit.ancestor_ids) for unit in self.regions}
        return sorted(
            customer.customer_id
            for customer in self.customers
            if addresses(
                rule_of(audience),
                Candidate(
                    nodes=frozenset(customer.node_ids),
                    region_path=paths.get(customer.region_id, frozenset({""})),
                    department_path=frozenset({customer.department_id}),
                    key_account=customer.key_account,
                    relationship_strategy=customer.relationship_strategy,
                    status=customer.status,
                ),
            )
        )


@pytest.mark.parametrize("seed", range(3))
async def test_an_audience_holds_exactly_the_customers_that_brute_force_finds(
    marketing: Marketing, seed: int
) -> None:
    enterprise = Enterprise(marketing, seed)
    await enterprise.build()
    sizes: set[int] = set()
    for _ in range(8):
        audience = enterprise.a_filter()
        expected = enterprise.brute_force(audience)
        campaign = await marketing.campaign(audience=audience)
        assert await members(marketing, campaign) == expected
        counted = await marketing.call("get_audience", rpc.GetAudienceRequest(campaign_id=campaign.id))
        assert (
            counted.member_count == sum(region.member_count for region in counted.by_region) == len(expected)
        )
        preview = await marketing.call("preview_audience", rpc.PreviewAudienceRequest(audience=audience))
        assert preview.member_count == len(expected)
        sizes.add(len(expected))
    assert len(sizes) > 2, "the examples must differ to prove anything"


async def test_who_is_not_to_be_pursued_leaves_every_audience_at_once(marketing: Marketing) -> None:
    node = marketing.service.ids.new()
    customer = await marketing.service.given_customer(node_ids=[node])
    audience = pb.AudienceFilter(include=[pb.NodeGroup(node_ids=[node])])
    campaign = await marketing.campaign(audience=audience)
    assert await members(marketing, campaign) == [customer.customer_id]
    await marketing.activate(campaign)
    told = Customer(
        id=customer.customer_id,
        group_id=customer.group_id,
        ancestor_ids=[customer.customer_id],
        display_name=customer.name,
        status=CustomerStatus.ACTIVE,
        relationship_strategy=RelationshipStrategy.DO_NOT_PURSUE,
        node_ids=[node],
    )
    await marketing.service.deliver(CustomerUpdated(customer=told))
    assert await members(marketing, campaign) == []
    changed = (await marketing.service.events(AccountSummaryChanged))[-1]
    assert list(changed.account_ids) == [customer.customer_id]


async def test_the_count_follows_classification_events_with_ancestors(marketing: Marketing) -> None:
    vertical, clinic = marketing.service.ids.new(), marketing.service.ids.new()
    campaign = await marketing.campaign(
        audience=pb.AudienceFilter(include=[pb.NodeGroup(node_ids=[vertical])])
    )
    id = marketing.service.ids.new()
    told = Customer(
        id=id,
        group_id=id,
        ancestor_ids=[id],
        display_name="Clinic",
        status=CustomerStatus.ACTIVE,
        node_ids=[clinic],
        node_ancestor_ids=[vertical],
    )
    await marketing.service.deliver(CustomerUpdated(customer=told))
    assert await members(marketing, campaign) == [id]


async def test_an_audience_shows_only_customers_in_the_callers_scope(marketing: Marketing) -> None:
    node = marketing.service.ids.new()
    north, south = await marketing.service.given_org("region"), await marketing.service.given_org("region")
    here = await marketing.service.given_customer(node_ids=[node], region_id=north.id)
    await marketing.service.given_customer(node_ids=[node], region_id=south.id)
    campaign = await marketing.campaign(
        region_id=north.id, audience=pb.AudienceFilter(include=[pb.NodeGroup(node_ids=[node])])
    )
    rep = a_principal("sales_rep", region_ids={north.id})
    assert await members(marketing, campaign, rep) == [here.customer_id]
    counted = await marketing.call("get_audience", rpc.GetAudienceRequest(campaign_id=campaign.id), rep)
    assert counted.member_count == 1


async def test_a_started_campaign_tells_the_views_of_all_it_addresses(marketing: Marketing) -> None:
    node = marketing.service.ids.new()
    root = await marketing.service.given_customer()
    member_id = marketing.service.ids.new()
    await marketing.service.given_customer(
        customer_id=member_id,
        group_id=root.customer_id,
        ancestor_ids=[root.customer_id, member_id],
        node_ids=[node],
    )
    await marketing.activate(
        await marketing.campaign(audience=pb.AudienceFilter(include=[pb.NodeGroup(node_ids=[node])]))
    )
    told = (await marketing.service.events(AccountSummaryChanged))[-1]
    assert set(told.account_ids) == {root.customer_id, member_id}


async def test_campaigns_are_listed_by_state_and_start(marketing: Marketing) -> None:
    mark = marketing.service.ids.new()
    for day in ("2026-05-01", "2026-03-01"):
        await marketing.campaign(display_name=f"{mark} {day}", start_date=day)
    request = rpc.ListCampaignsRequest(
        filter=f'display_name : "{mark}" AND state = DRAFT', order_by="start_date"
    )
    listed = await marketing.call("list_campaigns", request)
    assert [c.start_date for c in listed.campaigns] == ["2026-03-01", "2026-05-01"]
    assert listed.campaigns[0].create_time.to_datetime() <= datetime.now(UTC)
