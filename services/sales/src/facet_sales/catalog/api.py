"""gRPC servicer of the product tree: messages in, use case, messages out."""

from __future__ import annotations

from facet_contracts.facet.sales.v1 import catalog_service_pb as rpc
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_sales.catalog import service
from facet_sales.catalog.model import Product, ProductCategory, category_map, product_map
from facet_sales.catalog.rollup import roll_up_sales


class CatalogApi:
    """Product categories and products. `reporting` is the reporting currency."""

    service = "facet.sales.v1.CatalogService"

    def __init__(self, reporting: str) -> None:
        self._reporting = reporting

    async def create_product_category(
        self, request: rpc.CreateProductCategoryRequest, ctx: Ctx
    ) -> pb.ProductCategory:
        return category_map.to_message(await service.create_category(ctx, request))

    async def get_product_category(
        self, request: rpc.GetProductCategoryRequest, ctx: Ctx
    ) -> pb.ProductCategory:
        return category_map.to_message(await ctx.get(ProductCategory, request.product_category_id))

    async def list_product_categories(
        self, request: rpc.ListProductCategoriesRequest, ctx: Ctx
    ) -> rpc.ListProductCategoriesResponse:
        rows, token = await service.CATEGORIES.page(ctx, request)
        return rpc.ListProductCategoriesResponse(
            product_categories=category_map.to_messages(rows), next_page_token=token
        )

    async def update_product_category(
        self, request: rpc.UpdateProductCategoryRequest, ctx: Ctx
    ) -> pb.ProductCategory:
        return category_map.to_message(await service.update_category(ctx, request))

    async def move_product_category(
        self, request: rpc.MoveProductCategoryRequest, ctx: Ctx
    ) -> pb.ProductCategory:
        return category_map.to_message(await service.move_category(ctx, request))

    async def roll_up_product_sales(
        self, request: rpc.RollUpProductSalesRequest, ctx: Ctx
    ) -> rpc.RollUpProductSalesResponse:
        return rpc.RollUpProductSalesResponse(
            product_sales=await roll_up_sales(ctx, request, self._reporting)
        )

    async def create_product(self, request: rpc.CreateProductRequest, ctx: Ctx) -> pb.Product:
        return product_map.to_message(await service.create_product(ctx, request))

    async def get_product(self, request: rpc.GetProductRequest, ctx: Ctx) -> pb.Product:
        return product_map.to_message(await ctx.get(Product, request.product_id))

    async def list_products(self, request: rpc.ListProductsRequest, ctx: Ctx) -> rpc.ListProductsResponse:
        rows, token = await service.PRODUCTS.page(ctx, request)
        return rpc.ListProductsResponse(products=product_map.to_messages(rows), next_page_token=token)

    async def update_product(self, request: rpc.UpdateProductRequest, ctx: Ctx) -> pb.Product:
        return product_map.to_message(await service.update_product(ctx, request))

    async def discontinue_product(self, request: rpc.DiscontinueProductRequest, ctx: Ctx) -> pb.Product:
        return product_map.to_message(await service.discontinue_product(ctx, request))

    async def reinstate_product(self, request: rpc.ReinstateProductRequest, ctx: Ctx) -> pb.Product:
        return product_map.to_message(await service.reinstate_product(ctx, request))
