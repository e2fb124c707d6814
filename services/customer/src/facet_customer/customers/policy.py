"""The life of a customer with the enterprise: which stage may follow which (CUS-13). Pure."""

from facet_contracts.facet.customer.v1.resources_pb import LifecycleStage

TRANSITIONS: dict[LifecycleStage, frozenset[LifecycleStage]] = {
    LifecycleStage.PROSPECT: frozenset({LifecycleStage.QUALIFIED, LifecycleStage.LOST}),
    LifecycleStage.QUALIFIED: frozenset({LifecycleStage.ACTIVE, LifecycleStage.LOST}),
    LifecycleStage.ACTIVE: frozenset({LifecycleStage.AT_RISK, LifecycleStage.LOST}),
    LifecycleStage.AT_RISK: frozenset({LifecycleStage.ACTIVE, LifecycleStage.LOST}),
    LifecycleStage.LOST: frozenset({LifecycleStage.WON_BACK}),
    LifecycleStage.WON_BACK: frozenset({LifecycleStage.ACTIVE, LifecycleStage.AT_RISK, LifecycleStage.LOST}),
}
"""From each stage, the stages that may follow. Only a lost customer can be won back."""

FIRST_STAGE = LifecycleStage.PROSPECT


def next_stages(stage: LifecycleStage) -> list[LifecycleStage]:
    """The stages that may follow, in the order of the contract."""
    return sorted(TRANSITIONS.get(stage, frozenset()))


def may_follow(stage: LifecycleStage, following: LifecycleStage) -> bool:
    """Whether a customer may go from one stage to the other."""
    return following in TRANSITIONS.get(stage, frozenset())
