"""gRPC of consents."""

from __future__ import annotations

from facet_contracts.facet.marketing.v1 import consent_service_pb as rpc
from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_contracts.facet.marketing.v1.resources_pb import ConsentState
from facet_kit.context import Ctx
from facet_marketing.consents import service
from facet_marketing.consents.mapping import change_map, consent_map
from facet_marketing.consents.model import Consent


class ConsentApi:
    """Serves ConsentService."""

    service = "facet.marketing.v1.ConsentService"

    async def create_consent(self, request: rpc.CreateConsentRequest, ctx: Ctx) -> pb.Consent:
        return consent_map.to_message(await service.create_consent(ctx, request.consent or pb.Consent()))

    async def get_consent(self, request: rpc.GetConsentRequest, ctx: Ctx) -> pb.Consent:
        return consent_map.to_message(await ctx.get(Consent, request.consent_id))

    async def list_consents(self, request: rpc.ListConsentsRequest, ctx: Ctx) -> rpc.ListConsentsResponse:
        rows, token = await service.consent_list.page(ctx, request)
        return rpc.ListConsentsResponse(consents=consent_map.to_messages(rows), next_page_token=token)

    async def grant_consent(self, request: rpc.GrantConsentRequest, ctx: Ctx) -> pb.Consent:
        consent = await service.turn_consent(
            ctx, request.consent_id, request.etag, ConsentState.GRANTED, source=request.source
        )
        return consent_map.to_message(consent)

    async def withdraw_consent(self, request: rpc.WithdrawConsentRequest, ctx: Ctx) -> pb.Consent:
        consent = await service.turn_consent(
            ctx, request.consent_id, request.etag, ConsentState.WITHDRAWN, source=request.source
        )
        return consent_map.to_message(consent)

    async def list_consent_changes(
        self, request: rpc.ListConsentChangesRequest, ctx: Ctx
    ) -> rpc.ListConsentChangesResponse:
        rows, token = await service.list_changes(ctx, request)
        return rpc.ListConsentChangesResponse(changes=change_map.to_messages(rows), next_page_token=token)
