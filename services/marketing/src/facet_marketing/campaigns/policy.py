"""Whom a campaign addresses: the rule itself, pure, as one customer at a time (MKT-01, CUS-17). In SQL: `audience`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

DO_NOT_PURSUE: Final = "DO_NOT_PURSUE"
ACTIVE: Final = "ACTIVE"


@dataclass(frozen=True, slots=True)
class AudienceRule:
    """Every include group must fit (any node of it), no exclusion may; no regions or departments mean all."""

    include: tuple[frozenset[str], ...] = ()
    exclude_nodes: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    exclude_regions: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    key_accounts_only: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the rule needs to know of a customer: nodes and units each with all that lie above them."""

    nodes: frozenset[str]
    region_path: frozenset[str]
    department_path: frozenset[str]
    key_account: bool
    relationship_strategy: str
    status: str


def addresses(rule: AudienceRule, candidate: Candidate) -> bool:
    """Whether the rule addresses the customer. One not to be pursued, or no longer active, never is."""
    if candidate.relationship_strategy == DO_NOT_PURSUE or candidate.status != ACTIVE:
        return False
    return (
        all(group & candidate.nodes for group in rule.include)
        and not rule.exclude_nodes & candidate.nodes
        and (not rule.regions or bool(rule.regions & candidate.region_path))
        and not rule.exclude_regions & candidate.region_path
        and (not rule.departments or bool(rule.departments & candidate.department_path))
        and (not rule.key_accounts_only or candidate.key_account)
    )
