"""The product tree on a real database: unique model codes, moves, roll-up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from protobuf.wkt import FieldMask

from facet_contracts.facet.sales.v1 import catalog_service_pb as rpc
from facet_contracts.facet.sales.v1 import events_pb as facts
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionMissing, Stale
from facet_kit.testing.principals import a_principal


async def call(desk: Any, name: str, request: Any, principal: Any = None) -> Any:
    return await desk.call("Catalog", name, request, principal)


async def move(desk: Any, category: pb.ProductCategory, parent_id: str) -> pb.ProductCategory:
    request = rpc.MoveProductCategoryRequest(
        product_category_id=category.id, etag=category.etag, parent_id=parent_id
    )
    return await call(desk, "move_product_category", request)


@pytest.mark.capability("SAL-05")
async def test_a_model_code_belongs_to_one_product(desk: Any) -> None:
    product = await desk.a_product(model_code=desk.unique("AC"))
    with pytest.raises(Conflict) as refused:
        await desk.a_product(model_code=product.model_code.lower())
    assert refused.value.reason == "MODEL_CODE_TAKEN"
    assert refused.value.http_status == 409
    assert refused.value.metadata["product_id"] == product.id
    code = desk.unique("AC")
    outcomes = await asyncio.gather(
        *(desk.a_product(model_code=code, category_id=product.category_id) for _ in range(4)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, pb.Product) for outcome in outcomes) == 1
    assert all(isinstance(outcome, pb.Product | Conflict) for outcome in outcomes)


async def test_a_product_needs_code_name_and_category(desk: Any) -> None:
    request = rpc.CreateProductRequest(product=pb.Product(unit="piece"))
    with pytest.raises(Invalid) as refused:
        await call(desk, "create_product", request)
    fields = [violation.field for violation in refused.value.violations]
    assert fields == ["product.model_code", "product.display_name", "product.category_id"]
    with pytest.raises(Invalid):
        await desk.a_product(category_id="nowhere")


@pytest.mark.capability("SAL-05")
async def test_a_moved_branch_keeps_its_ids_and_products_follow(desk: Any) -> None:
    old, new = await desk.a_category(), await desk.a_category()
    branch = await desk.a_category(old.id)
    leaf = await desk.a_category(branch.id)
    product = await desk.a_product(leaf.id)
    moved = await move(desk, branch, new.id)
    assert (moved.id, moved.parent_id, list(moved.ancestor_ids)) == (branch.id, new.id, [new.id, branch.id])
    below = await call(
        desk, "get_product_category", rpc.GetProductCategoryRequest(product_category_id=leaf.id)
    )
    assert list(below.ancestor_ids) == [new.id, branch.id, leaf.id]
    request = rpc.ListProductsRequest(filter=f'descendants(category_id, "{new.id}")')
    assert [each.id for each in (await call(desk, "list_products", request)).products] == [product.id]
    request = rpc.ListProductsRequest(filter=f'descendants(category_id, "{old.id}")')
    assert not (await call(desk, "list_products", request)).products
    events = await desk.service.events(facts.ProductCategoryMoved)
    assert events[-1].product_category.parent_id == new.id


async def test_a_category_cannot_move_below_itself_also_by_two_moves_at_once(desk: Any) -> None:
    top = await desk.a_category()
    below = await desk.a_category(top.id)
    with pytest.raises(Conflict) as refused:
        await move(desk, top, below.id)
    assert refused.value.reason == "CATEGORY_CYCLE"
    one, two = await desk.a_category(), await desk.a_category()
    outcomes = await asyncio.gather(move(desk, one, two.id), move(desk, two, one.id), return_exceptions=True)
    assert sum(isinstance(outcome, pb.ProductCategory) for outcome in outcomes) == 1


@pytest.mark.capability("SAL-05")
async def test_sales_roll_up_by_tree_and_follow_a_move(desk: Any) -> None:
    root = await desk.a_category()
    left, right = await desk.a_category(root.id), await desk.a_category(root.id)
    leaf = await desk.a_category(left.id)
    product = await desk.a_product(leaf.id, price="10.00")
    other = await desk.a_product(right.id, price="1.00")
    await desk.an_approved_order(
        await desk.a_customer(),
        pb.OrderLine(product_id=product.id, quantity="3"),
        pb.OrderLine(product_id=other.id, quantity="5"),
    )
    await desk.an_order(await desk.a_customer(), pb.OrderLine(product_id=product.id, quantity="100"))
    request = rpc.RollUpProductSalesRequest(category_id=root.id, from_="2020-01-01", to="2099-12-31")

    async def figures() -> dict[str, tuple[str, str]]:
        answer = await call(desk, "roll_up_product_sales", request)
        return {row.category_id: (row.quantity, row.amount.amount) for row in answer.product_sales}

    assert await figures() == {
        root.id: ("8", "35.00"),
        left.id: ("3", "30.00"),
        right.id: ("5", "5.00"),
    }
    await move(desk, leaf, right.id)
    assert await figures() == {
        root.id: ("8", "35.00"),
        left.id: ("0", "0.00"),
        right.id: ("8", "35.00"),
    }
    stranger = a_principal("sales_rep", region_ids=["elsewhere"])
    answer = await call(desk, "roll_up_product_sales", request, stranger)
    assert {row.quantity for row in answer.product_sales} == {"0"}


async def test_a_product_changes_under_its_etag_and_keeps_its_code(desk: Any) -> None:
    product = await desk.a_product()
    change = pb.Product(id=product.id, display_name="Better pump", list_price=desk.money("120.00"))
    mask = FieldMask(paths=["display_name", "list_price"])
    with pytest.raises(PreconditionMissing):
        await call(desk, "update_product", rpc.UpdateProductRequest(product=change, update_mask=mask))
    request = rpc.UpdateProductRequest(product=change, update_mask=mask, etag=product.etag)
    changed = await call(desk, "update_product", request)
    assert (changed.display_name, changed.list_price.amount) == ("Better pump", "120.00")
    with pytest.raises(Stale):
        await call(desk, "update_product", request)
    code = rpc.UpdateProductRequest(
        product=pb.Product(id=product.id, model_code="X"),
        update_mask=FieldMask(paths=["model_code"]),
        etag=changed.etag,
    )
    with pytest.raises(Invalid):
        await call(desk, "update_product", code)


async def test_a_discontinued_product_can_come_back(desk: Any) -> None:
    product = await desk.a_product()
    gone = await call(
        desk, "discontinue_product", rpc.DiscontinueProductRequest(product_id=product.id, etag=product.etag)
    )
    assert gone.state is pb.ProductState.DISCONTINUED
    with pytest.raises(Invalid):
        await desk.an_order(await desk.a_customer(), pb.OrderLine(product_id=product.id, quantity="1"))
    with pytest.raises(Conflict):
        await call(
            desk, "discontinue_product", rpc.DiscontinueProductRequest(product_id=product.id, etag=gone.etag)
        )
    back = await call(
        desk, "reinstate_product", rpc.ReinstateProductRequest(product_id=product.id, etag=gone.etag)
    )
    assert back.state is pb.ProductState.ACTIVE


async def test_categories_are_renamed_and_listed(desk: Any) -> None:
    root = await desk.a_category()
    child = await desk.a_category(root.id)
    name = desk.unique("Renamed")
    request = rpc.UpdateProductCategoryRequest(
        product_category=pb.ProductCategory(id=child.id, display_name=name), etag=child.etag
    )
    assert (await call(desk, "update_product_category", request)).display_name == name
    page = await call(
        desk, "list_product_categories", rpc.ListProductCategoriesRequest(filter=f'parent_id = "{root.id}"')
    )
    assert [each.display_name for each in page.product_categories] == [name]


async def test_only_sales_management_changes_the_catalog(desk: Any) -> None:
    product = await desk.a_product()
    with pytest.raises(Forbidden):
        await call(
            desk,
            "discontinue_product",
            rpc.DiscontinueProductRequest(product_id=product.id, etag=product.etag),
            desk.rep,
        )
    user = a_principal("customer", group_id="g")
    seen = await call(desk, "get_product", rpc.GetProductRequest(product_id=product.id), user)
    assert (seen.model_code, seen.serviceable, seen.etag) == (product.model_code, False, "")
    with pytest.raises(NotFound):
        await call(desk, "get_product", rpc.GetProductRequest(product_id="nothing"))
