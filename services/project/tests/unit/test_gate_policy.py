"""Scoring of go/no-go gates."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from facet_project.gates.policy import (
    Criterion,
    Score,
    criteria_faults,
    reaches,
    score_faults,
    weighted_score,
)

# What a property takes says how busy the machine is, and nothing about the property.
patiently = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
weights = st.lists(st.integers(1, 1000), min_size=1, max_size=8)


def criteria_of(*values: int) -> list[Criterion]:
    return [Criterion(f"c{index}", f"Question {index}", weight) for index, weight in enumerate(values)]


def scores_of(*values: int) -> list[Score]:
    return [Score(f"c{index}", score, "seen on site") for index, score in enumerate(values)]


def test_the_score_weighs_each_criterion() -> None:
    assert weighted_score(criteria_of(3, 1), scores_of(100, 20)) == Decimal("80.00")


@patiently
@given(weights, st.data())
def test_the_score_is_a_percentage(values: list[int], data: st.DataObject) -> None:
    given_scores = [data.draw(st.integers(0, 100)) for _ in values]
    assert 0 <= weighted_score(criteria_of(*values), scores_of(*given_scores)) <= 100


@patiently
@given(weights)
def test_full_marks_are_a_hundred_and_none_are_zero(values: list[int]) -> None:
    assert weighted_score(criteria_of(*values), scores_of(*[100] * len(values))) == 100
    assert weighted_score(criteria_of(*values), scores_of(*[0] * len(values))) == 0


@patiently
@given(weights, st.data())
def test_a_better_answer_never_lowers_the_score(values: list[int], data: st.DataObject) -> None:
    answers = [data.draw(st.integers(0, 99)) for _ in values]
    place = data.draw(st.integers(0, len(values) - 1))
    better = [score + 1 if index == place else score for index, score in enumerate(answers)]
    criteria = criteria_of(*values)
    assert weighted_score(criteria, scores_of(*better)) >= weighted_score(criteria, scores_of(*answers))


def test_every_criterion_needs_one_score_with_evidence() -> None:
    scores = [Score("c0", 3, " "), Score("c0", 4, "seen"), Score("price", 1, "heard")]
    faults = dict(score_faults(criteria_of(1, 1), scores))
    assert set(faults) == {
        "scores[0].evidence",
        "scores[1].criterion_key",
        "scores[2].criterion_key",
        "scores",
    }
    assert "c1" in faults["scores"]


def test_criteria_need_distinct_keys() -> None:
    assert criteria_faults([]) == [("criteria", "a gate needs at least one criterion")]
    twice = [Criterion("price", "Price", 1), Criterion("price", "Again", 1)]
    assert [path for path, _ in criteria_faults(twice)] == ["criteria[1].key"]


def test_the_threshold_itself_is_enough() -> None:
    assert reaches(Decimal("60.00"), 60)
    assert not reaches(Decimal("59.99"), 60)
