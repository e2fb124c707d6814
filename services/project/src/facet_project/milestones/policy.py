"""What stands in the way of closing a milestone, and when it has overrun (PRJ-05). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from facet_project.decision_trees.policy import Seat, missing_roles, unengaged_roles


@dataclass(frozen=True, slots=True)
class Obstacles:
    """Why a milestone cannot be closed; empty lists when it can."""

    open_criteria: tuple[str, ...]
    vacant_roles: tuple[str, ...]
    unengaged_roles: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.open_criteria or self.vacant_roles or self.unengaged_roles)

    def describe(self) -> str:
        """The obstacles in a sentence that says how to mend them."""
        parts: list[str] = []
        if self.open_criteria:
            parts.append(f"meet these exit criteria: {'; '.join(self.open_criteria)}")
        if self.vacant_roles:
            parts.append(f"find who has these roles in the decision tree: {', '.join(self.vacant_roles)}")
        if self.unengaged_roles:
            parts.append(f"build a relationship with who has these roles: {', '.join(self.unengaged_roles)}")
        return f"Before the milestone can be closed, {', and '.join(parts)}."


def obstacles(
    *, open_criteria: Sequence[str], required_roles: Sequence[str], seats: Sequence[Seat]
) -> Obstacles:
    """What is missing: unmet exit criteria, required roles that nobody holds, and those that nobody engaged holds."""
    vacant = missing_roles(seats, required_roles)
    unengaged = tuple(role for role in unengaged_roles(seats, required_roles) if role not in vacant)
    return Obstacles(tuple(open_criteria), vacant, unengaged)


def is_overrun(*, due: date, closed_on: date | None, today: date) -> bool:
    """Whether the milestone was, or is still, open after its due date. The due date itself is in time."""
    return (closed_on or today) > due
