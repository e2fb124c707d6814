"""gRPC face of customers, and what their lists may be filtered and ordered by."""

from __future__ import annotations

from sqlalchemy import func, select, true

from facet_contracts.facet.customer.v1 import customer_service_pb as rpc
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_customer.customers import hierarchy, service
from facet_customer.customers.model import Customer, LifecycleChange, customer_map, lifecycle_change_map
from facet_kit.context import Ctx
from facet_kit.custom_fields import custom_filter_fields
from facet_kit.filtering import Source, TreeField, compile_filter, descendants, uses_custom_fields
from facet_kit.paging import ListSpec
from facet_kit.refs import OrgRef
from facet_kit.summary import org_names, slices

_ORDER = ("display_name", "create_time", "update_time")

_OPEN_FIELDS: dict[str, Source] = {
    "id": Customer.id,
    "display_name": Customer.display_name,
    "alias": Customer.alias,
    "kind": Customer.kind,
    "roles": Customer.roles,
    "parent_id": Customer.parent_id,
    "group_id": Customer.group_id,
    "group": TreeField(
        member=lambda group_id: Customer.group_id == group_id,
        subtree=lambda top_id: Customer.ancestor_ids.contains([top_id]),
        present=true(),
    ),
    "department_id": descendants(Customer.department_id, node=OrgRef.id, ancestors=OrgRef.ancestor_ids),
    "region_id": descendants(Customer.region_id, node=OrgRef.id, ancestors=OrgRef.ancestor_ids),
    "owner_id": Customer.owner_id,
    "status": Customer.status,
    "tax_id": Customer.tax_id,
    "country_code": Customer.country_code,
    "province": Customer.province,
    "city": Customer.city,
}
"""What every caller may filter by: fields that customers' users see too, since a filter tells as much as a field."""

_FIELDS: dict[str, Source] = _OPEN_FIELDS | {
    "key_account": Customer.key_account,
    "relationship_strategy": Customer.relationship_strategy,
    "lifecycle_stage": Customer.lifecycle_stage,
    "lifecycle_stage_time": Customer.lifecycle_stage_time,
    "employee_count": Customer.employee_count,
    "source": Customer.source,
    "classification": TreeField(
        member=lambda node_id: Customer.node_ids.contains([node_id]),
        subtree=lambda node_id: Customer.node_ancestor_ids.contains([node_id]),
        present=func.cardinality(Customer.node_ids) > 0,
    ),
}

customer_list = ListSpec(
    Customer, fields=_FIELDS, order=(*_ORDER, "lifecycle_stage_time"), custom_fields=True
)
open_customer_list = ListSpec(Customer, fields=_OPEN_FIELDS, order=_ORDER)
lifecycle_list = ListSpec(
    LifecycleChange,
    fields={
        "from_stage": LifecycleChange.from_stage,
        "to_stage": LifecycleChange.to_stage,
        "change_time": LifecycleChange.change_time,
    },
    order=("change_time",),
    default_order="change_time desc",
)


class CustomerApi:
    """Customers."""

    service = "facet.customer.v1.CustomerService"

    async def create_customer(self, request: rpc.CreateCustomerRequest, ctx: Ctx) -> pb.Customer:
        return customer_map.to_message(await service.create(ctx, request.customer or pb.Customer()))

    async def get_customer(self, request: rpc.GetCustomerRequest, ctx: Ctx) -> pb.Customer:
        return customer_map.to_message(await ctx.get(Customer, request.customer_id))

    async def list_customers(self, request: rpc.ListCustomersRequest, ctx: Ctx) -> rpc.ListCustomersResponse:
        spec = customer_list if ctx.principal.internal else open_customer_list
        rows, token = await spec.page(ctx, request)
        return rpc.ListCustomersResponse(customers=customer_map.to_messages(rows), next_page_token=token)

    async def update_customer(self, request: rpc.UpdateCustomerRequest, ctx: Ctx) -> pb.Customer:
        message = request.customer or pb.Customer()
        return customer_map.to_message(
            await service.update_customer(ctx, message, request.update_mask, request.etag)
        )

    async def move_customer(self, request: rpc.MoveCustomerRequest, ctx: Ctx) -> pb.Customer:
        return customer_map.to_message(
            await hierarchy.move(ctx, request.customer_id, request.parent_id, request.etag)
        )

    async def change_lifecycle_stage(self, request: rpc.ChangeLifecycleStageRequest, ctx: Ctx) -> pb.Customer:
        return customer_map.to_message(
            await service.change_stage(ctx, request.customer_id, request.stage, request.reason, request.etag)
        )

    async def list_lifecycle_changes(
        self, request: rpc.ListLifecycleChangesRequest, ctx: Ctx
    ) -> rpc.ListLifecycleChangesResponse:
        customer = await ctx.get(Customer, request.customer_id)
        query = select(LifecycleChange).where(LifecycleChange.customer_id == customer.id)
        rows, token = await lifecycle_list.page(ctx, request, query)
        return rpc.ListLifecycleChangesResponse(
            lifecycle_changes=lifecycle_change_map.to_messages(rows), next_page_token=token
        )

    async def transfer_customer_owner(
        self, request: rpc.TransferCustomerOwnerRequest, ctx: Ctx
    ) -> pb.Customer:
        return customer_map.to_message(
            await service.transfer(
                ctx,
                request.customer_id,
                request.owner_id,
                include_descendants=request.include_descendants,
                reason=request.reason,
                etag=request.etag,
            )
        )

    async def deactivate_customer(self, request: rpc.DeactivateCustomerRequest, ctx: Ctx) -> pb.Customer:
        return customer_map.to_message(await service.deactivate(ctx, request.customer_id, request.etag))

    async def reactivate_customer(self, request: rpc.ReactivateCustomerRequest, ctx: Ctx) -> pb.Customer:
        return customer_map.to_message(await service.reactivate(ctx, request.customer_id, request.etag))

    async def get_customer_hierarchy(
        self, request: rpc.GetCustomerHierarchyRequest, ctx: Ctx
    ) -> rpc.CustomerHierarchy:
        return await hierarchy.hierarchy_message(ctx, request.customer_id)

    async def count_customers_by_region(
        self, request: rpc.CountCustomersByRegionRequest, ctx: Ctx
    ) -> rpc.CountCustomersByRegionResponse:
        inside = ctx.principal.internal
        custom = None
        if inside and uses_custom_fields(request.filter):
            custom = (await custom_filter_fields(ctx, Customer)).get
        condition = compile_filter(request.filter, _FIELDS if inside else _OPEN_FIELDS, custom=custom)
        rows = await hierarchy.count_by_place(ctx, condition)
        names = await org_names(ctx, [row.region_id for row in rows])
        return rpc.CountCustomersByRegionResponse(
            by_region=slices(rows, "region_id", names=names, count="member_count"),
            customer_count=sum(row.member_count for row in rows),
        )
