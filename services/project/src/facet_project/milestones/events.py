"""The timer that tells of a milestone's due date."""

from __future__ import annotations

from facet_contracts.facet.project.v1.events_pb import MilestoneDueDatePassed
from facet_kit.context import Ctx
from facet_kit.messaging.envelope import EventMeta
from facet_kit.messaging.handlers import Handlers
from facet_project.milestones import service

handlers = Handlers()


@handlers.on(MilestoneDueDatePassed, additive=True)
async def note_overrun(ctx: Ctx, event: MilestoneDueDatePassed, meta: EventMeta) -> None:
    """Announces a milestone that is still open after its due date."""
    await service.note_due_date_passed(ctx, event.milestone_id, event.due_date)
