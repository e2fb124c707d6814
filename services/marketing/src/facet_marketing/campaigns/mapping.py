"""Campaigns as contract messages, and audience filters as they are stored."""

from __future__ import annotations

from typing import Any

from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_kit.mapping import Mapper
from facet_kit.refs import CustomerRef
from facet_marketing.campaigns.model import Campaign
from facet_marketing.campaigns.policy import AudienceRule


def stored_audience(audience: pb.AudienceFilter | None) -> dict[str, Any]:
    """The filter of a request as it is stored."""
    if audience is None:
        return {}
    return {
        "include": [list(group.node_ids) for group in audience.include],
        "exclude_node_ids": list(audience.exclude_node_ids),
        "region_ids": list(audience.region_ids),
        "exclude_region_ids": list(audience.exclude_region_ids),
        "department_ids": list(audience.department_ids),
        "key_accounts_only": audience.key_accounts_only,
    }


def audience_message(stored: dict[str, Any]) -> pb.AudienceFilter:
    """The filter as it was asked for."""
    lists = {name: list(stored.get(name, ())) for name in _LISTS}
    return pb.AudienceFilter(
        include=[pb.NodeGroup(node_ids=list(group)) for group in stored.get("include", ())],
        key_accounts_only=bool(stored.get("key_accounts_only", False)),
        **lists,
    )


_LISTS = ("exclude_node_ids", "region_ids", "exclude_region_ids", "department_ids")

campaign_map = Mapper(
    Campaign, pb.Campaign, compute={"audience": lambda campaign: audience_message(campaign.audience or {})}
)
member_map = Mapper(CustomerRef, pb.AudienceMember, compute={"display_name": lambda ref: ref.name})


def rule_of(audience: pb.AudienceFilter | None) -> AudienceRule:
    """The rule of a filter that belongs to no campaign yet."""
    return Campaign(audience=stored_audience(audience)).rule()
