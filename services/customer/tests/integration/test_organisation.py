"""Departments and regions: trees, moves, deletion, sight that follows the tree."""

from __future__ import annotations

import asyncio

import pytest
from protobuf.wkt import FieldMask

from facet_contracts.facet.customer.v1 import department_service_pb as department_rpc
from facet_contracts.facet.customer.v1 import events_pb as events
from facet_contracts.facet.customer.v1 import region_service_pb as region_rpc
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_kit.errors import Conflict, FacetError, Forbidden, Invalid, NotFound, PreconditionMissing
from facet_kit.refs import OrgRef
from facet_kit.testing.principals import a_sales_rep


async def move(world, region, parent_id):
    request = region_rpc.MoveRegionRequest(region_id=region.id, parent_id=parent_id, etag=region.etag)
    return await world.call("RegionService", "move_region", request)


async def get_region(world, region_id):
    return await world.call("RegionService", "get_region", region_rpc.GetRegionRequest(region_id=region_id))


async def test_a_move_takes_the_subtree_along_and_sight_follows_at_once(world, service):
    east, west = await world.region(), await world.region()
    city = await world.region(east.id)
    district = await world.region(city.id)
    customer = await world.customer(region_id=district.id)
    eastern, western = a_sales_rep(region_ids=[east.id]), a_sales_rep(region_ids=[west.id])
    assert await world.listed("", eastern) == {customer.id}

    moved = await move(world, city, west.id)

    assert moved.ancestor_ids == [west.id, city.id]
    assert (await get_region(world, district.id)).ancestor_ids == [west.id, city.id, district.id]
    assert await world.listed("", eastern) == set()
    assert await world.listed("", western) == {customer.id}
    assert await world.listed(f'descendants(region_id, "{west.id}")') == {customer.id}
    moves = {each.region.id: each.previous_ancestor_ids for each in await service.events(events.RegionMoved)}
    assert moves[city.id] == [east.id, city.id]
    assert moves[district.id] == [east.id, city.id, district.id]
    async with service.session() as session:
        assert (await session.get_one(OrgRef, district.id)).ancestor_ids == [west.id, city.id, district.id]


async def test_a_region_cannot_move_below_itself(world):
    top = await world.region()
    below = await world.region(top.id)
    for parent in (below.id, top.id):
        with pytest.raises(Conflict):
            await move(world, top, parent)


async def test_two_moves_at_once_never_close_a_ring(world):
    one, two = await world.region(), await world.region()
    answers = await asyncio.gather(move(world, one, two.id), move(world, two, one.id), return_exceptions=True)
    refused = [each for each in answers if isinstance(each, Exception)]
    assert len(refused) == 1
    assert isinstance(refused[0], FacetError)


async def test_a_code_is_unique_among_the_living(world):
    first = await world.department(code="UNIQUE")
    with pytest.raises(Conflict) as refused:
        await world.department(code="UNIQUE")
    assert refused.value.reason == "CODE_TAKEN"
    request = department_rpc.DeleteDepartmentRequest(department_id=first.id, etag=first.etag)
    await world.call("DepartmentService", "delete_department", request)
    assert (await world.department(code="UNIQUE")).id != first.id


@pytest.mark.parametrize("user", ["child", "staff", "grant", "customer"])
async def test_a_department_in_use_is_not_deleted(world, user):
    department = await world.department()
    if user == "child":
        await world.department(department.id)
    elif user == "staff":
        await world.hire(department_id=department.id)
    elif user == "grant":
        await world.hire(scope_department_ids=[department.id])
    else:
        await world.customer(department_id=department.id)
    request = department_rpc.DeleteDepartmentRequest(department_id=department.id, etag=department.etag)
    with pytest.raises(Conflict) as refused:
        await world.call("DepartmentService", "delete_department", request)
    assert refused.value.reason == "DEPARTMENT_IN_USE"


async def test_a_deleted_department_is_gone_everywhere(world, service):
    department = await world.department()
    with pytest.raises(PreconditionMissing):
        await world.call(
            "DepartmentService",
            "delete_department",
            department_rpc.DeleteDepartmentRequest(department_id=department.id),
        )
    request = department_rpc.DeleteDepartmentRequest(department_id=department.id, etag=department.etag)
    await world.call("DepartmentService", "delete_department", request)

    with pytest.raises(NotFound):
        await world.call(
            "DepartmentService",
            "get_department",
            department_rpc.GetDepartmentRequest(department_id=department.id),
        )
    with pytest.raises(Invalid):
        await world.customer(department_id=department.id)
    async with service.session() as session:
        assert await session.get(OrgRef, department.id) is None
    assert [each.department.id for each in await service.events(events.DepartmentDeleted)][
        -1
    ] == department.id


async def test_a_rename_reaches_the_replica(world, service):
    department = await world.department()
    request = department_rpc.UpdateDepartmentRequest(
        department=pb.Department(id=department.id, display_name="New name"),
        update_mask=FieldMask(paths=["display_name"]),
        etag=department.etag,
    )
    changed = await world.call("DepartmentService", "update_department", request)
    assert changed.display_name == "New name"
    async with service.session() as session:
        assert (await session.get_one(OrgRef, department.id)).name == "New name"
    empty = department_rpc.UpdateDepartmentRequest(
        department=pb.Department(id=department.id),
        update_mask=FieldMask(paths=["display_name"]),
        etag=changed.etag,
    )
    with pytest.raises(Invalid):
        await world.call("DepartmentService", "update_department", empty)


async def test_descendants_list_a_subtree(world):
    top = await world.department()
    below = [await world.department(top.id) for _ in range(2)]
    deep = await world.department(below[0].id)
    request = department_rpc.ListDepartmentsRequest(filter=f'descendants(id, "{top.id}")')
    answer = await world.call("DepartmentService", "list_departments", request)
    assert {each.id for each in answer.departments} == {top.id, *(each.id for each in below), deep.id}


async def test_representatives_do_not_change_the_organisation(world):
    request = region_rpc.CreateRegionRequest(region=pb.Region(code="MINE", display_name="Mine"))
    with pytest.raises(Forbidden):
        await world.call("RegionService", "create_region", request, a_sales_rep())
