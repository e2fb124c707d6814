"""gRPC of touches and frequency policies."""

from __future__ import annotations

from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_contracts.facet.marketing.v1 import touch_service_pb as rpc
from facet_kit.context import Ctx
from facet_marketing.touches import service
from facet_marketing.touches.mapping import built_in_policy, policy_map, touch_map
from facet_marketing.touches.model import FrequencyPolicy, Touch


class TouchApi:
    """Serves TouchService."""

    service = "facet.marketing.v1.TouchService"

    async def create_touch(self, request: rpc.CreateTouchRequest, ctx: Ctx) -> pb.Touch:
        return touch_map.to_message(await service.create_touch(ctx, request.touch or pb.Touch()))

    async def get_touch(self, request: rpc.GetTouchRequest, ctx: Ctx) -> pb.Touch:
        return touch_map.to_message(await ctx.get(Touch, request.touch_id))

    async def list_touches(self, request: rpc.ListTouchesRequest, ctx: Ctx) -> rpc.ListTouchesResponse:
        rows, token = await service.touch_list.page(ctx, request)
        return rpc.ListTouchesResponse(touches=touch_map.to_messages(rows), next_page_token=token)

    async def complain_touch(self, request: rpc.ComplainTouchRequest, ctx: Ctx) -> pb.Touch:
        touch = await service.complain(ctx, request.touch_id, request.etag, complaint=request.complaint)
        return touch_map.to_message(touch)

    async def create_frequency_policy(
        self, request: rpc.CreateFrequencyPolicyRequest, ctx: Ctx
    ) -> pb.FrequencyPolicy:
        asked = request.frequency_policy or pb.FrequencyPolicy()
        return policy_map.to_message(await service.create_policy(ctx, asked))

    async def get_frequency_policy(
        self, request: rpc.GetFrequencyPolicyRequest, ctx: Ctx
    ) -> pb.FrequencyPolicy:
        return policy_map.to_message(await ctx.get(FrequencyPolicy, request.frequency_policy_id))

    async def list_frequency_policies(
        self, request: rpc.ListFrequencyPoliciesRequest, ctx: Ctx
    ) -> rpc.ListFrequencyPoliciesResponse:
        rows, token = await service.policy_list.page(ctx, request)
        return rpc.ListFrequencyPoliciesResponse(
            frequency_policies=policy_map.to_messages(rows), next_page_token=token
        )

    async def get_effective_frequency_policy(
        self, request: rpc.GetEffectiveFrequencyPolicyRequest, ctx: Ctx
    ) -> pb.FrequencyPolicy:
        policy = await service.policy_in_force(ctx)
        return built_in_policy() if policy is None else policy_map.to_message(policy)
