"""Composition root of the project service; nothing else imports it."""

from __future__ import annotations

from facet_kit.server.app import ServiceApp, run
from facet_project.decision_trees import events as decision_tree_events
from facet_project.decision_trees.api import DecisionTreeApi
from facet_project.gates.api import GateDefinitionApi
from facet_project.milestones import events as milestone_events
from facet_project.milestones.api import MilestoneApi
from facet_project.projects.api import ProjectApi
from facet_project.settings import Settings
from facet_project.summary import SummaryApi


def build(settings: Settings) -> ServiceApp:
    """The service with everything it serves and hears."""
    return ServiceApp(
        name="project",
        settings=settings,
        apis=[
            ProjectApi(currency=settings.reporting_currency),
            GateDefinitionApi(),
            MilestoneApi(),
            DecisionTreeApi(),
            SummaryApi(currency=settings.reporting_currency),
        ],
        handlers=[decision_tree_events.handlers, milestone_events.handlers],
    )


def main() -> None:
    """Runs the service until it is told to stop."""
    run(build(Settings.model_validate({})))


if __name__ == "__main__":
    main()
