"""gRPC servicer of the account summary."""

from __future__ import annotations

from facet_contracts.facet.sales.v1 import summary_service_pb as rpc
from facet_contracts.facet.type.v1.account_pb import GetAccountSummaryRequest
from facet_kit.context import Ctx
from facet_sales.summary.service import account_summary


class SummaryApi:
    """The sections of the unified view that sales owns. `reporting` is the reporting currency."""

    service = "facet.sales.v1.SummaryService"

    def __init__(self, reporting: str) -> None:
        self._reporting = reporting

    async def get_account_summary(self, request: GetAccountSummaryRequest, ctx: Ctx) -> rpc.AccountSummary:
        return await account_summary(ctx, request.customer_id, self._reporting)
