"""The mathematics of decision trees (PRJ-03). Pure: seats in, figures out; nesting rules of nodes besides.

Influence weights are 0 to 100 and count against each other only: multiplying all of them changes no figure.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

ENGAGED_STRENGTH = 2
"""Relationship strength from which a person counts as engaged."""
SINGLE_THREAD_SHARE = Decimal(2) / Decimal(3)
"""Share of the relationships in one hand above which losing that colleague loses the project."""
STANCE_VALUES: Mapping[str, Decimal] = {
    "CHAMPION": Decimal(1),
    "SUPPORTER": Decimal("0.5"),
    "NEUTRAL": Decimal(0),
    "SCEPTIC": Decimal("-0.5"),
    "BLOCKER": Decimal(-1),
    "UNKNOWN": Decimal(0),
}
_PERCENT = Decimal("0.01")
_RATIO = Decimal("0.0001")


class Kind(StrEnum):
    """What a node stands for."""

    UNIT = "UNIT"
    DEPARTMENT = "DEPARTMENT"
    SEAT = "SEAT"


_PARENTS: Mapping[Kind, frozenset[Kind | None]] = {
    Kind.UNIT: frozenset({None, Kind.UNIT}),
    Kind.DEPARTMENT: frozenset({Kind.UNIT, Kind.DEPARTMENT}),
    Kind.SEAT: frozenset({Kind.UNIT, Kind.DEPARTMENT}),
}


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in the decision; `stance` is a key of STANCE_VALUES, and means nothing while the seat is vacant."""

    id: str
    vacant: bool
    roles: frozenset[str]
    influence: int
    stance: str
    strength: int
    owner_id: str = ""
    next_contact_date: date | None = None

    @property
    def engaged(self) -> bool:
        """Somebody holds the seat and the relationship is strong enough to count."""
        return not self.vacant and self.strength >= ENGAGED_STRENGTH


@dataclass(frozen=True, slots=True)
class Figures:
    """What a tree says about its project; ratios as the contract documents them."""

    coverage_percent: Decimal
    weighted_support: Decimal
    single_thread_share: Decimal
    single_thread_owner_id: str
    single_thread_risk: bool
    blockers: tuple[str, ...]
    vacant: tuple[str, ...]
    missing_roles: tuple[str, ...]
    overdue_contacts: tuple[str, ...]
    seat_count: int
    filled_seat_count: int
    unknown_stance_count: int


def figures(seats: Sequence[Seat], *, required_roles: Sequence[str], today: date) -> Figures:
    """All figures of a tree. Lists of seats come most influential first, then by id."""
    ranked = sorted(seats, key=lambda seat: (-seat.influence, seat.id))
    filled = [seat for seat in ranked if not seat.vacant]
    share, owner = single_thread(filled)
    return Figures(
        coverage_percent=coverage(ranked),
        weighted_support=weighted_support(filled),
        single_thread_share=share,
        single_thread_owner_id=owner,
        single_thread_risk=share > SINGLE_THREAD_SHARE and len(filled) > 1,
        blockers=tuple(seat.id for seat in filled if seat.stance == "BLOCKER"),
        vacant=tuple(seat.id for seat in ranked if seat.vacant),
        missing_roles=missing_roles(filled, required_roles),
        overdue_contacts=tuple(
            seat.id
            for seat in filled
            if seat.next_contact_date is not None and seat.next_contact_date < today
        ),
        seat_count=len(ranked),
        filled_seat_count=len(filled),
        unknown_stance_count=sum(seat.stance == "UNKNOWN" for seat in filled),
    )


def coverage(seats: Collection[Seat]) -> Decimal:
    """Percent of all influence that sits in engaged seats: Σ influence(engaged) ÷ Σ influence × 100; else 0."""
    total = sum(seat.influence for seat in seats)
    engaged = sum(seat.influence for seat in seats if seat.engaged)
    return _rounded(Decimal(engaged) * 100 / total, _PERCENT) if total else Decimal("0.00")


def weighted_support(seats: Collection[Seat]) -> Decimal:
    """Σ influence × stance ÷ Σ influence over filled seats, −1 to +1; 0 without influence. Unknown counts 0."""
    filled = [seat for seat in seats if not seat.vacant]
    total = sum(seat.influence for seat in filled)
    support = sum((seat.influence * STANCE_VALUES[seat.stance] for seat in filled), Decimal(0))
    return _rounded(support / total, _RATIO) if total else Decimal("0.0000")


def single_thread(seats: Collection[Seat]) -> tuple[Decimal, str]:
    """The largest share of relationships that one of our people holds, and who it is.

    A relationship weighs influence × strength; relationships that nobody minds count in the whole, for no one. 0 and ""
    without relationships. Of equal shares the first owner by id is named.
    """
    by_owner: dict[str, int] = {}
    total = 0
    for seat in seats:
        if seat.vacant:
            continue
        weight = seat.influence * seat.strength
        total += weight
        if seat.owner_id:
            by_owner[seat.owner_id] = by_owner.get(seat.owner_id, 0) + weight
    if not total or not by_owner:
        return Decimal("0.0000"), ""
    owner = min(by_owner, key=lambda each: (-by_owner[each], each))
    return _rounded(Decimal(by_owner[owner]) / total, _RATIO), owner if by_owner[owner] else ""


def missing_roles(seats: Collection[Seat], required: Sequence[str]) -> tuple[str, ...]:
    """Required roles that no filled seat has, in the order they are required."""
    present = {role for seat in seats if not seat.vacant for role in seat.roles}
    return tuple(role for role in required if role not in present)


def unengaged_roles(seats: Collection[Seat], required: Sequence[str]) -> tuple[str, ...]:
    """Required roles that no engaged seat has (PRJ-05): nobody holds them, or we hardly know who does."""
    engaged = {role for seat in seats if seat.engaged for role in seat.roles}
    return tuple(role for role in required if role not in engaged)


def may_stand(kind: Kind, parent: Kind | None) -> bool:
    """Whether a node of this kind may stand below a parent of that kind; None is the root."""
    return parent in _PARENTS[kind]


def closes_cycle(node_id: str, parent_id: str, parents: Mapping[str, str]) -> bool:
    """Whether the node would stand below itself under `parent_id`. `parents` maps every node to its parent or ""."""
    current = parent_id
    steps = 0
    while current and steps <= len(parents):
        if current == node_id:
            return True
        current = parents.get(current, "")
        steps += 1
    return bool(current)


def _rounded(value: Decimal, unit: Decimal) -> Decimal:
    return value.quantize(unit, ROUND_HALF_UP)
