"""The mathematics of decision trees."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facet_project.decision_trees.policy import (
    ENGAGED_STRENGTH,
    STANCE_VALUES,
    Kind,
    Seat,
    closes_cycle,
    coverage,
    figures,
    may_stand,
    missing_roles,
    single_thread,
    unengaged_roles,
    weighted_support,
)

# What a property takes says how busy the machine is, and nothing about the property.
patiently = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
TODAY = date(2026, 6, 15)
ROLES = ("BUYER", "DECIDER", "USER", "CONSUMER", "INFLUENCER", "GATEKEEPER")


def a_seat(id: str = "a", **fields: object) -> Seat:
    seat = Seat(id, False, frozenset({"DECIDER"}), influence=50, stance="NEUTRAL", strength=3, owner_id="li")
    return replace(seat, **fields)


@st.composite
def seats(draw: st.DrawFn, *, min_size: int = 0) -> list[Seat]:
    size = draw(st.integers(min_size, 8))
    return [
        Seat(
            id=f"seat-{number}",
            vacant=draw(st.booleans()),
            roles=frozenset(draw(st.sets(st.sampled_from(ROLES)))),
            influence=draw(st.integers(0, 100)),
            stance=draw(st.sampled_from(sorted(STANCE_VALUES))),
            strength=draw(st.integers(0, 5)),
            owner_id=draw(st.sampled_from(["", "li", "wang", "zhao"])),
        )
        for number in range(size)
    ]


@patiently
@given(seats())
def test_coverage_is_a_percentage_and_support_lies_between_minus_and_plus_one(tree: list[Seat]) -> None:
    assert 0 <= coverage(tree) <= 100
    assert -1 <= weighted_support(tree) <= 1


@patiently
@given(seats(), st.integers(0, 7))
def test_a_better_relationship_never_lowers_the_coverage(tree: list[Seat], place: int) -> None:
    if place < len(tree):
        stronger = [replace(seat, strength=5) if index == place else seat for index, seat in enumerate(tree)]
        assert coverage(stronger) >= coverage(tree)


@patiently
@given(seats(), st.integers(0, 7))
def test_a_seat_that_falls_vacant_never_raises_the_coverage(tree: list[Seat], place: int) -> None:
    if place < len(tree):
        emptied = [replace(seat, vacant=True) if index == place else seat for index, seat in enumerate(tree)]
        assert coverage(emptied) <= coverage(tree)


@patiently
@given(seats(min_size=1), st.integers(2, 9))
def test_only_the_relation_between_influences_counts(tree: list[Seat], factor: int) -> None:
    scaled = [replace(seat, influence=seat.influence * factor) for seat in tree]
    assert coverage(scaled) == coverage(tree)
    assert weighted_support(scaled) == weighted_support(tree)
    assert single_thread(scaled) == single_thread(tree)


@patiently
@given(seats())
def test_support_turns_its_sign_when_every_stance_turns(tree: list[Seat]) -> None:
    opposite = {"CHAMPION": "BLOCKER", "SUPPORTER": "SCEPTIC", "SCEPTIC": "SUPPORTER", "BLOCKER": "CHAMPION"}
    turned = [replace(seat, stance=opposite.get(seat.stance, seat.stance)) for seat in tree]
    assert weighted_support(turned) == -weighted_support(tree)


@patiently
@given(seats())
def test_the_order_of_the_seats_changes_no_figure(tree: list[Seat]) -> None:
    found = figures(tree, required_roles=ROLES, today=TODAY)
    assert figures(list(reversed(tree)), required_roles=ROLES, today=TODAY) == found


@patiently
@given(seats())
def test_every_seat_is_either_filled_or_vacant_and_only_filled_ones_block(tree: list[Seat]) -> None:
    found = figures(tree, required_roles=(), today=TODAY)
    assert found.filled_seat_count + len(found.vacant) == found.seat_count == len(tree)
    assert not set(found.blockers) & set(found.vacant)


@patiently
@given(seats())
def test_a_role_that_nobody_holds_is_not_engaged_either(tree: list[Seat]) -> None:
    assert set(missing_roles(tree, ROLES)) <= set(unengaged_roles(tree, ROLES))


def test_support_weighs_stances_by_influence() -> None:
    tree = [a_seat("a", influence=60, stance="CHAMPION"), a_seat("b", influence=40, stance="BLOCKER")]
    assert weighted_support(tree) == Decimal("0.2000")


def test_coverage_counts_engaged_seats_by_influence() -> None:
    tree = [
        a_seat("a", influence=50, strength=ENGAGED_STRENGTH),
        a_seat("b", influence=30, strength=ENGAGED_STRENGTH - 1),
        a_seat("c", influence=20, vacant=True),
    ]
    assert coverage(tree) == Decimal("50.00")


@pytest.mark.parametrize("tree", [[], [a_seat(influence=0)], [a_seat(influence=0, vacant=True)]])
def test_a_tree_without_influence_has_no_coverage_and_no_support(tree: list[Seat]) -> None:
    assert (coverage(tree), weighted_support(tree)) == (Decimal(0), Decimal(0))


def test_one_colleague_with_more_than_two_thirds_of_the_relationships_is_a_risk() -> None:
    tree = [a_seat("a", owner_id="li", strength=5), a_seat("b", owner_id="wang", strength=2)]
    found = figures(tree, required_roles=(), today=TODAY)
    assert (found.single_thread_share, found.single_thread_owner_id) == (Decimal("0.7143"), "li")
    assert found.single_thread_risk


def test_a_single_seat_is_no_single_thread_risk() -> None:
    assert not figures([a_seat()], required_roles=(), today=TODAY).single_thread_risk


def test_lists_name_the_most_influential_seat_first() -> None:
    tree = [
        a_seat("a", influence=10, stance="BLOCKER"),
        a_seat("b", influence=90, stance="BLOCKER"),
        a_seat("c", influence=5, vacant=True),
        a_seat("d", influence=70, vacant=True),
    ]
    found = figures(tree, required_roles=("BUYER", "DECIDER"), today=TODAY)
    assert (found.blockers, found.vacant, found.missing_roles) == (("b", "a"), ("d", "c"), ("BUYER",))


def test_a_contact_is_overdue_from_the_day_after_its_date() -> None:
    tree = [a_seat("a", next_contact_date=date(2026, 6, 14)), a_seat("b", next_contact_date=TODAY)]
    assert figures(tree, required_roles=(), today=TODAY).overdue_contacts == ("a",)


@pytest.mark.parametrize(
    ("kind", "parents"),
    [
        (Kind.UNIT, {None, Kind.UNIT}),
        (Kind.DEPARTMENT, {Kind.UNIT, Kind.DEPARTMENT}),
        (Kind.SEAT, {Kind.UNIT, Kind.DEPARTMENT}),
    ],
)
def test_nodes_stand_only_where_they_belong(kind: Kind, parents: set[Kind | None]) -> None:
    assert {parent for parent in (None, *Kind) if may_stand(kind, parent)} == parents


def test_a_node_cannot_stand_below_itself() -> None:
    parents = {"root": "", "child": "root", "grandchild": "child"}
    assert closes_cycle("root", "grandchild", parents)
    assert closes_cycle("root", "root", parents)
    assert not closes_cycle("grandchild", "root", parents)
