"""gRPC servicer of API keys."""

from __future__ import annotations

from facet_contracts.facet.gateway.v1 import api_key_service_pb as service_pb
from facet_contracts.facet.gateway.v1 import resources_pb as pb
from facet_gateway.keys import service
from facet_gateway.keys.model import ApiKey, key_map
from facet_kit.context import Ctx
from facet_kit.paging import ListSpec

key_list = ListSpec(
    ApiKey,
    fields={"person_id": ApiKey.person_id, "display_name": ApiKey.display_name},
    order=("create_time", "display_name"),
)


class ApiKeyApi:
    """facet.gateway.v1.ApiKeyService."""

    service = "facet.gateway.v1.ApiKeyService"

    async def create_api_key(self, request: service_pb.CreateApiKeyRequest, ctx: Ctx) -> pb.ApiKey:
        """Makes a key; the only answer that ever carries a secret."""
        key, secret = await service.create_key(ctx, request.api_key or pb.ApiKey())
        message = key_map.to_message(key)
        message.secret = secret
        return message

    async def get_api_key(self, request: service_pb.GetApiKeyRequest, ctx: Ctx) -> pb.ApiKey:
        """Shows one key."""
        return key_map.to_message(await ctx.get(ApiKey, request.api_key_id))

    async def list_api_keys(
        self, request: service_pb.ListApiKeysRequest, ctx: Ctx
    ) -> service_pb.ListApiKeysResponse:
        """Lists keys."""
        keys, token = await key_list.page(ctx, request)
        return service_pb.ListApiKeysResponse(api_keys=key_map.to_messages(keys), next_page_token=token)

    async def revoke_api_key(self, request: service_pb.RevokeApiKeyRequest, ctx: Ctx) -> pb.ApiKey:
        """Ends a key."""
        return key_map.to_message(await service.revoke_key(ctx, request.api_key_id, request.etag))
