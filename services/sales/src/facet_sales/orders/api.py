"""gRPC servicer of orders: messages in, use case, messages out."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from facet_contracts.facet.sales.v1 import order_service_pb as rpc
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_sales.orders import flow, service
from facet_sales.orders.model import Order, brief_order_map, decision_map, order_map


class OrderApi:
    """Orders. `reporting` is the reporting currency."""

    service = "facet.sales.v1.OrderService"

    def __init__(self, reporting: str) -> None:
        self._reporting = reporting

    async def create_order(self, request: rpc.CreateOrderRequest, ctx: Ctx) -> pb.Order:
        return order_map.to_message(await service.create_order(ctx, request, self._reporting))

    async def get_order(self, request: rpc.GetOrderRequest, ctx: Ctx) -> pb.Order:
        return order_map.to_message(await service.get_order(ctx, request.order_id))

    async def list_orders(self, request: rpc.ListOrdersRequest, ctx: Ctx) -> rpc.ListOrdersResponse:
        query = select(Order).options(selectinload(Order.lines))
        rows, token = await service.ORDERS.page(ctx, request, query)
        return rpc.ListOrdersResponse(orders=brief_order_map.to_messages(rows), next_page_token=token)

    async def update_order(self, request: rpc.UpdateOrderRequest, ctx: Ctx) -> pb.Order:
        return order_map.to_message(await service.update_order(ctx, request))

    async def submit_order(self, request: rpc.SubmitOrderRequest, ctx: Ctx) -> pb.Order:
        return order_map.to_message(await flow.submit_order(ctx, request))

    async def approve_order(self, request: rpc.ApproveOrderRequest, ctx: Ctx) -> pb.Order:
        return order_map.to_message(await flow.approve_order(ctx, request))

    async def finance_approve_order(self, request: rpc.FinanceApproveOrderRequest, ctx: Ctx) -> pb.Order:
        return order_map.to_message(await flow.finance_approve_order(ctx, request))

    async def reject_order(self, request: rpc.RejectOrderRequest, ctx: Ctx) -> pb.Order:
        return order_map.to_message(await flow.reject_order(ctx, request))

    async def reopen_order(self, request: rpc.ReopenOrderRequest, ctx: Ctx) -> pb.Order:
        return order_map.to_message(await flow.reopen_order(ctx, request))

    async def ship_order(self, request: rpc.ShipOrderRequest, ctx: Ctx) -> pb.Order:
        return order_map.to_message(await flow.ship_order(ctx, request))

    async def receive_order(self, request: rpc.ReceiveOrderRequest, ctx: Ctx) -> pb.Order:
        return order_map.to_message(await flow.receive_order(ctx, request))

    async def settle_order(self, request: rpc.SettleOrderRequest, ctx: Ctx) -> pb.Order:
        return order_map.to_message(await flow.settle_order(ctx, request))

    async def cancel_order(self, request: rpc.CancelOrderRequest, ctx: Ctx) -> pb.Order:
        return order_map.to_message(await flow.cancel_order(ctx, request))

    async def list_order_decisions(
        self, request: rpc.ListOrderDecisionsRequest, ctx: Ctx
    ) -> rpc.ListOrderDecisionsResponse:
        rows, token = await service.list_decisions(ctx, request)
        return rpc.ListOrderDecisionsResponse(
            order_decisions=decision_map.to_messages(rows), next_page_token=token
        )
