"""What an account is worth (ANA-07, H4): measured over months, scored from 0 to 100, explained, ranked. Pure.

All figures are sums over whole months up to and including the month that is asked for; the present month counts as far
as it has come. The same facts give the same score, on whatever day it is asked for.

characteristic  weight  measured                                            points
revenue             35  invoiced, 12 months, in the reporting currency      by bands, straight lines between
growth              15  revenue against the 12 months before                −50 % or less 0, unchanged 50, +50 % 100
punctuality         15  part of the receipts of 12 months that was in time  its percentage; 50 without receipts
projects            15  projects won and lost in 24 months                  40 each won, −10 each lost, 0 to 100
service             10  tickets and broken service levels, 12 months        100, −2 each ticket, −10 each breach
engagement          10  contacts of ours in 6 months                        none 0, twelve or more 100
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from itertools import pairwise

from facet_analytics.months import months_between, shifted

WINDOW_MONTHS = 25
"""How many months a score and the one before it look back over."""
_CENT = Decimal("0.01")
_HUNDRED = Decimal(100)
_HALF = Decimal(50)
_NOTHING = Decimal(0)
REVENUE_BANDS: tuple[tuple[Decimal, Decimal], ...] = (
    (Decimal(0), Decimal(0)),
    (Decimal(100_000), Decimal(20)),
    (Decimal(1_000_000), Decimal(50)),
    (Decimal(10_000_000), Decimal(80)),
    (Decimal(100_000_000), Decimal(100)),
)
"""Revenue of twelve months and the points it is worth; straight lines between."""


class Risk(StrEnum):
    """How likely the customer is to leave."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"


@dataclass(frozen=True, slots=True)
class Sum:
    """What the facts of one kind add up to in one month."""

    count: int = 0
    amount: Decimal = _NOTHING


Sums = Mapping[tuple[str, date], Sum]
"""Sums of an account by kind of fact (its contract name) and month (its first day)."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What is measured of an account at the end of a month."""

    revenue: Decimal
    previous_revenue: Decimal
    half_year_revenue: Decimal
    receipts: Decimal
    late_receipts: Decimal
    tickets: int
    breaches: int
    touches: int
    recent_touches: int
    complaints: int
    won: int
    lost: int


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one characteristic adds to the score."""

    characteristic: str
    weight: int
    measured: str
    points: Decimal

    @property
    def contribution(self) -> Decimal:
        """Weight × points ÷ 100, two digits after the point."""
        return _rounded(self.weight * self.points / 100)


@dataclass(frozen=True, slots=True)
class Ranked:
    """A key account's place, with what its score is made of now and a month before."""

    account_id: str
    rank: int
    previous_rank: int
    contributions: tuple[Contribution, ...]
    previous: tuple[Contribution, ...]

    @property
    def movement(self) -> int:
        """Places won since the month before; negative when lost."""
        return self.previous_rank - self.rank


def measure(sums: Sums, month: date) -> Measures:
    """Adds up an account's sums for the month and those before it."""

    by_kind: dict[str, list[tuple[int, Sum]]] = {}
    for (kind, counted), each in sums.items():
        by_kind.setdefault(kind, []).append((months_between(counted, month), each))

    def added(kind: str, newest: int, oldest: int) -> Sum:
        """The sum of the months from `newest` to `oldest` months back, both included; 0 is the month itself."""
        found = [each for back, each in by_kind.get(kind, ()) if newest <= back <= oldest]
        return Sum(sum(each.count for each in found), sum((each.amount for each in found), _NOTHING))

    return Measures(
        revenue=added("REVENUE", 0, 11).amount,
        previous_revenue=added("REVENUE", 12, 23).amount,
        half_year_revenue=added("REVENUE", 0, 5).amount,
        receipts=added("RECEIPTS", 0, 11).amount,
        late_receipts=added("LATE_RECEIPTS", 0, 11).amount,
        tickets=added("TICKETS", 0, 11).count,
        breaches=added("SLA_BREACHES", 0, 11).count,
        touches=added("TOUCHES", 0, 11).count,
        recent_touches=added("TOUCHES", 0, 5).count,
        complaints=added("COMPLAINTS", 0, 11).count,
        won=added("PROJECTS_WON", 0, 23).count,
        lost=added("PROJECTS_LOST", 0, 23).count,
    )


def contributions(found: Measures) -> tuple[Contribution, ...]:
    """The characteristics in the order of their weights; weights add up to 100."""
    growth = growth_percent(found)
    grown = (
        "no revenue to compare with" if growth is None else f"{growth:+} % against the twelve months before"
    )
    punctual = _punctuality(found)
    return (
        Contribution(
            "revenue", 35, f"{found.revenue:.2f} invoiced in twelve months", _revenue_points(found.revenue)
        ),
        Contribution("growth", 15, grown, _growth_points(found, growth)),
        Contribution(
            "punctuality",
            15,
            "nothing received in twelve months" if punctual is None else f"{punctual} % received in time",
            _HALF if punctual is None else punctual,
        ),
        Contribution(
            "projects",
            15,
            f"{found.won} won and {found.lost} lost in two years",
            _within(Decimal(40 * found.won - 10 * found.lost)),
        ),
        Contribution(
            "service",
            10,
            f"{found.tickets} tickets and {found.breaches} broken service levels in twelve months",
            _within(Decimal(100 - 2 * found.tickets - 10 * found.breaches)),
        ),
        Contribution(
            "engagement",
            10,
            f"{found.recent_touches} contacts in six months",
            _rounded(_within(Decimal(found.recent_touches) * 100 / 12)),
        ),
    )


