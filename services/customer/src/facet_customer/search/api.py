"""gRPC face of search."""

from __future__ import annotations

from facet_contracts.facet.customer.v1 import search_service_pb as rpc
from facet_customer.contacts.model import listed
from facet_customer.customers.model import customer_map
from facet_customer.search import service
from facet_kit.context import Ctx


class SearchApi:
    """Search."""

    service = "facet.customer.v1.SearchService"

    async def search_customers(
        self, request: rpc.SearchCustomersRequest, ctx: Ctx
    ) -> rpc.SearchCustomersResponse:
        found = await service.customers(ctx, request.query, request.page_size)
        return rpc.SearchCustomersResponse(customers=customer_map.to_messages(found))

    async def search_contacts(
        self, request: rpc.SearchContactsRequest, ctx: Ctx
    ) -> rpc.SearchContactsResponse:
        found = await service.contacts(ctx, request.query, request.page_size)
        return rpc.SearchContactsResponse(contacts=listed(found))
