"""Use cases of gates: definitions, and the rounds in which projects are scored and decided (PRJ-01)."""

from __future__ import annotations

from sqlalchemy import select

from facet_contracts.facet.project.v1 import events_pb as events
from facet_contracts.facet.project.v1 import gate_definition_service_pb as definitions_rpc
from facet_contracts.facet.project.v1 import project_service_pb as rpc
from facet_contracts.facet.project.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_kit.entry import require_filled
from facet_kit.errors import Conflict, Invalid
from facet_kit.paging import ListSpec
from facet_project.gates.model import GateDefinition, GateRound, gate_definition_map, gate_round_map, stored
from facet_project.gates.policy import Criterion, Score, criteria_faults, score_faults, weighted_score
from facet_project.projects.model import Project, project_map
from facet_project.projects.service import changing, submitted_round

definition_list = ListSpec(
    GateDefinition,
    fields={
        "display_name": GateDefinition.display_name,
        "threshold": GateDefinition.threshold,
        "is_default": GateDefinition.is_default,
        "create_time": GateDefinition.create_time,
    },
    order=("display_name", "create_time"),
)
_round_list = ListSpec(
    GateRound,
    fields={"state": GateRound.state, "round": GateRound.round},
    order=("round",),
    default_order="round desc",
)


async def create_definition(ctx: Ctx, wanted: pb.GateDefinition) -> GateDefinition:
    """Makes a definition; the first one becomes the default.

    Raises:
        Invalid: a required field is empty, or a criterion's key is used twice.
    """
    definition = GateDefinition(**gate_definition_map.values(wanted, prefix="gate_definition."))
    require_filled(definition, ("display_name",), prefix="gate_definition")
    definition.ask(_criteria(wanted))
    others = select(GateDefinition).where(GateDefinition.is_default).with_for_update()
    default = (await ctx.session.scalars(others)).one_or_none()
    if default is None:
        definition.is_default = True
    elif definition.is_default:
        await _take_default_from(ctx, default)
    ctx.add(definition)
    await ctx.flush()
    return definition


async def update_definition(ctx: Ctx, request: definitions_rpc.UpdateGateDefinitionRequest) -> GateDefinition:
    """Changes a definition, for rounds submitted from now on.

    Raises:
        NotFound, Stale, PreconditionMissing; Invalid: mask or criteria; Conflict: the default would be none.
    """
    wanted = request.gate_definition or pb.GateDefinition()
    definition = await ctx.get(GateDefinition, wanted.id, etag=request.etag, for_update=True)
    was_default = definition.is_default
    allowed = ("display_name", "threshold", "is_default", "criteria")
    gate_definition_map.apply(
        definition, wanted, request.update_mask, allowed=allowed, prefix="gate_definition."
    )
    require_filled(definition, ("display_name",), prefix="gate_definition")
    paths = list(request.update_mask.paths) if request.update_mask else []
    if "criteria" in paths or "*" in paths or (not paths and wanted.criteria):
        definition.ask(_criteria(wanted))
    if was_default and not definition.is_default:
        raise Conflict(
            "DEFAULT_NEEDED", "Make another definition the default; this one stops being it by that."
        )
    if definition.is_default and not was_default:
        definition.is_default = False  # the index allows one default at a time
        await ctx.flush()
        default = select(GateDefinition).where(GateDefinition.is_default).with_for_update()
        for other in await ctx.session.scalars(default):
            await _take_default_from(ctx, other)
        definition.is_default = True
    await ctx.flush()
    return definition


async def _take_default_from(ctx: Ctx, other: GateDefinition) -> None:
    other.is_default = False
    await ctx.flush()


async def delete_definition(ctx: Ctx, request: definitions_rpc.DeleteGateDefinitionRequest) -> None:
    """Deletes a definition that is not the default.

    Raises:
        NotFound, Stale, PreconditionMissing; Conflict: it is the default.
    """
    definition = await ctx.get(GateDefinition, request.gate_definition_id, etag=request.etag, for_update=True)
    if definition.is_default:
        raise Conflict("DEFAULT_NEEDED", "Make another definition the default first.")
    definition.delete_time = ctx.clock.now()


