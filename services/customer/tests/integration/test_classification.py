"""Dimensions, node trees and assignments (CUS-03)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from protobuf.wkt import FieldMask
from sqlalchemy import select

from facet_contracts.facet.customer.v1 import classification_service_pb as rpc
from facet_contracts.facet.customer.v1 import events_pb as events
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_customer.classification.model import CustomerClassification
from facet_kit.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionMissing
from facet_kit.refs import CustomerRef
from facet_kit.testing.principals import a_sales_rep

API = "ClassificationService"


def day(offset: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=offset)).isoformat()


async def move(world, node, parent_id):
    request = rpc.MoveClassificationNodeRequest(node_id=node.id, parent_id=parent_id, etag=node.etag)
    return await world.call(API, "move_classification_node", request)


async def assignments(world, customer_id):
    request = rpc.ListCustomerClassificationsRequest(customer_id=customer_id, order_by="valid_from")
    return (await world.call(API, "list_customer_classifications", request)).classifications


async def chain(world, dimension_id, length):
    nodes, under = [], ""
    for _ in range(length):
        nodes.append(await world.node(dimension_id, under))
        under = nodes[-1].id
    return nodes


@pytest.mark.capability("CUS-03")
async def test_customers_are_found_by_any_node_above_theirs_and_follow_moves(world, service):
    industry, size, channel = [await chain(world, (await world.dimension()).id, 4) for _ in range(3)]
    customer, other = await world.customer(), await world.customer()
    for node in (industry[3], industry[1], size[3], channel[0], channel[2]):
        await world.classify(customer.id, node.id)
    await world.classify(other.id, industry[1].id)

    assert await world.listed(f'classification = "{industry[3].id}"') == {customer.id}
    assert await world.listed(f'descendants(classification, "{industry[2].id}")') == {customer.id}
    assert await world.listed(f'descendants(classification, "{industry[0].id}")') == {customer.id, other.id}
    assert await world.listed(f'classification = "{industry[2].id}"') == set()

    elsewhere = await world.node(industry[0].dimension_id)
    await move(world, industry[2], elsewhere.id)

    assert await world.listed(f'descendants(classification, "{elsewhere.id}")') == {customer.id}
    assert await world.listed(f'descendants(classification, "{industry[1].id}")') == {customer.id, other.id}
    updated = [each.customer for each in await service.events(events.CustomerUpdated)][-1]
    assert updated.id == customer.id
    assert elsewhere.id in updated.node_ancestor_ids
    moves = {each.node.id for each in await service.events(events.ClassificationNodeMoved)}
    assert {industry[2].id, industry[3].id} <= moves
    async with service.session() as session:
        assert elsewhere.id in (await session.get_one(CustomerRef, customer.id)).node_ids

    used = rpc.DeleteClassificationNodeRequest(node_id=size[3].id, etag=size[3].etag)
    with pytest.raises(Conflict) as refused:
        await world.call(API, "delete_classification_node", used)
    assert refused.value.reason == "NODE_IN_USE"


async def test_a_new_primary_takes_over_and_history_stays(world):
    dimension = await world.dimension()
    first, second, aside = [await world.node(dimension.id) for _ in range(3)]
    elsewhere = await world.node((await world.dimension()).id)
    customer = await world.customer()
    await world.classify(customer.id, first.id, primary=True, valid_from="2024-01-01")
    await world.classify(customer.id, aside.id, valid_from="2024-01-01")
    await world.classify(customer.id, elsewhere.id, primary=True, valid_from="2024-01-01")

    await world.classify(customer.id, second.id, primary=True, valid_from="2025-01-01")

    rows = [
        (each.node_id, each.primary, each.valid_from, each.valid_to)
        for each in await assignments(world, customer.id)
    ]
    assert sorted(rows) == sorted(
        [
            (first.id, True, "2024-01-01", "2025-01-01"),
            (first.id, False, "2025-01-01", ""),
            (aside.id, False, "2024-01-01", ""),
            (elsewhere.id, True, "2024-01-01", ""),
            (second.id, True, "2025-01-01", ""),
        ]
    )
    assert set((await world.get_customer(customer.id)).node_ids) == {
        first.id,
        second.id,
        aside.id,
        elsewhere.id,
    }


async def test_an_assignment_announces_the_customer(world, service):
    node = await world.node((await world.dimension()).id)
    customer = await world.customer()
    await world.classify(customer.id, node.id)

    fact = (await service.events(events.CustomerClassified))[-1]
    assert (fact.customer.id, fact.added_node_ids, fact.removed_node_ids) == (customer.id, [node.id], [])
    assert fact.customer == await world.get_customer(customer.id)


async def test_the_same_node_cannot_be_assigned_twice_for_one_day(world):
    node = await world.node((await world.dimension()).id)
    customer = await world.customer()
    await world.classify(customer.id, node.id, valid_from="2024-01-01", valid_to="2024-06-01")
    await world.classify(customer.id, node.id, valid_from="2024-06-01")
    for wrong in ({"valid_from": "2024-05-01"}, {"valid_from": "2023-01-01"}, {"valid_to": "2020-01-01"}):
        with pytest.raises(Invalid):
            await world.classify(customer.id, node.id, **wrong)
    with pytest.raises(Invalid):
        await world.classify(customer.id, "no such node")


async def test_an_assignment_ends_on_its_day(world, service):
    node = await world.node((await world.dimension()).id)
    customer = await world.customer()
    assignment = await world.classify(customer.id, node.id, valid_from="2024-01-01")
    request = rpc.EndCustomerClassificationRequest(customer_id=customer.id, classification_id=assignment.id)
    ended = await world.call(API, "end_customer_classification", request)

    assert ended.valid_to == day(0)
    assert await world.listed(f'classification = "{node.id}"') == set()
    assert (await service.events(events.CustomerClassified))[-1].removed_node_ids == [node.id]
    with pytest.raises(Conflict):
        await world.call(API, "end_customer_classification", request)
    unknown = rpc.EndCustomerClassificationRequest(customer_id=customer.id, classification_id="none")
    with pytest.raises(NotFound):
        await world.call(API, "end_customer_classification", unknown)


async def test_a_planned_assignment_comes_into_force_once(world, service):
    node = await world.node((await world.dimension()).id)
    customer = await world.customer()
    await world.classify(customer.id, node.id, valid_from=day(2))
    assert (await world.get_customer(customer.id)).node_ids == []

    async with service.session() as session:
        query = select(CustomerClassification).where(CustomerClassification.customer_id == customer.id)
        (await session.execute(query)).scalar_one().valid_from -= timedelta(days=2)
        await session.commit()
    for _ in range(2):
        await service.deliver(
            events.CustomerClassificationDue(customer_id=customer.id), aggregate_id="x", version=0
        )

    assert (await world.get_customer(customer.id)).node_ids == [node.id]
    facts = [
        each for each in await service.events(events.CustomerClassified) if each.customer.id == customer.id
    ]
    assert len(facts) == 1


async def test_a_tree_refuses_rings_foreign_parents_and_taken_codes(world):
    dimension, foreign = await world.dimension(), await world.dimension()
    top, below = await chain(world, dimension.id, 2)
    other = await world.node(foreign.id)
    with pytest.raises(Conflict):
        await move(world, top, below.id)
    with pytest.raises(Invalid):
        await move(world, below, other.id)
    with pytest.raises(Conflict):
        await world.node(dimension.id, code=top.code)
    with pytest.raises(Conflict):
        await world.dimension(code=dimension.code)
    assert (await world.node(foreign.id, code=top.code)).code == top.code


async def test_what_is_in_use_is_not_deleted_and_the_rest_is(world):
    dimension = await world.dimension()
    top, below = await chain(world, dimension.id, 2)

    def deletion(node):
        return rpc.DeleteClassificationNodeRequest(node_id=node.id, etag=node.etag)

    with pytest.raises(Conflict):
        await world.call(API, "delete_classification_node", deletion(top))
    with pytest.raises(Conflict):
        await world.call(
            API,
            "delete_classification_dimension",
            rpc.DeleteClassificationDimensionRequest(dimension_id=dimension.id, etag=dimension.etag),
        )
    with pytest.raises(PreconditionMissing):
        await world.call(
            API, "delete_classification_node", rpc.DeleteClassificationNodeRequest(node_id=below.id)
        )
    await world.call(API, "delete_classification_node", deletion(below))
    await world.call(API, "delete_classification_node", deletion(top))
    await world.call(
        API,
        "delete_classification_dimension",
        rpc.DeleteClassificationDimensionRequest(dimension_id=dimension.id, etag=dimension.etag),
    )
    with pytest.raises(NotFound):
        await world.call(
            API,
            "get_classification_dimension",
            rpc.GetClassificationDimensionRequest(dimension_id=dimension.id),
        )


async def test_names_change_and_codes_of_dimensions_do_not(world):
    dimension = await world.dimension()
    node = await world.node(dimension.id)
    request = rpc.UpdateClassificationNodeRequest(
        node=pb.ClassificationNode(id=node.id, display_name="Chemistry"), etag=node.etag
    )
    assert (await world.call(API, "update_classification_node", request)).display_name == "Chemistry"
    request = rpc.UpdateClassificationDimensionRequest(
        dimension=pb.ClassificationDimension(id=dimension.id, code="other"),
        update_mask=FieldMask(paths=["code"]),
        etag=dimension.etag,
    )
    with pytest.raises(Invalid):
        await world.call(API, "update_classification_dimension", request)


async def test_a_customer_outside_the_scope_is_not_classified(world):
    node = await world.node((await world.dimension()).id)
    customer = await world.customer()
    request = rpc.ClassifyCustomerRequest(
        customer_id=customer.id, classification=pb.CustomerClassification(node_id=node.id)
    )
    with pytest.raises(NotFound):
        await world.call(API, "classify_customer", request, a_sales_rep())
    create = rpc.CreateClassificationDimensionRequest(
        dimension=pb.ClassificationDimension(code="mine", display_name="Mine")
    )
    with pytest.raises(Forbidden):
        await world.call(API, "create_classification_dimension", create, a_sales_rep())
