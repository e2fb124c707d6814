"""Whom an audience rule addresses, one customer at a time (MKT-01, CUS-17)."""

from __future__ import annotations

from typing import Any

import pytest

from facet_marketing.campaigns.policy import AudienceRule, Candidate, addresses

MEDICAL_LARGE = AudienceRule(
    include=(frozenset({"medical"}), frozenset({"large", "huge"})), exclude_regions=frozenset({"north"})
)


def a_customer(**fields: Any) -> Candidate:
    values = {
        "nodes": frozenset({"medical", "clinic", "large"}),
        "region_path": frozenset({"cn", "south"}),
        "department_path": frozenset({"sales"}),
        "key_account": False,
        "relationship_strategy": "MAINTAIN",
        "status": "ACTIVE",
    }
    return Candidate(**(values | fields))


def test_every_group_must_fit_and_any_node_of_it_does() -> None:
    assert addresses(MEDICAL_LARGE, a_customer())
    assert addresses(MEDICAL_LARGE, a_customer(nodes=frozenset({"medical", "huge"})))
    assert not addresses(MEDICAL_LARGE, a_customer(nodes=frozenset({"medical", "small"})))


def test_an_excluded_region_excludes_all_below_it() -> None:
    assert not addresses(MEDICAL_LARGE, a_customer(region_path=frozenset({"cn", "north", "beijing"})))


@pytest.mark.parametrize(
    "fields", [{"relationship_strategy": "DO_NOT_PURSUE"}, {"status": "MERGED"}, {"status": "INACTIVE"}]
)
def test_who_is_not_to_be_pursued_is_in_no_audience(fields: dict[str, str]) -> None:
    assert addresses(AudienceRule(), a_customer())
    assert not addresses(AudienceRule(), a_customer(**fields))


def test_an_excluded_node_excludes_all_below_it() -> None:
    assert not addresses(AudienceRule(exclude_nodes=frozenset({"medical"})), a_customer())


def test_key_accounts_regions_and_departments_narrow_the_audience() -> None:
    assert not addresses(AudienceRule(key_accounts_only=True), a_customer())
    assert addresses(AudienceRule(key_accounts_only=True), a_customer(key_account=True))
    assert addresses(AudienceRule(regions=frozenset({"cn"})), a_customer())
    assert not addresses(AudienceRule(regions=frozenset({"us"})), a_customer())
    assert not addresses(AudienceRule(departments=frozenset({"service"})), a_customer())
