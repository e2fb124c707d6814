"""Composition root of the sales service: settings → APIs and handlers → ServiceApp. Nothing else imports it."""

from __future__ import annotations

from facet_kit.server.app import ServiceApp, run
from facet_sales.catalog.api import CatalogApi
from facet_sales.contracts import events as contract_events
from facet_sales.contracts.api import ContractApi
from facet_sales.orders.api import OrderApi
from facet_sales.pipeline.api import PipelineApi
from facet_sales.receivables.api import ReceivablesApi
from facet_sales.settings import Settings
from facet_sales.summary.api import SummaryApi


def build(settings: Settings) -> ServiceApp:
    """The service with its APIs and handlers, not started."""
    reporting = settings.reporting_currency
    return ServiceApp(
        name="sales",
        settings=settings,
        apis=[
            CatalogApi(reporting),
            PipelineApi(reporting),
            OrderApi(reporting),
            ContractApi(reporting),
            ReceivablesApi(reporting),
            SummaryApi(reporting),
        ],
        handlers=[contract_events.handlers],
    )


def main() -> None:
    """Runs the service until it is told to stop."""
    run(build(Settings.model_validate({})))  # the environment fills them


if __name__ == "__main__":
    main()
