"""Which facts of a project a gate decision rests on, and which states count as what. Pure."""

from collections.abc import Collection

from facet_contracts.facet.project.v1.resources_pb import ProjectState

MATERIAL_FACTS = frozenset({"expected_revenue", "expected_close_date"})
"""Fields that a gate evaluates: when one changes, the gate is asked again (PRJ-01)."""

OPEN_STATES = frozenset({ProjectState.REGISTERED, ProjectState.GATE_PASSED, ProjectState.RUNNING})
"""States in which a project still counts towards the account's open projects."""

ENDED_STATES = frozenset({ProjectState.WON, ProjectState.LOST, ProjectState.CLOSED})
"""States in which nothing about the project is decided any more."""

CUSTOMER_VISIBLE_STATES = frozenset({ProjectState.RUNNING, ProjectState.WON, ProjectState.CLOSED})
"""States in which a customer's own user may know of the project; before and after a loss it is our own affair."""


def material(changed: Collection[str]) -> list[str]:
    """The material facts among changed fields, in a stable order."""
    return sorted(MATERIAL_FACTS.intersection(changed))
