"""gRPC face of staff and of the directory."""

from __future__ import annotations

from facet_contracts.facet.customer.v1 import directory_service_pb as directory
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_contracts.facet.customer.v1 import staff_service_pb as rpc
from facet_customer.staff import service
from facet_customer.staff.directory import resolve
from facet_customer.staff.model import Staff, staff_map
from facet_kit.context import Ctx
from facet_kit.filtering import descendants
from facet_kit.paging import ListSpec
from facet_kit.refs import OrgRef

staff_list = ListSpec(
    Staff,
    fields={
        "display_name": Staff.display_name,
        "email": Staff.email,
        "title": Staff.title,
        "department_id": descendants(Staff.department_id, node=OrgRef.id, ancestors=OrgRef.ancestor_ids),
        "region_id": descendants(Staff.region_id, node=OrgRef.id, ancestors=OrgRef.ancestor_ids),
        "manager_id": Staff.manager_id,
        "mentor_id": Staff.mentor_id,
        "roles": Staff.roles,
        "active": Staff.active,
        "hire_date": Staff.hire_date,
    },
    order=("display_name", "email", "create_time", "hire_date"),
    default_order="email",
)


class StaffApi:
    """Staff."""

    service = "facet.customer.v1.StaffService"

    async def hire_staff(self, request: rpc.HireStaffRequest, ctx: Ctx) -> pb.Staff:
        return staff_map.to_message(await service.hire(ctx, request.staff or pb.Staff()))

    async def get_staff(self, request: rpc.GetStaffRequest, ctx: Ctx) -> pb.Staff:
        return staff_map.to_message(await ctx.get(Staff, request.staff_id))

    async def list_staff(self, request: rpc.ListStaffRequest, ctx: Ctx) -> rpc.ListStaffResponse:
        rows, token = await staff_list.page(ctx, request)
        return rpc.ListStaffResponse(staff=staff_map.to_messages(rows), next_page_token=token)

    async def update_staff(self, request: rpc.UpdateStaffRequest, ctx: Ctx) -> pb.Staff:
        message = request.staff or pb.Staff()
        return staff_map.to_message(await service.update(ctx, message, request.update_mask, request.etag))

    async def deactivate_staff(self, request: rpc.DeactivateStaffRequest, ctx: Ctx) -> pb.Staff:
        return staff_map.to_message(await service.deactivate(ctx, request.staff_id, request.etag))

    async def reactivate_staff(self, request: rpc.ReactivateStaffRequest, ctx: Ctx) -> pb.Staff:
        return staff_map.to_message(await service.reactivate(ctx, request.staff_id, request.etag))


class DirectoryApi:
    """Who a sign-in is."""

    service = "facet.customer.v1.DirectoryService"

    async def resolve_principal(
        self, request: directory.ResolvePrincipalRequest, ctx: Ctx
    ) -> pb.PrincipalRecord:
        return await resolve(ctx, request.subject)
