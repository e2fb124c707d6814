"""The project service on a database of its own, and builders for what its tests need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest_asyncio

from facet_contracts.facet.project.v1 import decision_tree_service_pb as tree_rpc
from facet_contracts.facet.project.v1 import gate_definition_service_pb as definition_rpc
from facet_contracts.facet.project.v1 import milestone_service_pb as milestone_rpc
from facet_contracts.facet.project.v1 import project_service_pb as project_rpc
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_contracts.facet.type.v1.account_pb import GetAccountSummaryRequest
from facet_contracts.facet.type.v1.money_pb import Money
from facet_kit.principal import Principal
from facet_kit.testing.harness import ServiceHarness, service_fixtures
from facet_kit.testing.principals import a_principal, an_administrator
from facet_project.main import build
from facet_project.settings import Settings

globals().update(service_fixtures("facet_project", build, Settings))


@dataclass
class Office:
    """Speaks to the service in the words of its users."""

    service: ServiceHarness
    manager: Principal
    approver: Principal

    async def project(self, rpc: str, request: Any, **options: Any) -> Any:
        return await self.call("ProjectService", rpc, request, **options)

    async def call(
        self, api: str, rpc: str, request: Any, *, by: Principal | None = None, **options: Any
    ) -> Any:
        return await self.service.call(api, rpc, request, principal=by or self.manager, **options)

    async def a_project(
        self, *, amount: str = "1000000.00", by: Principal | None = None, **fields: Any
    ) -> pb.Project:
        if "customer_id" not in fields:
            fields["customer_id"] = (await self.service.given_customer()).customer_id
        wanted = pb.Project(
            **(
                {"display_name": "Chiller plant", "expected_revenue": Money(currency="CNY", amount=amount)}
                | fields
            )
        )
        return await self.project("create_project", project_rpc.CreateProjectRequest(project=wanted), by=by)

    async def get(self, project_id: str, **options: Any) -> pb.Project:
        return await self.project(
            "get_project", project_rpc.GetProjectRequest(project_id=project_id), **options
        )

    async def submit(self, project: pb.Project, *, score: int = 80, **options: Any) -> pb.GateRound:
        await self.a_definition()
        scores = [
            pb.GateScore(criterion_key=key, score=score, evidence="seen on site")
            for key in ("budget", "fit", "access")
        ]
        current = await self.get(project.id)
        request = project_rpc.SubmitGateRequest(project_id=project.id, scores=scores, etag=current.etag)
        return await self.project("submit_gate", request, **options)

    async def decide(self, project: pb.Project, verdict: str = "PASS", **options: Any) -> pb.GateRound:
        current = await self.get(project.id)
        request = project_rpc.DecideGateRequest(
            project_id=project.id,
            verdict=project_rpc.GateVerdict[verdict],
            comment="as discussed",
            etag=current.etag,
        )
        return await self.project("decide_gate", request, **({"by": self.approver} | options))

    async def passed(self, **fields: Any) -> pb.Project:
        project = await self.a_project(**fields)
        await self.submit(project)
        await self.decide(project)
        return await self.get(project.id)

    async def running(self, **fields: Any) -> pb.Project:
        return await self.start(await self.passed(**fields))

    async def start(self, project: pb.Project, **options: Any) -> pb.Project:
        request = project_rpc.StartProjectRequest(project_id=project.id, etag=project.etag)
        return await self.project("start_project", request, **options)

    async def a_definition(self, *, threshold: int = 60) -> pb.GateDefinition:
        listed = await self.call(
            "GateDefinitionService", "list_gate_definitions", definition_rpc.ListGateDefinitionsRequest()
        )
        if listed.gate_definitions:
            return listed.gate_definitions[0]
        criteria = [
            pb.GateCriterion(key="budget", display_name="Is there a budget?", weight=3),
            pb.GateCriterion(key="fit", display_name="Do we have what they need?", weight=2),
            pb.GateCriterion(key="access", display_name="Do we reach the deciders?", weight=1),
        ]
        wanted = pb.GateDefinition(display_name="Standard gate", criteria=criteria, threshold=threshold)
        request = definition_rpc.CreateGateDefinitionRequest(gate_definition=wanted)
        return await self.call("GateDefinitionService", "create_gate_definition", request)

    async def a_node(
        self, project: pb.Project, kind: str, parent: Any = None, **fields: Any
    ) -> pb.DecisionNode:
        values = {"display_name": f"{kind.title()}", "parent_id": parent.id if parent else ""} | fields
        if "roles" in values:
            values["roles"] = [pb.BuyingRole[name] for name in values["roles"]]
        if "stance" in values:
            values["stance"] = pb.Stance[values["stance"]]
        node = pb.DecisionNode(project_id=project.id, kind=pb.NodeKind[kind], **values)
        return await self.tree_call(
            "create_decision_node", tree_rpc.CreateDecisionNodeRequest(decision_node=node)
        )

    async def a_seat(self, project: pb.Project, parent: pb.DecisionNode, **fields: Any) -> pb.DecisionNode:
        values = {
            "roles": ["DECIDER"],
            "influence_weight": 60,
            "contact_id": self.service.ids.new(),
            "contact_name": "Zhao Min",
            "stance": "SUPPORTER",
            "relationship_strength": 3,
        }
        return await self.a_node(project, "SEAT", parent, **(values | fields))

    async def tree_call(self, rpc: str, request: Any, **options: Any) -> Any:
        return await self.call("DecisionTreeService", rpc, request, **options)

    async def tree(self, project: pb.Project, **fields: Any) -> pb.DecisionTree:
        return await self.tree_call(
            "get_decision_tree", tree_rpc.GetDecisionTreeRequest(project_id=project.id, **fields)
        )

    async def a_milestone(self, project: pb.Project, **fields: Any) -> pb.Milestone:
        roles = [pb.BuyingRole[name] for name in fields.pop("required_roles", [])]
        criteria = [pb.ExitCriterion(display_name=text) for text in fields.pop("criteria", [])]
        values = {"display_name": "Design frozen", "due_date": "2999-03-31"} | fields
        wanted = pb.Milestone(project_id=project.id, exit_criteria=criteria, required_roles=roles, **values)
        return await self.milestone_call(
            "create_milestone", milestone_rpc.CreateMilestoneRequest(milestone=wanted)
        )

    async def milestone_call(self, rpc: str, request: Any, **options: Any) -> Any:
        return await self.call("MilestoneService", rpc, request, **options)

    async def summary(self, customer_id: str, **options: Any) -> Any:
        request = GetAccountSummaryRequest(customer_id=customer_id)
        return await self.call("SummaryService", "get_account_summary", request, **options)


@pytest_asyncio.fixture
async def office(service: ServiceHarness) -> Office:
    """A project manager and somebody who may approve his gates."""
    return Office(
        service, manager=a_principal("project_manager", full_scope=True), approver=an_administrator()
    )
