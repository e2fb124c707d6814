"""gRPC face of departments and regions."""

from __future__ import annotations

from protobuf.wkt import Empty

from facet_contracts.facet.customer.v1 import department_service_pb as departments
from facet_contracts.facet.customer.v1 import region_service_pb as regions
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_customer.organisation import service
from facet_customer.organisation.model import Department, Region, department_map, region_map
from facet_customer.organisation.service import DEPARTMENTS, REGIONS
from facet_kit.context import Ctx
from facet_kit.filtering import descendants
from facet_kit.paging import ListSpec

_ORDER = ("code", "display_name", "create_time")

department_list = ListSpec(
    Department,
    fields={
        "id": descendants(Department.id, node=Department.id, ancestors=Department.ancestor_ids),
        "code": Department.code,
        "display_name": Department.display_name,
        "parent_id": Department.parent_id,
        "create_time": Department.create_time,
    },
    order=_ORDER,
    default_order="code",
)
region_list = ListSpec(
    Region,
    fields={
        "id": descendants(Region.id, node=Region.id, ancestors=Region.ancestor_ids),
        "code": Region.code,
        "display_name": Region.display_name,
        "parent_id": Region.parent_id,
        "create_time": Region.create_time,
    },
    order=_ORDER,
    default_order="code",
)


class DepartmentApi:
    """Departments."""

    service = "facet.customer.v1.DepartmentService"

    async def create_department(
        self, request: departments.CreateDepartmentRequest, ctx: Ctx
    ) -> pb.Department:
        return department_map.to_message(
            await service.create_unit(ctx, DEPARTMENTS, request.department or pb.Department())
        )

    async def get_department(self, request: departments.GetDepartmentRequest, ctx: Ctx) -> pb.Department:
        return department_map.to_message(await ctx.get(Department, request.department_id))

    async def list_departments(
        self, request: departments.ListDepartmentsRequest, ctx: Ctx
    ) -> departments.ListDepartmentsResponse:
        rows, token = await department_list.page(ctx, request)
        return departments.ListDepartmentsResponse(
            departments=department_map.to_messages(rows), next_page_token=token
        )

    async def update_department(
        self, request: departments.UpdateDepartmentRequest, ctx: Ctx
    ) -> pb.Department:
        message = request.department or pb.Department()
        return department_map.to_message(
            await service.update_unit(ctx, DEPARTMENTS, message, request.update_mask, request.etag)
        )

    async def move_department(self, request: departments.MoveDepartmentRequest, ctx: Ctx) -> pb.Department:
        return department_map.to_message(
            await service.move_unit(ctx, DEPARTMENTS, request.department_id, request.parent_id, request.etag)
        )

    async def delete_department(self, request: departments.DeleteDepartmentRequest, ctx: Ctx) -> Empty:
        await service.delete_unit(ctx, DEPARTMENTS, request.department_id, request.etag)
        return Empty()


class RegionApi:
    """Regions."""

    service = "facet.customer.v1.RegionService"

    async def create_region(self, request: regions.CreateRegionRequest, ctx: Ctx) -> pb.Region:
        return region_map.to_message(await service.create_unit(ctx, REGIONS, request.region or pb.Region()))

    async def get_region(self, request: regions.GetRegionRequest, ctx: Ctx) -> pb.Region:
        return region_map.to_message(await ctx.get(Region, request.region_id))

    async def list_regions(
        self, request: regions.ListRegionsRequest, ctx: Ctx
    ) -> regions.ListRegionsResponse:
        rows, token = await region_list.page(ctx, request)
        return regions.ListRegionsResponse(regions=region_map.to_messages(rows), next_page_token=token)

    async def update_region(self, request: regions.UpdateRegionRequest, ctx: Ctx) -> pb.Region:
        message = request.region or pb.Region()
        return region_map.to_message(
            await service.update_unit(ctx, REGIONS, message, request.update_mask, request.etag)
        )

    async def move_region(self, request: regions.MoveRegionRequest, ctx: Ctx) -> pb.Region:
        return region_map.to_message(
            await service.move_unit(ctx, REGIONS, request.region_id, request.parent_id, request.etag)
        )

    async def delete_region(self, request: regions.DeleteRegionRequest, ctx: Ctx) -> Empty:
        await service.delete_unit(ctx, REGIONS, request.region_id, request.etag)
        return Empty()
