"""gRPC of reports over facts, and of their rebuild."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import nats.errors
from nats.js.errors import NotFoundError

from facet_analytics.facts import service
from facet_analytics.facts.model import fact_map
from facet_contracts.facet.analytics.v1 import report_service_pb as rpc
from facet_contracts.facet.analytics.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_kit.errors import Unavailable
from facet_kit.messaging.envelope import stream_name
from facet_kit.messaging.streams import Bus

_PATIENCE_SECONDS = 4.0


class ReportApi:
    """Serves facet.analytics.v1.ReportService."""

    service = "facet.analytics.v1.ReportService"

    def __init__(self, *, currency: str, bus: Callable[[], Bus], sources: Callable[[], list[str]]) -> None:
        self._currency = currency
        self._bus = bus
        self._sources = sources

    async def query_metric(self, request: rpc.QueryMetricRequest, ctx: Ctx) -> pb.MetricReport:
        return await service.query_metric(ctx, request, currency=self._currency)

    async def list_facts(self, request: rpc.ListFactsRequest, ctx: Ctx) -> rpc.ListFactsResponse:
        facts, token = await service.fact_list.page(ctx, request)
        return rpc.ListFactsResponse(facts=fact_map.to_messages(facts), next_page_token=token)

    async def rebuild_facts(self, request: rpc.RebuildFactsRequest, ctx: Ctx) -> rpc.RebuildFactsResponse:
        facts, entries = await service.drop_everything(ctx)
        await self._start_over(ctx.service)
        return rpc.RebuildFactsResponse(dropped_fact_count=facts, dropped_timeline_entry_count=entries)

    async def _start_over(self, consumer: str) -> None:
        """Deletes this service's places in the streams: its workers make them anew, at the beginning.

        Done before the commit, behind whose locks the workers wait: what comes again finds the facts dropped.
        """
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                jetstream = await self._bus().jetstream()
                for source in self._sources():
                    try:
                        await jetstream.delete_consumer(stream_name(source), consumer)
                    except NotFoundError:
                        continue
        except (TimeoutError, nats.errors.Error) as error:
            raise Unavailable(
                "STREAMS_UNAVAILABLE",
                "The streams do not answer; nothing was dropped. Retry in a moment.",
                retry_after=5,
            ) from error
