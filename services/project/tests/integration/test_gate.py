"""Registration and the go/no-go gate."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from protobuf.wkt import FieldMask
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from facet_contracts.facet.project.v1 import events_pb as events
from facet_contracts.facet.project.v1 import gate_definition_service_pb as definition_rpc
from facet_contracts.facet.project.v1 import project_service_pb as rpc
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_contracts.facet.project.v1.resources_pb import GateRoundState, ProjectState
from facet_contracts.facet.type.v1.money_pb import Money
from facet_kit.errors import Conflict, Forbidden, Invalid, PreconditionMissing, Stale
from facet_kit.testing.principals import a_principal, an_administrator, an_api_key_of


async def test_a_registered_project_belongs_to_who_registered_it_and_to_the_customers_department(
    office: Any,
) -> None:
    customer = await office.service.given_customer(department_id="d1", region_id="r1")
    project = await office.a_project(customer_id=customer.customer_id)
    assert project.state == ProjectState.REGISTERED
    assert (project.owner_id, project.department_id, project.region_id) == (
        office.manager.person_id,
        "d1",
        "r1",
    )
    registered = [each.project.id for each in await office.service.events(events.ProjectRegistered)]
    assert registered.count(project.id) == 1


async def test_a_project_needs_a_name_a_known_customer_and_the_reporting_currency(office: Any) -> None:
    customer = await office.service.given_customer()
    for fields in (
        {"display_name": ""},
        {"customer_id": "nobody"},
        {"owner_id": "nobody"},
        {"department_id": "none"},
    ):
        with pytest.raises(Invalid):
            await office.a_project(**({"customer_id": customer.customer_id} | fields))
    dollars = Money(currency="USD", amount="1.00")
    with pytest.raises(Invalid) as refused:
        await office.a_project(customer_id=customer.customer_id, expected_revenue=dollars)
    assert refused.value.reason == "REPORTING_CURRENCY"


@pytest.mark.capability("PRJ-01")
async def test_a_gate_is_scored_with_evidence_and_decided_by_somebody_else(office: Any) -> None:
    project = await office.a_project()
    submitted = await office.submit(project, score=80)
    assert (submitted.state, submitted.weighted_score, submitted.threshold) == (
        GateRoundState.SUBMITTED,
        80.0,
        60,
    )
    for person in (
        office.manager,
        an_api_key_of(office.manager),
        an_administrator(person_id=office.manager.person_id),
    ):
        with pytest.raises(Forbidden) as refused:
            await office.decide(project, by=person)
        assert refused.value.reason == "SEPARATION_OF_DUTIES"
    decided = await office.decide(project)
    assert (decided.state, decided.decided_by) == (GateRoundState.PASSED, office.approver.person_id)
    assert [score.evidence for score in decided.scores] == ["seen on site"] * 3
    assert (await office.get(project.id)).state == ProjectState.GATE_PASSED
    announced = [
        each for each in await office.service.events(events.GateDecided) if each.project.id == project.id
    ]
    assert [(each.round.round, each.project.state) for each in announced] == [(1, ProjectState.GATE_PASSED)]


async def test_who_owned_the_project_when_it_was_scored_cannot_decide_after_giving_it_away(
    office: Any,
) -> None:
    heir = await office.service.given_staff()
    owner = await office.service.given_staff()
    project = await office.a_project(owner_id=owner.staff_id)
    await office.submit(project)
    current = await office.get(project.id)
    wanted = pb.Project(id=project.id, owner_id=heir.staff_id)
    await office.project("update_project", rpc.UpdateProjectRequest(project=wanted, etag=current.etag))
    for person_id in (owner.staff_id, heir.staff_id, office.manager.person_id):
        with pytest.raises(Forbidden):
            await office.decide(project, by=an_administrator(person_id=person_id))


@pytest.mark.capability("PRJ-01")
async def test_a_round_below_its_threshold_can_only_be_refused(office: Any) -> None:
    project = await office.a_project()
    await office.submit(project, score=40)
    with pytest.raises(Conflict) as refused:
        await office.decide(project)
    assert refused.value.reason == "GATE_BELOW_THRESHOLD"
    await office.decide(project, "REFUSE")
    assert (await office.get(project.id)).state == ProjectState.GATE_REFUSED
    with pytest.raises(Conflict):
        await office.start(await office.get(project.id))


@pytest.mark.capability("PRJ-01")
async def test_scores_without_evidence_or_for_part_of_the_criteria_are_refused(office: Any) -> None:
    project = await office.a_project()
    await office.a_definition()
    scores = [pb.GateScore(criterion_key="budget", score=3, evidence=" ")]
    with pytest.raises(Invalid) as refused:
        await office.project(
            "submit_gate", rpc.SubmitGateRequest(project_id=project.id, scores=scores, etag=project.etag)
        )
    assert {violation.field for violation in refused.value.violations} == {"scores[0].evidence", "scores"}


@pytest.mark.capability("PRJ-01")
async def test_a_decided_round_never_changes_not_even_in_the_database(office: Any) -> None:
    project = await office.passed()
    for statement in (
        "UPDATE gate_rounds SET decision_comment = 'other' WHERE project_id = :id",
        "UPDATE gate_rounds SET state = 'REFUSED' WHERE project_id = :id",
        "DELETE FROM gate_rounds WHERE project_id = :id",
    ):
        async with office.service.session() as session:
            with pytest.raises(IntegrityError, match="never changes"):
                await session.execute(text(statement), {"id": project.id})


@pytest.mark.capability("PRJ-01")
async def test_a_changed_material_fact_asks_for_a_new_round_before_the_start(office: Any) -> None:
    project = await office.passed()
    more = pb.Project(id=project.id, expected_revenue=Money(currency="CNY", amount="9000000.00"))
    changed = await office.project(
        "update_project", rpc.UpdateProjectRequest(project=more, etag=project.etag)
    )
    assert (changed.gate_reevaluation_due, changed.gate_changed_facts) == (True, ["expected_revenue"])
    with pytest.raises(Conflict) as refused:
        await office.start(changed)
    assert refused.value.reason == "GATE_REEVALUATION_DUE"
    await office.submit(project)
    await office.decide(project)
    started = await office.start(await office.get(project.id))
    assert (started.state, started.gate_round, started.gate_reevaluation_due) == (
        ProjectState.RUNNING,
        2,
        False,
    )
    listed = await office.project("list_gate_rounds", rpc.ListGateRoundsRequest(project_id=project.id))
    assert [(each.round, each.expected_revenue.amount) for each in listed.gate_rounds] == [
        (2, "9000000.00"),
        (1, "1000000.00"),
    ]


async def test_a_change_of_the_name_asks_for_no_new_round(office: Any) -> None:
    project = await office.passed()
    renamed = pb.Project(id=project.id, display_name="Chiller plant, phase 1")
    changed = await office.project(
        "update_project", rpc.UpdateProjectRequest(project=renamed, etag=project.etag)
    )
    assert not changed.gate_reevaluation_due
    with pytest.raises(Conflict):
        await office.submit(project)


async def test_a_material_fact_that_changes_before_the_decision_supersedes_the_round(office: Any) -> None:
    project = await office.a_project()
    await office.submit(project)
    with pytest.raises(Conflict) as pending:
        await office.submit(project)
    assert pending.value.reason == "GATE_PENDING"
    current = await office.get(project.id)
    later = pb.Project(id=project.id, expected_close_date="2999-12-31")
    await office.project("update_project", rpc.UpdateProjectRequest(project=later, etag=current.etag))
    with pytest.raises(Conflict):
        await office.decide(project)
    assert (await office.submit(project)).round == 2


async def test_a_running_project_stops_when_its_new_round_is_refused(office: Any) -> None:
    project = await office.running()
    less = pb.Project(id=project.id, expected_revenue=Money(currency="CNY", amount="1.00"))
    await office.project("update_project", rpc.UpdateProjectRequest(project=less, etag=project.etag))
    await office.submit(project)
    await office.decide(project, "REFUSE")
    assert (await office.get(project.id)).state == ProjectState.GATE_REFUSED


async def test_of_two_deciders_at_the_same_moment_one_decides(office: Any) -> None:
    project = await office.a_project()
    await office.submit(project)
    outcomes = await asyncio.gather(
        office.decide(project, "PASS", by=an_administrator()),
        office.decide(project, "REFUSE", by=an_administrator()),
        return_exceptions=True,
    )
    assert sum(isinstance(each, pb.GateRound) for each in outcomes) == 1
    assert sum(isinstance(each, Stale | Conflict) for each in outcomes) == 1


async def test_the_project_goes_its_way_and_no_other(office: Any) -> None:
    project = await office.running()
    with pytest.raises(Conflict):
        await office.start(project)
    won = await office.project("win_project", rpc.WinProjectRequest(project_id=project.id, etag=project.etag))
    request = rpc.LoseProjectRequest(project_id=project.id, reason="price", etag=won.etag)
    with pytest.raises(Conflict):
        await office.project("lose_project", request)
    closed = await office.project(
        "close_project", rpc.CloseProjectRequest(project_id=project.id, etag=won.etag)
    )
    assert (won.state, closed.state) == (ProjectState.WON, ProjectState.CLOSED)
    wanted = pb.Project(id=project.id, display_name="Too late")
    with pytest.raises(Conflict):
        await office.project("update_project", rpc.UpdateProjectRequest(project=wanted, etag=closed.etag))
    assert [each.project.id for each in await office.service.events(events.ProjectWon)].count(project.id) == 1


async def test_only_a_project_that_never_passed_is_deleted(office: Any) -> None:
    passed = await office.passed()
    with pytest.raises(Conflict):
        await office.project(
            "delete_project", rpc.DeleteProjectRequest(project_id=passed.id, etag=passed.etag)
        )
    project = await office.a_project()
    await office.project("delete_project", rpc.DeleteProjectRequest(project_id=project.id, etag=project.etag))
    deleted = [each.project.id for each in await office.service.events(events.ProjectDeleted)]
    assert project.id in deleted


async def test_changes_need_the_etag_of_the_state_that_is_changed(office: Any) -> None:
    project = await office.passed()
    with pytest.raises(PreconditionMissing):
        await office.project("start_project", rpc.StartProjectRequest(project_id=project.id))
    await office.start(project)
    with pytest.raises(Stale):
        await office.project("win_project", rpc.WinProjectRequest(project_id=project.id, etag=project.etag))


async def test_a_mask_says_which_fields_change(office: Any) -> None:
    project = await office.a_project(description="cooling")
    wanted = pb.Project(id=project.id, display_name="New name", description="not meant")
    mask = FieldMask(paths=["display_name"])
    request = rpc.UpdateProjectRequest(project=wanted, update_mask=mask, etag=project.etag)
    changed = await office.project("update_project", request)
    assert (changed.display_name, changed.description) == ("New name", "cooling")
    for path in ("colour", "customer_id"):
        request = rpc.UpdateProjectRequest(
            project=wanted, update_mask=FieldMask(paths=[path]), etag=changed.etag
        )
        with pytest.raises(Invalid):
            await office.project("update_project", request)
    emptied = rpc.UpdateProjectRequest(
        project=pb.Project(id=project.id), update_mask=FieldMask(paths=["display_name"]), etag=changed.etag
    )
    with pytest.raises(Invalid):
        await office.project("update_project", emptied)


async def test_sales_representatives_do_not_decide_gates(office: Any) -> None:
    project = await office.a_project()
    await office.submit(project)
    with pytest.raises(Forbidden) as refused:
        await office.decide(project, by=a_principal("sales_rep", full_scope=True))
    assert refused.value.reason == "PERMISSION_MISSING"


async def test_one_gate_definition_is_the_default(office: Any) -> None:
    first = await office.a_definition()
    criteria = [pb.GateCriterion(key="risk", display_name="Is the risk small?", weight=1)]
    wanted = pb.GateDefinition(display_name="Strict gate", criteria=criteria, threshold=90, is_default=True)
    api = "GateDefinitionService"
    created = await office.call(
        api, "create_gate_definition", definition_rpc.CreateGateDefinitionRequest(gate_definition=wanted)
    )
    again = await office.call(
        api, "get_gate_definition", definition_rpc.GetGateDefinitionRequest(gate_definition_id=first.id)
    )
    assert (created.is_default, again.is_default) == (True, False)
    with pytest.raises(Conflict):
        await office.call(
            api,
            "delete_gate_definition",
            definition_rpc.DeleteGateDefinitionRequest(gate_definition_id=created.id, etag=created.etag),
        )
    back = definition_rpc.UpdateGateDefinitionRequest(
        gate_definition=pb.GateDefinition(id=first.id, is_default=True), etag=again.etag
    )
    assert (await office.call(api, "update_gate_definition", back)).is_default
    current = await office.call(
        api, "get_gate_definition", definition_rpc.GetGateDefinitionRequest(gate_definition_id=created.id)
    )
    assert not current.is_default
    await office.call(
        api,
        "delete_gate_definition",
        definition_rpc.DeleteGateDefinitionRequest(gate_definition_id=created.id, etag=current.etag),
    )
