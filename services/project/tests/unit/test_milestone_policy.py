"""What stands in the way of closing a milestone."""

from __future__ import annotations

from datetime import date

from facet_project.decision_trees.policy import Seat
from facet_project.milestones.policy import is_overrun, obstacles

DUE = date(2026, 3, 31)


def a_seat(role: str, *, vacant: bool = False, strength: int = 3) -> Seat:
    return Seat(role, vacant, frozenset({role}), influence=50, stance="NEUTRAL", strength=strength)


def test_a_milestone_without_conditions_can_be_closed() -> None:
    assert not obstacles(open_criteria=[], required_roles=[], seats=[])


def test_vacant_and_unengaged_roles_are_told_apart() -> None:
    found = obstacles(
        open_criteria=["acceptance signed"],
        required_roles=["DECIDER", "USER", "BUYER"],
        seats=[a_seat("DECIDER", vacant=True), a_seat("USER", strength=1), a_seat("BUYER")],
    )
    assert (found.vacant_roles, found.unengaged_roles) == (("DECIDER",), ("USER",))
    assert all(part in found.describe() for part in ("acceptance signed", "DECIDER", "USER"))


def test_a_milestone_overruns_from_the_day_after_its_due_date() -> None:
    assert not is_overrun(due=DUE, closed_on=None, today=DUE)
    assert is_overrun(due=DUE, closed_on=None, today=date(2026, 4, 1))
    assert not is_overrun(due=DUE, closed_on=DUE, today=date(2026, 5, 1))
    assert is_overrun(due=DUE, closed_on=date(2026, 4, 2), today=date(2026, 5, 1))
