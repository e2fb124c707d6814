"""gRPC of account values and of the ranking of key accounts."""

from __future__ import annotations

from facet_analytics.months import parsed
from facet_analytics.values import service
from facet_contracts.facet.analytics.v1 import resources_pb as pb
from facet_contracts.facet.analytics.v1 import value_service_pb as rpc
from facet_kit.context import Ctx


class ValueApi:
    """Serves facet.analytics.v1.ValueService."""

    service = "facet.analytics.v1.ValueService"

    async def get_account_value(self, request: rpc.GetAccountValueRequest, ctx: Ctx) -> pb.AccountValue:
        month = parsed(request.month, "month", ctx.clock.today())
        ranking = await service.rank_key_accounts(ctx, month)
        return await service.account_value(ctx, request.customer_id, month, ranking)

    async def get_key_account_ranking(
        self, request: rpc.GetKeyAccountRankingRequest, ctx: Ctx
    ) -> pb.KeyAccountRanking:
        month = parsed(request.month, "month", ctx.clock.today())
        return await service.ranking_message(ctx, await service.rank_key_accounts(ctx, month))
