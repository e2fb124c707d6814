"""gRPC face of account teams."""

from __future__ import annotations

from protobuf.wkt import Empty
from sqlalchemy import select

from facet_contracts.facet.customer.v1 import account_team_service_pb as rpc
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_customer.customers.model import Customer
from facet_customer.teams import service
from facet_customer.teams.model import AccountTeamMember, team_member_map
from facet_kit.context import Ctx
from facet_kit.paging import ListSpec

team_list = ListSpec(
    AccountTeamMember,
    fields={
        "customer_id": AccountTeamMember.customer_id,
        "staff_id": AccountTeamMember.staff_id,
        "role": AccountTeamMember.role,
    },
    order=("create_time", "role"),
    default_order="create_time",
)


class AccountTeamApi:
    """Account teams."""

    service = "facet.customer.v1.AccountTeamService"

    async def add_account_team_member(
        self, request: rpc.AddAccountTeamMemberRequest, ctx: Ctx
    ) -> pb.AccountTeamMember:
        message = request.account_team_member or pb.AccountTeamMember()
        return team_member_map.to_message(await service.add(ctx, request.customer_id, message))

    async def get_account_team_member(
        self, request: rpc.GetAccountTeamMemberRequest, ctx: Ctx
    ) -> pb.AccountTeamMember:
        return team_member_map.to_message(
            await service.get(ctx, request.customer_id, request.account_team_member_id)
        )

    async def list_account_team_members(
        self, request: rpc.ListAccountTeamMembersRequest, ctx: Ctx
    ) -> rpc.ListAccountTeamMembersResponse:
        customer = await ctx.get(Customer, request.customer_id)
        query = (
            select(AccountTeamMember)
            .where(AccountTeamMember.customer_id.in_(customer.ancestor_ids))
            .options(*service.WITH_STAFF)
        )
        rows, token = await team_list.page(ctx, request, query)
        return rpc.ListAccountTeamMembersResponse(
            account_team_members=team_member_map.to_messages(rows), next_page_token=token
        )

    async def update_account_team_member(
        self, request: rpc.UpdateAccountTeamMemberRequest, ctx: Ctx
    ) -> pb.AccountTeamMember:
        message = request.account_team_member or pb.AccountTeamMember()
        return team_member_map.to_message(
            await service.update(ctx, message, request.update_mask, request.etag)
        )

    async def remove_account_team_member(
        self, request: rpc.RemoveAccountTeamMemberRequest, ctx: Ctx
    ) -> Empty:
        await service.remove(ctx, request.customer_id, request.account_team_member_id, request.etag)
        return Empty()
