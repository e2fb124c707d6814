"""What staff see when nobody granted them anything: the scope that follows from roles and home. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

FULL_SCOPE_ROLES = frozenset(
    {"administrator", "executive", "analyst", "finance", "marketing_manager", "commercial_reviewer"}
)
"""Their work concerns every account: reports, receivables, audiences and reviews know no region."""

REGION_ROLES = frozenset({"sales_rep"})
"""They sell in their region, whatever department looks after the customer."""

TEAM_ROLES = frozenset({"key_account_manager"})
"""They see the accounts on whose team they are, and what they own; nothing by department or region."""

NOT_FOR_STAFF = frozenset({"system", "customer", "partner"})
"""Roles of services and of outside users."""


@dataclass(frozen=True, slots=True)
class Grants:
    """Roots of the subtrees of departments and regions whose records a person sees, or everything."""

    department_ids: frozenset[str] = frozenset()
    region_ids: frozenset[str] = frozenset()
    full_scope: bool = False


def effective_grants(
    roles: Collection[str],
    *,
    department_id: str,
    region_id: str,
    scope_department_ids: Collection[str] = (),
    scope_region_ids: Collection[str] = (),
    full_scope: bool = False,
) -> Grants:
    """What a person sees. Explicit grants stand alone; without any, each role adds its default.

    Sales representatives: their region. Key account managers: their account teams only. Roles of `FULL_SCOPE_ROLES`:
    everything. All others: their own department and region.
    """
    if full_scope or scope_department_ids or scope_region_ids:
        return Grants(frozenset(scope_department_ids), frozenset(scope_region_ids), full_scope)
    if FULL_SCOPE_ROLES.intersection(roles):
        return Grants(full_scope=True)
    others = set(roles) - REGION_ROLES - TEAM_ROLES
    in_region = bool(others) or bool(REGION_ROLES.intersection(roles))
    return Grants(
        department_ids=frozenset({department_id} if others and department_id else ()),
        region_ids=frozenset({region_id} if in_region and region_id else ()),
    )


def unknown_roles(roles: Collection[str], table: Collection[str]) -> list[str]:
    """The roles that staff cannot have: not in the permission table, or not meant for them."""
    return sorted(role for role in roles if role not in table or role in NOT_FOR_STAFF)
