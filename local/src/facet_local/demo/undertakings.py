"""Projects of the group accounts: the scored gate, milestones and the decision tree."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

from facet_contracts.facet.project.v1.decision_tree_service_pb import CreateDecisionNodeRequest
from facet_contracts.facet.project.v1.decision_tree_service_pb_grpc import DecisionTreeServiceClient
from facet_contracts.facet.project.v1.gate_definition_service_pb import CreateGateDefinitionRequest
from facet_contracts.facet.project.v1.gate_definition_service_pb_grpc import GateDefinitionServiceClient
from facet_contracts.facet.project.v1.milestone_service_pb import CreateMilestoneRequest
from facet_contracts.facet.project.v1.milestone_service_pb_grpc import MilestoneServiceClient
from facet_contracts.facet.project.v1.project_service_pb import (
    CreateProjectRequest,
    DecideGateRequest,
    GateVerdict,
    GetProjectRequest,
    StartProjectRequest,
    SubmitGateRequest,
)
from facet_contracts.facet.project.v1.project_service_pb_grpc import ProjectServiceClient
from facet_contracts.facet.project.v1.resources_pb import (
    BuyingRole,
    DecisionNode,
    ExitCriterion,
    GateCriterion,
    GateDefinition,
    GateScore,
    Milestone,
    NodeKind,
    Project,
    Stance,
)
from facet_contracts.facet.type.v1.money_pb import Money
from facet_local.demo.desk import Desk, moment, workday
from facet_local.demo.enterprise import Account, Enterprise, Group, Person

_CRITERIA = (
    ("need", "需求明确", 30),
    ("budget", "预算落实", 30),
    ("fit", "方案匹配", 20),
    ("relation", "关系基础", 20),
)
_STEPS = ("需求调研", "方案评审", "商务谈判", "合同签订")
_STANCES = (Stance.CHAMPION, Stance.SUPPORTER, Stance.NEUTRAL, Stance.SCEPTIC, Stance.BLOCKER)
_SEATS = (
    (BuyingRole.DECIDER, 90, "最终决策"),
    (BuyingRole.BUYER, 60, "商务条款"),
    (BuyingRole.USER, 45, "使用验收"),
)


class Undertakings:
    """The project history of the enterprise up to `today`."""

    def __init__(self, desk: Desk, enterprise: Enterprise, today: date) -> None:
        self._desk = desk
        self._today = today
        self._people = {person.key: person for person in enterprise.people}
        self._managers = enterprise.of_role("project_manager")
        self._projects = desk.client("project", ProjectServiceClient)
        self._milestones = desk.client("project", MilestoneServiceClient)
        self._trees = desk.client("project", DecisionTreeServiceClient)
        self._gate_id = ""

    async def set_up(self) -> None:
        """The scored gate that every project passes."""
        client = self._desk.client("project", GateDefinitionServiceClient)
        criteria = [
            GateCriterion(key=key, display_name=name, weight=weight) for key, name, weight in _CRITERIA
        ]
        gate = GateDefinition(display_name="立项评估", criteria=criteria, threshold=60, is_default=True)
        request = CreateGateDefinitionRequest(gate_definition=gate)
        made = await self._desk.act(
            client.create_gate_definition, request, by=None, at=moment(self._today - timedelta(days=400), 12)
        )
        self._gate_id = made.id

    async def of_group(self, number: int, group: Group) -> None:
        """Two projects with the first group, in two of its regions; one with every third of the others."""
        if number == 0:
            for account in group.accounts[:3]:
                await self._project(account)
        elif number % 3 == 0:
            await self._project(group.accounts[1])

    async def _project(self, account: Account) -> None:
        source = random.Random(f"project:{account.key}")
        owner, approver = source.sample(self._managers, 2)
        day = workday(self._today - timedelta(days=source.randrange(60, 250)))
        project = Project(
            customer_id=self._desk.directory.customers[account.key],
            display_name=f"{account.name} 智能化改造",
            description="生产线检测与能源系统一体化改造",
            expected_revenue=Money(currency="CNY", amount=f"{source.randrange(80, 900) * 10000}.00"),
            expected_close_date=(self._today + timedelta(days=source.randrange(30, 240))).isoformat(),
        )
        made = await self._act(
            self._projects.create_project, CreateProjectRequest(project=project), owner, day, 9
        )
        scores = [
            GateScore(criterion_key=key, score=source.randrange(65, 95), evidence=f"{name}：访谈纪要")
            for key, name, _ in _CRITERIA
        ]
        request: Any = SubmitGateRequest(
            project_id=made.id, gate_definition_id=self._gate_id, scores=scores, etag=made.etag
        )
        await self._act(self._projects.submit_gate, request, owner, day, 15)
        etag = await self._etag(made.id, owner, day)
        request = DecideGateRequest(
            project_id=made.id, verdict=GateVerdict.PASS, comment="同意立项", etag=etag
        )
        await self._act(self._projects.decide_gate, request, approver, workday(day + timedelta(days=1)), 10)
        etag = await self._etag(made.id, owner, day)
        request = StartProjectRequest(project_id=made.id, etag=etag)
        await self._act(self._projects.start_project, request, owner, workday(day + timedelta(days=2)), 9)
        await self._plan(made.id, owner, day)
        await self._tree(made.id, account, owner, source, workday(day + timedelta(days=3)))

    async def _plan(self, project_id: str, owner: Person, day: date) -> None:
        for position, name in enumerate(_STEPS, start=1):
            milestone = Milestone(
                project_id=project_id,
                display_name=name,
                position=position,
                due_date=(day + timedelta(days=40 * position)).isoformat(),
                exit_criteria=[
                    ExitCriterion(display_name=f"{name}记录经客户确认", customer_participates=True)
                ],
            )
            request = CreateMilestoneRequest(milestone=milestone)
            await self._act(
                self._milestones.create_milestone, request, owner, workday(day + timedelta(days=2)), 11
            )

    async def _tree(
        self, project_id: str, account: Account, owner: Person, source: random.Random, day: date
    ) -> None:
        unit = await self._node(project_id, NodeKind.UNIT, account.name, "", owner, day)
        department = await self._node(project_id, NodeKind.DEPARTMENT, "设备采购委员会", unit.id, owner, day)
        for position, (role, weight, decides) in enumerate(_SEATS):
            contact = account.contacts[position] if position < len(account.contacts) else None
            seat = DecisionNode(
                project_id=project_id,
                parent_id=department.id,
                kind=NodeKind.SEAT,
                display_name=contact.title if contact else "待定席位",
                position=position,
                contact_id=self._desk.directory.contacts[contact.key] if contact else "",
                contact_name=contact.name if contact else "",
                contact_title=contact.title if contact else "",
                roles=[role],
                decision_scope=decides,
                influence_weight=weight,
                stance=source.choice(_STANCES) if contact else Stance.UNKNOWN,
                relationship_strength=source.randrange(1, 6) if contact else 0,
                owner_id=self._desk.directory.staff[owner.key],
                next_contact_date=self._next_contact(source) if contact else "",
            )
            request = CreateDecisionNodeRequest(decision_node=seat)
            await self._act(self._trees.create_decision_node, request, owner, day, 14)

    def _next_contact(self, source: random.Random) -> str:
        return (self._today + timedelta(days=source.randrange(1, 30))).isoformat()

    async def _node(
        self, project_id: str, kind: NodeKind, name: str, parent_id: str, owner: Person, day: date
    ) -> DecisionNode:
        node = DecisionNode(project_id=project_id, kind=kind, display_name=name, parent_id=parent_id)
        request = CreateDecisionNodeRequest(decision_node=node)
        return await self._act(self._trees.create_decision_node, request, owner, day, 13)

    async def _etag(self, project_id: str, reader: Person, day: date) -> str:
        project = await self._act(
            self._projects.get_project, GetProjectRequest(project_id=project_id), reader, day, 16
        )
        return str(project.etag)

    async def _act(self, rpc: Any, request: Any, by: Person, day: date, hour: int) -> Any:
        return await self._desk.act(rpc, request, by=by, at=moment(day, hour))
