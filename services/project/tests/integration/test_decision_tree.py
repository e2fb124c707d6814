"""The decision tree: structure, figures, history, and seats that fall vacant."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from protobuf.wkt import FieldMask, Timestamp

from facet_contracts.facet.customer.v1 import events_pb as customer_events
from facet_contracts.facet.customer.v1.resources_pb import Affiliation, Contact
from facet_contracts.facet.project.v1 import decision_tree_service_pb as rpc
from facet_contracts.facet.project.v1 import events_pb as events
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_contracts.facet.type.v1.account_pb import AccountSummaryChanged
from facet_kit.errors import Conflict, Invalid, NotFound, PreconditionMissing, Stale


async def a_tree(office: Any, project: pb.Project, **seat: Any) -> tuple[pb.DecisionNode, pb.DecisionNode]:
    """Unit → department → one seat; returns department and seat."""
    unit = await office.a_node(project, "UNIT", display_name="Harbour Hospital")
    department = await office.a_node(project, "DEPARTMENT", unit, display_name="Facilities")
    return department, await office.a_seat(project, department, **seat)


def a_move(
    contact_id: str, left: str, to: str = "", *, day: str = "2026-05-01", name: str = "Zhao Min"
) -> Any:
    """A contact leaves one employer, and joins another one if it is given."""
    ended = Affiliation(customer_id=left, valid_from="2020-01-01", valid_to=day, primary=True)
    started = Affiliation(customer_id=to, title="CTO", valid_from=day, primary=True) if to else None
    known = [each for each in (started, ended) if each]
    contact = Contact(
        id=contact_id, display_name=name, customer_id=to, affiliation=started, affiliations=known
    )
    return customer_events.ContactAffiliationChanged(contact=contact, ended=ended, started=started)


@pytest.mark.capability("PRJ-03")
async def test_the_tree_answers_with_its_nodes_and_figures(office: Any) -> None:
    project = await office.a_project()
    department, decider = await a_tree(office, project, influence_weight=60, stance="CHAMPION", owner_id="")
    blocker = await office.a_seat(project, department, roles=["USER"], influence_weight=40, stance="BLOCKER")
    vacant = await office.a_node(project, "SEAT", department, roles=["GATEKEEPER"], influence_weight=100)
    tree = await office.tree(project)
    assert [pb.NodeKind(node.kind).name for node in tree.nodes] == [
        "UNIT",
        "DEPARTMENT",
        "SEAT",
        "SEAT",
        "SEAT",
    ]
    figures = tree.figures
    assert (figures.coverage_percent, figures.weighted_support) == (50.0, 0.2)
    assert (figures.blocker_node_ids, figures.vacant_node_ids) == ([blocker.id], [vacant.id])
    assert [pb.BuyingRole(role).name for role in figures.missing_roles] == ["BUYER"]
    assert (figures.seat_count, figures.filled_seat_count, tree.revision) == (3, 2, 5)
    assert decider.stance_value == 1.0


@pytest.mark.capability("PRJ-03")
async def test_one_of_ours_with_most_of_the_relationships_is_named_a_risk(office: Any) -> None:
    li = (await office.service.given_staff()).staff_id
    wang = (await office.service.given_staff()).staff_id
    project = await office.a_project()
    department, _ = await a_tree(office, project, influence_weight=50, relationship_strength=5, owner_id=li)
    await office.a_seat(project, department, influence_weight=50, relationship_strength=1, owner_id=wang)
    figures = (await office.tree(project)).figures
    assert (figures.single_thread_owner_id, figures.single_thread_share, figures.single_thread_risk) == (
        li,
        0.8333,
        True,
    )


async def test_nodes_stand_only_where_they_belong(office: Any) -> None:
    project = await office.a_project()
    department, seat = await a_tree(office, project)
    for kind, parent in (
        ("DEPARTMENT", None),
        ("SEAT", None),
        ("UNIT", department),
        ("SEAT", seat),
        ("UNIT", seat),
    ):
        with pytest.raises(Invalid) as refused:
            await office.a_node(project, kind, parent)
        assert refused.value.reason == "NESTING"
    elsewhere = await office.a_node(await office.a_project(), "UNIT")
    with pytest.raises(Invalid):
        await office.a_node(project, "SEAT", elsewhere)


async def test_seat_fields_are_refused_on_departments_and_knowledge_of_a_holder_on_vacant_seats(
    office: Any,
) -> None:
    project = await office.a_project()
    unit = await office.a_node(project, "UNIT")
    with pytest.raises(Invalid) as refused:
        await office.a_node(project, "DEPARTMENT", unit, influence_weight=5, roles=["USER"])
    fields = {violation.field for violation in refused.value.violations}
    assert fields == {"decision_node.influence_weight", "decision_node.roles"}
    with pytest.raises(Invalid):
        await office.a_node(project, "SEAT", unit, stance="CHAMPION")


async def test_a_node_moves_with_all_below_it_but_never_below_itself(office: Any) -> None:
    project = await office.a_project()
    unit = await office.a_node(project, "UNIT")
    inner = await office.a_node(project, "UNIT", unit)
    department = await office.a_node(project, "DEPARTMENT", inner)
    with pytest.raises(Conflict) as refused:
        await office.tree_call(
            "move_decision_node",
            rpc.MoveDecisionNodeRequest(decision_node_id=unit.id, parent_id=inner.id, etag=unit.etag),
        )
    assert refused.value.reason == "DECISION_TREE_CYCLE"
    request = rpc.MoveDecisionNodeRequest(
        decision_node_id=department.id, parent_id=unit.id, etag=department.etag
    )
    moved = await office.tree_call("move_decision_node", request)
    assert moved.parent_id == unit.id
    assert (await office.tree(project)).nodes[0].id == unit.id


async def test_two_moves_that_together_would_close_a_cycle_do_not_both_succeed(office: Any) -> None:
    project = await office.a_project()
    one, other = await office.a_node(project, "UNIT"), await office.a_node(project, "UNIT")
    outcomes = await asyncio.gather(
        *(
            office.tree_call(
                "move_decision_node",
                rpc.MoveDecisionNodeRequest(decision_node_id=node.id, parent_id=parent.id, etag=node.etag),
            )
            for node, parent in ((one, other), (other, one))
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(each, pb.DecisionNode) for each in outcomes) == 1
    assert any(isinstance(each, Conflict) and each.reason == "DECISION_TREE_CYCLE" for each in outcomes)


async def test_a_node_with_something_below_it_is_not_removed(office: Any) -> None:
    project = await office.a_project()
    department, seat = await a_tree(office, project)
    with pytest.raises(Conflict):
        await office.tree_call(
            "delete_decision_node",
            rpc.DeleteDecisionNodeRequest(decision_node_id=department.id, etag=department.etag),
        )
    await office.tree_call(
        "delete_decision_node", rpc.DeleteDecisionNodeRequest(decision_node_id=seat.id, etag=seat.etag)
    )
    assert seat.id not in [node.id for node in (await office.tree(project)).nodes]


async def test_a_change_of_a_node_needs_its_etag(office: Any) -> None:
    project = await office.a_project()
    _, seat = await a_tree(office, project)
    wanted = pb.DecisionNode(id=seat.id, influence_weight=90)
    with pytest.raises(PreconditionMissing):
        await office.tree_call("update_decision_node", rpc.UpdateDecisionNodeRequest(decision_node=wanted))
    request = rpc.UpdateDecisionNodeRequest(decision_node=wanted, etag=seat.etag)
    changed = await office.tree_call("update_decision_node", request)
    assert (changed.influence_weight, changed.relationship_strength) == (90, 3)
    with pytest.raises(Stale):
        await office.tree_call("update_decision_node", request)


async def test_a_mask_empties_the_roles_of_a_seat(office: Any) -> None:
    project = await office.a_project()
    _, seat = await a_tree(office, project)
    request = rpc.UpdateDecisionNodeRequest(
        decision_node=pb.DecisionNode(id=seat.id), update_mask=FieldMask(paths=["roles"]), etag=seat.etag
    )
    assert (await office.tree_call("update_decision_node", request)).roles == []


@pytest.mark.capability("PRJ-03")
async def test_every_change_makes_a_revision_and_past_trees_can_be_read(office: Any) -> None:
    project = await office.a_project()
    _, seat = await a_tree(office, project, stance="CHAMPION")
    before = datetime.now(UTC)
    request = rpc.UpdateDecisionNodeRequest(
        decision_node=pb.DecisionNode(id=seat.id, stance=pb.Stance.BLOCKER), etag=seat.etag
    )
    changed = await office.tree_call("update_decision_node", request)
    await office.tree_call(
        "delete_decision_node", rpc.DeleteDecisionNodeRequest(decision_node_id=seat.id, etag=changed.etag)
    )
    now = await office.tree(project)
    assert (now.revision, now.figures.seat_count) == (5, 0)
    assert (await office.tree(project, revision=3)).figures.weighted_support == 1.0
    assert (await office.tree(project, revision=4)).figures.blocker_node_ids == [seat.id]
    then = await office.tree(project, as_of=Timestamp.from_datetime(before))
    assert (then.revision, then.figures.weighted_support) == (3, 1.0)
    assert [node.id for node in then.nodes][-1] == seat.id
    start = await office.tree(project, as_of=Timestamp.from_datetime(before - timedelta(days=1)))
    assert start.nodes == []
    with pytest.raises(Invalid):
        await office.tree(project, revision=6)


async def test_the_tree_says_which_roles_it_needs(office: Any) -> None:
    project = await office.a_project()
    await a_tree(office, project)
    tree = await office.tree(project)
    wanted = pb.DecisionTree(project_id=project.id, required_roles=[pb.BuyingRole.GATEKEEPER])
    changed = await office.tree_call(
        "update_decision_tree", rpc.UpdateDecisionTreeRequest(decision_tree=wanted, etag=tree.etag)
    )
    assert [pb.BuyingRole(role).name for role in changed.figures.missing_roles] == ["GATEKEEPER"]
    past = await office.tree(project, revision=tree.revision)
    assert [pb.BuyingRole(role).name for role in past.figures.missing_roles] == ["BUYER", "USER"]


async def test_a_seat_is_vacated_and_filled_again(office: Any) -> None:
    project = await office.a_project()
    _, seat = await a_tree(office, project)
    vacated = await office.tree_call(
        "vacate_seat", rpc.VacateSeatRequest(decision_node_id=seat.id, etag=seat.etag)
    )
    assert (vacated.vacant, vacated.former_contact_id) == (True, seat.contact_id)
    assert (vacated.relationship_strength, vacated.influence_weight, vacated.roles) == (0, 60, seat.roles)
    with pytest.raises(Conflict):
        await office.tree_call(
            "vacate_seat", rpc.VacateSeatRequest(decision_node_id=seat.id, etag=vacated.etag)
        )
    request = rpc.FillSeatRequest(
        decision_node_id=seat.id,
        contact_id="new",
        contact_name="Sun Li",
        relationship_strength=1,
        etag=vacated.etag,
    )
    filled = await office.tree_call("fill_seat", request)
    assert (filled.vacant, filled.contact_name, filled.vacant_since) == (False, "Sun Li", "")
    assert pb.Stance(filled.stance).name == "UNKNOWN"
    reasons = [
        each.reason for each in await office.service.events(events.SeatVacated) if each.seat.id == seat.id
    ]
    assert reasons == [events.VacancyReason.RECORDED]
    holders = [
        each.seat.contact_id
        for each in await office.service.events(events.SeatFilled)
        if each.seat.id == seat.id
    ]
    assert holders == [seat.contact_id, "new"]


@pytest.mark.capability("PRJ-03")
async def test_a_contacts_job_move_marks_his_seat_vacant_once(office: Any) -> None:
    project = await office.a_project()
    _, seat = await a_tree(office, project, stance="CHAMPION")
    move = a_move(seat.contact_id, left=project.customer_id, to="rival")
    event_id = await office.service.deliver(move)
    tree = await office.tree(project)
    found = next(node for node in tree.nodes if node.id == seat.id)
    assert (found.vacant, found.former_contact_id, found.vacant_since) == (
        True,
        seat.contact_id,
        "2026-05-01",
    )
    assert (found.contact_id, found.contact_name, pb.Stance(found.stance).name) == ("", "", "UNKNOWN")
    assert (tree.figures.vacant_node_ids, tree.figures.coverage_percent) == ([seat.id], 0.0)
    await office.service.deliver(move, event_id=event_id)
    assert (await office.tree(project)).revision == tree.revision
    vacated = [each for each in await office.service.events(events.SeatVacated) if each.seat.id == seat.id]
    assert [each.reason for each in vacated] == [events.VacancyReason.CONTACT_MOVED]
    touched = [
        each
        for each in await office.service.events(AccountSummaryChanged)
        if project.customer_id in each.account_ids
    ]
    assert touched


async def test_a_contact_who_stays_with_the_customer_keeps_his_seat(office: Any) -> None:
    project = await office.a_project()
    _, seat = await a_tree(office, project)
    await office.service.deliver(a_move(seat.contact_id, left=project.customer_id, to=project.customer_id))
    await office.service.deliver(a_move(seat.contact_id, left="somebody else", to="another"))
    assert (await office.tree(project)).figures.vacant_node_ids == []


async def test_a_seat_in_another_organisation_follows_that_organisation(office: Any) -> None:
    institute = await office.service.given_customer(name="Design Institute")
    project = await office.a_project()
    unit = await office.a_node(project, "UNIT", organization_id=institute.customer_id)
    seat = await office.a_seat(project, unit)
    await office.service.deliver(a_move(seat.contact_id, left=project.customer_id))
    assert (await office.tree(project)).figures.vacant_node_ids == []
    await office.service.deliver(a_move(seat.contact_id, left=institute.customer_id))
    assert (await office.tree(project)).figures.vacant_node_ids == [seat.id]


async def test_leaving_a_subsidiary_empties_the_seat_at_the_group_unless_he_stays_in_it(office: Any) -> None:
    group = await office.service.given_customer()
    members = [
        await office.service.given_customer(
            customer_id=f"{group.customer_id}-{name}",
            group_id=group.customer_id,
            ancestor_ids=[group.customer_id, f"{group.customer_id}-{name}"],
        )
        for name in ("a", "b")
    ]
    project = await office.a_project(customer_id=group.customer_id)
    _, seat = await a_tree(office, project)
    first, second = (member.customer_id for member in members)
    await office.service.deliver(a_move(seat.contact_id, left=first, to=second))
    assert (await office.tree(project)).figures.vacant_node_ids == []
    await office.service.deliver(a_move(seat.contact_id, left=second, to="rival"))
    assert (await office.tree(project)).figures.vacant_node_ids == [seat.id]


async def test_seats_show_names_and_titles_as_the_contacts_record_says(office: Any) -> None:
    project = await office.a_project()
    contact_id = office.service.ids.new()
    affiliation = Affiliation(customer_id=project.customer_id, title="Director", valid_from="2020-01-01")
    created = Contact(id=contact_id, display_name="Qian Wei", affiliation=affiliation)
    await office.service.deliver(customer_events.ContactCreated(contact=created))
    _, seat = await a_tree(office, project, contact_id=contact_id, contact_name="")
    assert (seat.contact_name, seat.contact_title) == ("Qian Wei", "Director")
    promoted = Affiliation(customer_id=project.customer_id, title="President", valid_from="2026-01-01")
    updated = Contact(id=contact_id, display_name="Qian Wei", affiliation=promoted)
    await office.service.deliver(customer_events.ContactUpdated(contact=updated), version=5)
    await office.service.deliver(customer_events.ContactUpdated(contact=created), version=4)
    shown = await office.tree_call("get_decision_node", rpc.GetDecisionNodeRequest(decision_node_id=seat.id))
    assert shown.contact_title == "President"


async def test_nodes_are_listed_across_projects(office: Any) -> None:
    owner = (await office.service.given_staff()).staff_id
    project, other = await office.a_project(), await office.a_project()
    _, early = await a_tree(office, project, owner_id=owner, next_contact_date="2020-01-01")
    _, late = await a_tree(office, other, owner_id=owner, next_contact_date="2999-01-01")
    request = rpc.ListDecisionNodesRequest(
        filter=f'owner_id = "{owner}"', order_by="next_contact_date", page_size=1
    )
    page = await office.tree_call("list_decision_nodes", request)
    request.page_token = page.next_page_token
    rest = await office.tree_call("list_decision_nodes", request)
    assert [node.id for node in (*page.decision_nodes, *rest.decision_nodes)] == [early.id, late.id]
    assert (await office.tree(project)).figures.overdue_contact_node_ids == [early.id]
    narrowed = await office.tree_call(
        "list_decision_nodes", rpc.ListDecisionNodesRequest(project_id=other.id)
    )
    assert {node.project_id for node in narrowed.decision_nodes} == {other.id}


async def test_the_tree_of_an_unknown_project_is_not_found(office: Any) -> None:
    with pytest.raises(NotFound):
        await office.tree_call("get_decision_tree", rpc.GetDecisionTreeRequest(project_id="none"))
