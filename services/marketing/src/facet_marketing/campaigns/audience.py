"""Audiences over the replica of customers: the same rule as in `policy`, as SQL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, not_, or_, select
from sqlalchemy.dialects.postgresql import ARRAY, array

from facet_kit.refs import CustomerRef, OrgRef
from facet_marketing.campaigns.policy import ACTIVE, DO_NOT_PURSUE, AudienceRule

# Plain columns: whether the caller's scope applies is decided by what a query selects, not by this condition.
_CUSTOMERS = CustomerRef.__table__.c
_UNITS = OrgRef.__table__.c


def addressed(rule: AudienceRule) -> ColumnElement[bool]:
    """The condition under which a customer belongs to the audience."""
    terms: list[ColumnElement[bool]] = [
        _CUSTOMERS.relationship_strategy != DO_NOT_PURSUE,
        _CUSTOMERS.status == ACTIVE,
        *(_has_node(group) for group in rule.include),
    ]
    if rule.exclude_nodes:
        terms.append(not_(_has_node(rule.exclude_nodes)))
    if rule.regions:
        terms.append(_lies_in(_CUSTOMERS.region_id, rule.regions))
    if rule.exclude_regions:
        terms.append(not_(_lies_in(_CUSTOMERS.region_id, rule.exclude_regions)))
    if rule.departments:
        terms.append(_lies_in(_CUSTOMERS.department_id, rule.departments))
    if rule.key_accounts_only:
        terms.append(_CUSTOMERS.key_account.is_(True))
    return and_(*terms)


def _has_node(nodes: Iterable[str]) -> ColumnElement[bool]:
    """`node_ids` holds all ancestors too, so one overlap answers for whole subtrees."""
    return _CUSTOMERS.node_ids.bool_op("&&")(_texts(nodes))


def _lies_in(unit: ColumnElement[Any], roots: Iterable[str]) -> ColumnElement[bool]:
    below = select(_UNITS.id).where(_UNITS.ancestor_ids.bool_op("&&")(_texts(roots)))
    return or_(unit.in_(sorted(roots)), unit.in_(below))


def _texts(values: Iterable[str]) -> ColumnElement[Any]:
    return cast(array(sorted(values)), ARRAY(Text))