async def submit_gate(ctx: Ctx, request: rpc.SubmitGateRequest) -> GateRound:
    """Submits the scores of a new round (PRJ-01).

    Raises:
        NotFound, Stale, PreconditionMissing; Invalid: definition or scores.
        Conflict: a round waits already, the project has ended, or its gate is decided on facts that are still true.
    """
    async with changing(ctx, request.project_id, request.etag) as (project, _tree):
        if await submitted_round(ctx, project.id):
            raise Conflict(
                "GATE_PENDING", f"Round {project.gate_round} waits for its decision. Have it decided first."
            )
        definition = await _definition(ctx, request.gate_definition_id)
        scores = [Score(s.criterion_key, s.score, s.evidence) for s in request.scores]
        faults = score_faults(definition.questions(), scores)
        if faults:
            raise Invalid.many(faults, reason="GATE_SCORES")
        round_ = _new_round(ctx, project, definition, scores)
        ctx.add(round_)
        project.record(
            lambda: events.GateSubmitted(
                project=project_map.to_message(project), round=gate_round_map.to_message(round_)
            )
        )
    return round_


def _new_round(ctx: Ctx, project: Project, definition: GateDefinition, scores: list[Score]) -> GateRound:
    return GateRound(
        id=ctx.ids.new(),
        project_id=project.id,
        round=project.open_round(),
        gate_definition_id=definition.id,
        criteria=definition.criteria,
        scores=stored(scores),
        weighted_score=weighted_score(definition.questions(), scores),
        threshold=definition.threshold,
        expected_revenue_amount=project.expected_revenue_amount,
        currency=project.currency,
        expected_close_date=project.expected_close_date,
        owner_id=project.owner_id,
        submitted_by=ctx.principal.person_id,
        submit_time=ctx.clock.now(),
    )


async def decide_gate(ctx: Ctx, request: rpc.DecideGateRequest) -> GateRound:
    """Decides the submitted round, for ever (PRJ-01). Persons are compared, so an API key or delegate changes nothing.

    Raises:
        NotFound, Stale, PreconditionMissing; Forbidden: the caller owns or owned the project, or submitted the round.
        Conflict: no round waits, or the round is below its threshold and was to pass.
    """
    async with changing(ctx, request.project_id, request.etag) as (project, _tree):
        round_ = await submitted_round(ctx, project.id)
        if round_ is None:
            raise Conflict(
                "ILLEGAL_TRANSITION",
                "No gate round waits for a decision. Submit one first.",
                metadata={"state": project.state.name, "verb": "decideGate"},
            )
        passed = request.verdict is rpc.GateVerdict.PASS
        decider = ctx.principal.person_id
        now = ctx.clock.now()
        round_.decide(passed=passed, by=decider, owner_id=project.owner_id, comment=request.comment, at=now)
        project.gate_decided(
            passed=passed,
            score=round_.weighted_score,
            event=lambda: events.GateDecided(
                project=project_map.to_message(project), round=gate_round_map.to_message(round_)
            ),
        )
        ctx.touch_account(project.customer_id)
    return round_


async def list_rounds(ctx: Ctx, request: rpc.ListGateRoundsRequest) -> tuple[list[GateRound], str]:
    """The gate rounds of a project in the caller's scope.

    Raises:
        NotFound: no such project in the scope.
    """
    await ctx.get(Project, request.project_id)
    query = select(GateRound).where(GateRound.project_id == request.project_id)
    return await _round_list.page(ctx, request, query)


async def _definition(ctx: Ctx, id: str) -> GateDefinition:
    wanted = GateDefinition.id == id if id else GateDefinition.is_default
    found = (await ctx.session.scalars(select(GateDefinition).where(wanted))).one_or_none()
    if found is None:
        message = (
            "there is no such gate definition"
            if id
            else "there is no default gate definition; make one first"
        )
        raise Invalid("GATE_DEFINITION_UNKNOWN", message, field="gate_definition_id")
    return found


def _criteria(wanted: pb.GateDefinition) -> list[Criterion]:
    criteria = [Criterion(c.key, c.display_name, c.weight) for c in wanted.criteria]
    faults = criteria_faults(criteria)
    if faults:
        raise Invalid.many(
            [(f"gate_definition.{path}", text) for path, text in faults], reason="GATE_CRITERIA"
        )
    return criteria
