"""Use cases of pipelines: making and changing the stages that opportunities run through."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from facet_contracts.facet.sales.v1 import pipeline_service_pb as rpc
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_kit.entry import require_fields, require_filled
from facet_kit.errors import Conflict, Invalid
from facet_kit.paging import ListSpec
from facet_sales.entry import updated_names
from facet_sales.pipeline.model import Opportunity, Pipeline, PipelineStage, pipeline_map

PIPELINES = ListSpec(
    Pipeline,
    fields={"display_name": Pipeline.display_name},
    order=("display_name",),
    default_order="display_name",
)


async def create_pipeline(ctx: Ctx, request: rpc.CreatePipelineRequest) -> Pipeline:
    """Makes a pipeline with its stages (SAL-01). Raises Invalid: no name, no stage, a stage without a name."""
    message = request.pipeline
    assert message is not None  # the contract requires it
    require_fields(message, ["display_name", "stages"], prefix="pipeline")
    pipeline = Pipeline(id=ctx.ids.new(), display_name=message.display_name, stages=[])
    _replace_stages(ctx, pipeline, message.stages)
    ctx.add(pipeline)
    pipeline.created()
    await ctx.flush()
    return pipeline


async def update_pipeline(ctx: Ctx, request: rpc.UpdatePipelineRequest) -> Pipeline:
    """Changes name or stages of a pipeline.

    Raises:
        Conflict: a stage would go in which opportunities stand.
        Invalid: no stage would be left, or a stage is not one of the pipeline's.
    """
    message = request.pipeline
    assert message is not None
    pipeline = await ctx.get(Pipeline, message.id, etag=request.etag, for_update=True)
    changed = pipeline_map.apply(pipeline, message, request.update_mask, allowed=("display_name", "stages"))
    require_filled(pipeline, ["display_name"], prefix="pipeline")
    if "stages" in updated_names(message, request.update_mask, ("stages",)):
        if not message.stages:
            raise Invalid("REQUIRED", "a pipeline needs at least one stage", field="pipeline.stages")
        kept = {stage.id for stage in message.stages}
        await _refuse_while_used(ctx, [stage for stage in pipeline.stages if stage.id not in kept])
        _replace_stages(ctx, pipeline, message.stages)
        changed.add("stages")
    if changed:
        pipeline.updated()
    await ctx.flush()
    return pipeline


def _replace_stages(ctx: Ctx, pipeline: Pipeline, stages: Sequence[pb.PipelineStage]) -> None:
    known = {stage.id: stage for stage in pipeline.stages}
    wrong: list[tuple[str, str]] = []
    replaced: list[PipelineStage] = []
    for position, message in enumerate(stages, start=1):
        path = f"pipeline.stages[{position - 1}]"
        stage = known.pop(message.id, None) if message.id else PipelineStage(id=ctx.ids.new())
        if stage is None:
            wrong.append(
                (f"{path}.id", "is no stage of this pipeline, or named twice; leave it empty for a new stage")
            )
            continue
        if not message.display_name.strip():
            wrong.append((f"{path}.display_name", "is required"))
        stage.display_name = message.display_name
        stage.win_probability = message.win_probability
        stage.position = position
        replaced.append(stage)
    if wrong:
        raise Invalid.many(wrong)
    pipeline.stages = replaced


async def _refuse_while_used(ctx: Ctx, stages: Sequence[PipelineStage]) -> None:
    """Looks at all opportunities, also those outside the caller's scope: hence the table, not the entity."""
    table = Opportunity.__table__
    for stage in stages:
        standing = select(table.c.id).where(table.c.stage_id == stage.id).limit(1)
        if (await ctx.session.execute(standing)).first() is not None:
            raise Conflict(
                "STAGE_IN_USE",
                f"Opportunities stand in the stage {stage.display_name!r}. Advance them first, or keep the stage.",
                metadata={"stage_id": stage.id},
            )