def score(parts: Sequence[Contribution]) -> Decimal:
    """The sum of the contributions, 0 to 100."""
    return sum((part.contribution for part in parts), _NOTHING)


def tier(value: Decimal) -> str:
    """A from 75, B from 50, C from 25, else D."""
    return next(name for name, least in (("A", 75), ("B", 50), ("C", 25), ("D", 0)) if value >= least)


def growth_percent(found: Measures) -> Decimal | None:
    """Change of revenue against the twelve months before, in whole percent; None without any before."""
    if found.previous_revenue <= 0:
        return None
    change = (found.revenue - found.previous_revenue) * 100 / found.previous_revenue
    return change.quantize(Decimal(1), ROUND_HALF_UP)


def churn(found: Measures) -> tuple[Risk, tuple[str, ...]]:
    """The risk that the customer leaves, and the signs of it. A simple rule, meant to be read and argued with.

    High: revenue down by half, none in half a year after some before, or two signs. Medium: one sign. Signs are revenue
    down by a quarter, three broken service levels, a complaint, no contact of ours in half a year with revenue before.
    """
    growth = growth_percent(found)
    earlier = found.previous_revenue > 0 or found.revenue > 0
    grave: list[str] = []
    signs: list[str] = []
    if growth is not None and growth <= -50:
        grave.append(f"revenue changed by {growth} % in a year")
    elif growth is not None and growth <= -25:
        signs.append(f"revenue changed by {growth} % in a year")
    if earlier and found.half_year_revenue <= 0:
        grave.append("no revenue in half a year")
    if found.breaches >= 3:
        signs.append(f"{found.breaches} broken service levels in a year")
    if found.complaints:
        signs.append(f"{found.complaints} complaints in a year")
    if earlier and not found.recent_touches:
        signs.append("no contact in half a year")
    if grave or len(signs) >= 2:
        return Risk.HIGH, (*grave, *signs)
    return (Risk.MEDIUM if signs else Risk.LOW), tuple(signs)


def ranking(accounts: Mapping[str, Sums], month: date) -> list[Ranked]:
    """Key accounts by score, then revenue, then id; with the places of the month before (ANA-07)."""
    before = shifted(month, -1)
    now = {id: measure(sums, month) for id, sums in accounts.items()}
    then = {id: measure(sums, before) for id, sums in accounts.items()}
    parts = {id: contributions(found) for id, found in now.items()}
    previous = {id: contributions(found) for id, found in then.items()}
    places = _places({id: (score(parts[id]), now[id].revenue) for id in accounts})
    earlier = _places({id: (score(previous[id]), then[id].revenue) for id in accounts})
    ranked = [Ranked(id, places[id], earlier[id], parts[id], previous[id]) for id in accounts]
    return sorted(ranked, key=lambda each: each.rank)


def reason(entry: Ranked) -> str:
    """Why an account moved: the characteristic that changed most, or that it was the others who moved."""
    changes = [
        (now.contribution - then.contribution, now)
        for now, then in zip(entry.contributions, entry.previous, strict=True)
    ]
    if entry.movement == 0:
        return "its place did not change"
    helpful = [each for each in changes if (each[0] > 0) == (entry.movement > 0) and each[0]]
    if not helpful:
        return "others moved"
    change, part = max(helpful, key=lambda each: abs(each[0]))
    return f"{part.characteristic} {change:+}: {part.measured}"


def _places(values: Mapping[str, tuple[Decimal, Decimal]]) -> dict[str, int]:
    ordered = sorted(values, key=lambda id: (-values[id][0], -values[id][1], id))  # noqa: A006 - an account's id
    return {id: place for place, id in enumerate(ordered, start=1)}


def _revenue_points(revenue: Decimal) -> Decimal:
    for (low, low_points), (high, high_points) in pairwise(REVENUE_BANDS):
        if revenue < high:
            share = (max(revenue, low) - low) / (high - low)
            return _rounded(low_points + share * (high_points - low_points))
    return _HUNDRED


def _growth_points(found: Measures, growth: Decimal | None) -> Decimal:
    if growth is None:
        return Decimal(75) if found.revenue > 0 else _HALF
    return _within(_HALF + growth)


def _punctuality(found: Measures) -> Decimal | None:
    if found.receipts <= 0:
        return None
    in_time = found.receipts - found.late_receipts
    return _rounded(_within(in_time * 100 / found.receipts))


def _within(points: Decimal) -> Decimal:
    return min(max(points, _NOTHING), _HUNDRED)


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_CENT, ROUND_HALF_UP)
