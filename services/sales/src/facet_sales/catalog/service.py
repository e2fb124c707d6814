"""Use cases of the product tree and the products in it."""

from __future__ import annotations

from sqlalchemy import func, select

from facet_contracts.facet.sales.v1 import catalog_service_pb as rpc
from facet_kit.context import Ctx
from facet_kit.entry import require_fields, require_filled
from facet_kit.errors import Conflict, Invalid, NotFound
from facet_kit.filtering import descendants
from facet_kit.paging import ListSpec
from facet_sales.catalog.model import Product, ProductCategory, category_map, product_map
from facet_sales.catalog.policy import model_key
from facet_sales.entry import require_not_negative

CATEGORIES = ListSpec(
    ProductCategory,
    fields={
        "display_name": ProductCategory.display_name,
        "parent_id": ProductCategory.parent_id,
        "ancestor_ids": ProductCategory.ancestor_ids,
    },
    order=("display_name",),
    default_order="display_name",
)
PRODUCTS = ListSpec(
    Product,
    fields={
        "model_code": Product.model_code,
        "display_name": Product.display_name,
        "category_id": descendants(
            Product.category_id, node=ProductCategory.id, ancestors=ProductCategory.ancestor_ids
        ),
        "state": Product.state,
        "serviceable": Product.serviceable,
    },
    order=("model_code", "display_name"),
    default_order="model_code",
)

_TREE_LOCK = 7_401  # key of the advisory lock under which the tree changes its shape


async def create_category(ctx: Ctx, request: rpc.CreateProductCategoryRequest) -> ProductCategory:
    """Makes a category below its parent, or as a root. Raises Invalid: no name, no such parent."""
    message = request.product_category
    assert message is not None  # the contract requires it
    require_fields(message, ["display_name"], prefix="product_category")
    await _lock_tree(ctx)
    parent = await _parent(ctx, message.parent_id, "product_category.parent_id")
    category = ProductCategory(id=ctx.ids.new(), display_name=message.display_name)
    category.parent_id = parent.id if parent else None
    category.ancestor_ids = [*(parent.ancestor_ids if parent else []), category.id]
    ctx.add(category)
    category.created()
    await ctx.flush()
    return category


async def update_category(ctx: Ctx, request: rpc.UpdateProductCategoryRequest) -> ProductCategory:
    """Renames a category."""
    message = request.product_category
    assert message is not None
    category = await ctx.get(ProductCategory, message.id, etag=request.etag)
    if category_map.apply(category, message, request.update_mask, allowed=("display_name",)):
        require_filled(category, ["display_name"], prefix="product_category")
        category.updated()
    await ctx.flush()
    return category


async def move_category(ctx: Ctx, request: rpc.MoveProductCategoryRequest) -> ProductCategory:
    """Hangs a category, with everything below it, under another parent; ids stay (SAL-05).

    Raises:
        Conflict: the parent stands below the category.
        Invalid: no such parent.
    """
    await _lock_tree(ctx)
    category = await ctx.get(ProductCategory, request.product_category_id, etag=request.etag)
    parent = await _parent(ctx, request.parent_id, "parent_id")
    below = select(ProductCategory).where(ProductCategory.ancestor_ids.contains([category.id]))
    branch = list((await ctx.session.execute(below)).scalars())
    category.move(parent, branch)
    await ctx.flush()
    return category


async def create_product(ctx: Ctx, request: rpc.CreateProductRequest) -> Product:
    """Makes a product.

    Raises:
        Conflict: another product has the model code; names it (SAL-05).
        Invalid: a required field is empty, or there is no such category.
    """
    message = request.product
    assert message is not None
    require_fields(message, ["model_code", "display_name", "category_id"], prefix="product")
    await _require_category(ctx, message.category_id)
    key = model_key(message.model_code)
    same = select(Product).where(Product.model_key == key).execution_options(include_deleted=True)
    other = (await ctx.session.execute(same)).scalar_one_or_none()
    if other is not None:
        raise Conflict(
            "MODEL_CODE_TAKEN",
            f"Model code {message.model_code!r} belongs to {other.display_name!r}. Use it, or choose another code.",
            metadata={"product_id": other.id, "model_code": other.model_code},
        )
    product = Product(**product_map.values(message, prefix="product."))
    require_not_negative(product.list_price_amount, "product.list_price")
    ctx.add(product)
    product.created()
    await ctx.flush()
    return product


async def update_product(ctx: Ctx, request: rpc.UpdateProductRequest) -> Product:
    """Changes a product; its model code stays."""
    message = request.product
    assert message is not None
    product = await ctx.get(Product, message.id, etag=request.etag)
    allowed = ("display_name", "category_id", "unit", "list_price", "serviceable")
    changed = product_map.apply(product, message, request.update_mask, allowed=allowed, prefix="product.")
    if "category_id" in changed:
        with ctx.session.no_autoflush:
            await _require_category(ctx, product.category_id)
    if changed:
        require_not_negative(product.list_price_amount, "product.list_price")
        require_filled(product, ["display_name"], prefix="product")
        product.updated()
    await ctx.flush()
    return product


async def discontinue_product(ctx: Ctx, request: rpc.DiscontinueProductRequest) -> Product:
    """Takes a product off sale."""
    product = await ctx.get(Product, request.product_id, etag=request.etag)
    product.discontinue()
    await ctx.flush()
    return product


async def reinstate_product(ctx: Ctx, request: rpc.ReinstateProductRequest) -> Product:
    """Puts a discontinued product on sale again."""
    product = await ctx.get(Product, request.product_id, etag=request.etag)
    product.reinstate()
    await ctx.flush()
    return product


async def _lock_tree(ctx: Ctx) -> None:
    """Lets one transaction at a time change the tree's shape: two moves at once could close a circle."""
    await ctx.session.execute(select(func.pg_advisory_xact_lock(_TREE_LOCK)))


async def _parent(ctx: Ctx, parent_id: str, field: str) -> ProductCategory | None:
    if not parent_id:
        return None
    try:
        return await ctx.get(ProductCategory, parent_id)
    except NotFound as missing:
        raise Invalid(
            "CATEGORY_UNKNOWN", f"There is no product category {parent_id!r}.", field=field
        ) from missing


async def _require_category(ctx: Ctx, category_id: str) -> None:
    await _parent(ctx, category_id, "product.category_id")
