"""The account's sections, and who sees what."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from facet_contracts.facet.project.v1 import decision_tree_service_pb as tree_rpc
from facet_contracts.facet.project.v1 import milestone_service_pb as milestone_rpc
from facet_contracts.facet.project.v1 import project_service_pb as rpc
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_contracts.facet.type.v1.account_pb import AccountSummaryChanged
from facet_contracts.facet.type.v1.money_pb import Money
from facet_kit.database.base import Base
from facet_kit.errors import NotFound
from facet_kit.testing.principals import a_principal, a_sales_rep
from facet_project.projects.model import Project
from facet_project.projects.policy import OPEN_STATES


async def a_group(office: Any) -> tuple[str, list[str]]:
    """A group with a subsidiary in each of two regions."""
    group = await office.service.given_customer(department_id="d1", region_id="r1")
    root = group.customer_id
    members = []
    for region in ("r1", "r2"):
        id = f"{root}-{region}"
        await office.service.given_customer(
            customer_id=id, group_id=root, ancestor_ids=[root, id], department_id="d1", region_id=region
        )
        members.append(id)
    return root, members


async def brute_force(office: Any, members: list[str], by: str) -> dict[str, tuple[int, Decimal]]:
    async with office.service.session() as session:
        query = select(Project).where(
            Project.customer_id.in_(members), Project.state.in_(OPEN_STATES), Project.delete_time.is_(None)
        )
        found: dict[str, tuple[int, Decimal]] = {}
        for project in await session.scalars(query):
            count, amount = found.get(getattr(project, by), (0, Decimal(0)))
            found[getattr(project, by)] = (count + 1, amount + project.expected_revenue_amount)
    return found


async def test_the_summary_equals_a_count_by_hand_after_every_kind_of_change(office: Any) -> None:
    root, members = await a_group(office)
    for id in ("d1", "d2"):
        await office.service.given_org("department", id=f"{root}-{id}")
    running = await office.running(customer_id=members[0], amount="100.00")
    lost = await office.a_project(customer_id=members[1], amount="10.00")
    won = await office.running(customer_id=root, amount="1.00")
    deleted = await office.a_project(customer_id=root)
    moved = await office.a_project(customer_id=members[1], amount="1000.00")
    await office.project(
        "lose_project", rpc.LoseProjectRequest(project_id=lost.id, reason="price", etag=lost.etag)
    )
    await office.project("win_project", rpc.WinProjectRequest(project_id=won.id, etag=won.etag))
    await office.project("delete_project", rpc.DeleteProjectRequest(project_id=deleted.id, etag=deleted.etag))
    wanted = pb.Project(
        id=moved.id, department_id=f"{root}-d2", expected_revenue=Money(currency="CNY", amount="2000.00")
    )
    await office.project("update_project", rpc.UpdateProjectRequest(project=wanted, etag=moved.etag))
    section = (await office.summary(root)).projects
    expected = await brute_force(office, [root, *members], "department_id")
    by_department = {
        each.department_id: (each.count, Decimal(each.amount.amount)) for each in section.by_department
    }
    assert by_department == expected
    by_region = {each.region_id: (each.count, Decimal(each.amount.amount)) for each in section.by_region}
    assert by_region == await brute_force(office, [root, *members], "region_id")
    totals = section.totals
    assert (totals.open_count, totals.open_amount.amount, totals.won_count, totals.lost_count) == (
        2,
        "2100.00",
        1,
        1,
    )
    assert [item.project_id for item in section.items] == [moved.id, running.id]


async def test_the_summary_shows_who_decides_and_what_the_trees_say(office: Any) -> None:
    root, members = await a_group(office)
    project = await office.running(customer_id=members[0])
    unit = await office.a_node(project, "UNIT")
    champion = await office.a_seat(
        project, unit, influence_weight=80, contact_name="Zhao Min", contact_title="CEO"
    )
    vacant = await office.a_node(
        project, "SEAT", unit, influence_weight=20, display_name="Head of purchasing"
    )
    summary = await office.summary(root)
    item = summary.projects.items[0]
    assert (item.coverage_percent, item.weighted_support, item.vacant_seat_count) == (80.0, 0.5, 1)
    section = summary.decision_makers
    shown = [(each.node_id, each.contact_name, each.contact_title, each.vacant) for each in section.items]
    assert shown == [(champion.id, "Zhao Min", "CEO", False), (vacant.id, "", "", True)]
    assert (section.totals.seat_count, section.totals.vacant_count) == (2, 1)
    assert [(each.region_id, each.count) for each in section.by_region] == [("r1", 2)]
    current = await office.get(project.id)
    lose = rpc.LoseProjectRequest(project_id=project.id, reason="price", etag=current.etag)
    await office.project("lose_project", lose)
    after = (await office.summary(root)).decision_makers
    assert (after.totals.seat_count, list(after.items), list(after.by_region)) == (0, [], [])


async def test_every_change_touches_the_account_and_its_group(office: Any) -> None:
    root, members = await a_group(office)
    await office.a_project(customer_id=members[0])
    changed = [set(each.account_ids) for each in await office.service.events(AccountSummaryChanged)]
    assert {root, members[0]} in changed


async def test_a_regional_representative_sees_the_regions_part_only(office: Any) -> None:
    root, members = await a_group(office)
    here = await office.a_project(customer_id=members[0], amount="5.00")
    there = await office.a_project(customer_id=members[1], amount="7.00")
    rep = a_sales_rep(region_ids={"r1"})
    section = (await office.summary(root, by=rep)).projects
    assert (section.totals.open_count, section.totals.open_amount.amount) == (1, "5.00")
    assert [item.project_id for item in section.items] == [here.id]
    listed = await office.project(
        "list_projects", rpc.ListProjectsRequest(filter=f'descendants(customer_id, "{root}")'), by=rep
    )
    assert [each.id for each in listed.projects] == [here.id]
    with pytest.raises(NotFound):
        await office.get(there.id, by=rep)
    request = tree_rpc.GetDecisionTreeRequest(project_id=there.id)
    with pytest.raises(NotFound):
        await office.tree_call("get_decision_tree", request, by=rep)


async def test_who_owns_a_project_sees_its_whole_tree(office: Any) -> None:
    owner = a_sales_rep()
    await office.service.given_staff(staff_id=owner.person_id)
    project = await office.a_project(owner_id=owner.person_id)
    unit = await office.a_node(project, "UNIT")
    await office.a_seat(project, unit)
    request = tree_rpc.GetDecisionTreeRequest(project_id=project.id)
    assert len((await office.tree_call("get_decision_tree", request, by=owner)).nodes) == 2
    heir = await office.service.given_staff()
    current = await office.get(project.id)
    wanted = pb.Project(id=project.id, owner_id=heir.staff_id)
    await office.project("update_project", rpc.UpdateProjectRequest(project=wanted, etag=current.etag))
    with pytest.raises(NotFound):
        await office.tree_call("get_decision_tree", request, by=owner)


async def test_a_scope_without_anything_sees_nothing(office: Any) -> None:
    project = await office.running()
    unit = await office.a_node(project, "UNIT")
    await office.a_seat(project, unit)
    await office.a_milestone(project)
    nobody = a_sales_rep()
    assert not (await office.project("list_projects", rpc.ListProjectsRequest(), by=nobody)).projects
    nodes = await office.tree_call("list_decision_nodes", tree_rpc.ListDecisionNodesRequest(), by=nobody)
    milestones = await office.milestone_call(
        "list_milestones", milestone_rpc.ListMilestonesRequest(), by=nobody
    )
    assert (list(nodes.decision_nodes), list(milestones.milestones)) == ([], [])
    with pytest.raises(NotFound):
        await office.summary(project.customer_id, by=nobody)
    async with office.service.app.database.unit_of_work(nobody, read_only=True) as ctx:
        for mapper in Base.registry.mappers:
            entity = mapper.class_
            if entity.__module__.startswith("facet_project") and entity.__scope__ is not None:
                assert (await ctx.session.scalars(select(entity))).all() == [], entity.__name__


async def test_a_customers_user_sees_running_projects_of_his_group_without_our_estimates(office: Any) -> None:
    root, members = await a_group(office)
    running = await office.running(customer_id=members[0], description="ours")
    registered = await office.a_project(customer_id=members[0])
    unit = await office.a_node(running, "UNIT")
    await office.a_seat(running, unit)
    customer = a_principal("customer", group_id=root)
    seen = await office.get(running.id, by=customer)
    assert (seen.display_name, seen.expected_revenue, seen.owner_id, seen.description) == (
        "Chiller plant",
        None,
        "",
        "",
    )
    with pytest.raises(NotFound):
        await office.get(registered.id, by=customer)
    listed = await office.project("list_projects", rpc.ListProjectsRequest(), by=customer)
    assert [each.id for each in listed.projects] == [running.id]
    summary = await office.summary(root, by=customer)
    assert summary.decision_makers is None
    assert (summary.projects.totals.open_count, summary.projects.totals.open_amount) == (1, None)
    assert [(item.project_id, item.coverage_percent) for item in summary.projects.items] == [
        (running.id, 0.0)
    ]
    stranger = a_principal("customer", group_id="another group")
    with pytest.raises(NotFound):
        await office.get(running.id, by=stranger)


async def test_projects_are_listed_by_filter_and_order_page_by_page(office: Any) -> None:
    customer = (await office.service.given_customer()).customer_id
    amounts = ["30.00", "10.00", "20.00"]
    made = {amount: (await office.a_project(customer_id=customer, amount=amount)).id for amount in amounts}
    request = rpc.ListProjectsRequest(
        filter=f'customer_id = "{customer}" AND state = REGISTERED',
        order_by="expected_revenue desc",
        page_size=2,
    )
    first = await office.project("list_projects", request)
    request.page_token = first.next_page_token
    second = await office.project("list_projects", request)
    assert [each.id for each in (*first.projects, *second.projects)] == [
        made[amount] for amount in ("30.00", "20.00", "10.00")
    ]
    assert second.next_page_token == ""
    dear = rpc.ListProjectsRequest(filter=f'customer_id = "{customer}" AND expected_revenue > 15')
    assert len((await office.project("list_projects", dear)).projects) == 2


async def test_the_same_key_registers_a_project_once(office: Any) -> None:
    customer = (await office.service.given_customer()).customer_id
    wanted = pb.Project(
        customer_id=customer, display_name="Once", expected_revenue=Money(currency="CNY", amount="1.00")
    )
    request = rpc.CreateProjectRequest(project=wanted)
    first = await office.project("create_project", request, idempotency_key="key-1")
    second = await office.project("create_project", request, idempotency_key="key-1")
    assert first.id == second.id
