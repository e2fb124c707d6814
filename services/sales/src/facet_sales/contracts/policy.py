"""Pure rules of contracts: what a contract needs before it is in force, and when its term is over."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta

from facet_contracts.facet.sales.v1.resources_pb import ContractPartyRole


def missing_for_activation(
    sign_date: date | None,
    valid_from: date | None,
    valid_to: date | None,
    roles: Collection[ContractPartyRole],
) -> list[tuple[str, str]]:
    """What keeps a contract from coming into force, as pairs of field and message; empty when nothing does."""
    wrong: list[tuple[str, str]] = []
    if sign_date is None:
        wrong.append(("contract.sign_date", "is needed to activate"))
    if valid_from is None:
        wrong.append(("contract.valid_from", "is needed to activate"))
    wrong += [
        ("contract.parties", f"a party with the role {role.name} is needed to activate")
        for role in (ContractPartyRole.CUSTOMER, ContractPartyRole.OWN)
        if role not in roles
    ]
    return wrong + reversed_term(valid_from, valid_to)


def reversed_term(valid_from: date | None, valid_to: date | None) -> list[tuple[str, str]]:
    """The violation when a term ends before it begins, else nothing."""
    if valid_from and valid_to and valid_to < valid_from:
        return [("contract.valid_to", "lies before valid_from")]
    return []


def term_is_over(valid_to: date | None, today: date) -> bool:
    """Whether the last day of the term has passed."""
    return valid_to is not None and valid_to < today


def end_of_term(valid_to: date) -> datetime:
    """The first instant, in UTC, after the last day of the term."""
    return datetime.combine(valid_to + timedelta(days=1), time(), UTC)
