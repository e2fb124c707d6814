"""Composition root of the customer service; nothing else imports it."""

from __future__ import annotations

from facet_customer.classification.api import ClassificationApi
from facet_customer.classification.events import handlers as classification_handlers
from facet_customer.contacts.api import ContactApi
from facet_customer.contacts.events import handlers as contact_handlers
from facet_customer.customers.api import CustomerApi
from facet_customer.organisation.api import DepartmentApi, RegionApi
from facet_customer.search.api import SearchApi
from facet_customer.settings import Settings
from facet_customer.staff.api import DirectoryApi, StaffApi
from facet_customer.summary import SummaryApi
from facet_customer.teams.api import AccountTeamApi
from facet_kit.server.app import ServiceApp, run


def build(settings: Settings) -> ServiceApp:
    """The service with all its features."""
    return ServiceApp(
        name="customer",
        settings=settings,
        apis=[
            DepartmentApi(),
            RegionApi(),
            StaffApi(),
            DirectoryApi(),
            CustomerApi(),
            ContactApi(),
            ClassificationApi(),
            AccountTeamApi(),
            SearchApi(),
            SummaryApi(),
        ],
        handlers=[contact_handlers, classification_handlers],
        follows_customers=False,
    )


def main() -> None:
    """Runs the service."""
    run(build(Settings()))  # pyright: ignore[reportCallIssue] - settings come from the environment


if __name__ == "__main__":
    main()
