"""Scoring of go/no-go gates (PRJ-01). Pure: criteria, weights and scores in, a weighted score and a verdict out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Criterion:
    """One question of a gate and its weight against the others."""

    key: str
    display_name: str
    weight: int


@dataclass(frozen=True, slots=True)
class Score:
    """The answer to one criterion, 0 to 100, and what it rests on."""

    criterion_key: str
    score: int
    evidence: str


def criteria_faults(criteria: Sequence[Criterion]) -> list[tuple[str, str]]:
    """What is wrong with a definition's criteria, as pairs of field path and message; empty when nothing is."""
    faults: list[tuple[str, str]] = []
    seen: set[str] = set()
    for index, criterion in enumerate(criteria):
        if criterion.key in seen:
            faults.append(
                (
                    f"criteria[{index}].key",
                    f"the key {criterion.key!r} is used twice; give each criterion its own",
                )
            )
        seen.add(criterion.key)
    if not criteria:
        faults.append(("criteria", "a gate needs at least one criterion"))
    return faults


def score_faults(criteria: Sequence[Criterion], scores: Sequence[Score]) -> list[tuple[str, str]]:
    """What keeps scores from being weighed: a criterion scored twice or not at all, an unknown one, no evidence."""
    faults: list[tuple[str, str]] = []
    known = {criterion.key for criterion in criteria}
    seen: set[str] = set()
    for index, score in enumerate(scores):
        if score.criterion_key not in known:
            faults.append(
                (f"scores[{index}].criterion_key", f"{score.criterion_key!r} is no criterion of this gate")
            )
        elif score.criterion_key in seen:
            faults.append((f"scores[{index}].criterion_key", f"{score.criterion_key!r} is scored twice"))
        seen.add(score.criterion_key)
        if not score.evidence.strip():
            faults.append((f"scores[{index}].evidence", "say what the score rests on"))
    missing = [criterion.key for criterion in criteria if criterion.key not in seen]
    if missing:
        faults.append(("scores", f"score these criteria too: {', '.join(missing)}"))
    return faults


def weighted_score(criteria: Iterable[Criterion], scores: Iterable[Score]) -> Decimal:
    """The score of a round in percent, two digits after the point: Σ weight × score ÷ Σ weight.

    Every criterion must have its score (see `score_faults`).
    """
    by_key: Mapping[str, int] = {score.criterion_key: score.score for score in scores}
    total = Decimal(0)
    weights = 0
    for criterion in criteria:
        total += criterion.weight * Decimal(by_key[criterion.key])
        weights += criterion.weight
    return (total / weights).quantize(_CENT, ROUND_HALF_UP) if weights else Decimal("0.00")


def reaches(score: Decimal, threshold: int) -> bool:
    """Whether a weighted score is enough for a go."""
    return score >= threshold
