"""Serves a service's dead letters: events that could not be handled, to be seen and handled again."""

from protobuf.wkt import Timestamp

from facet_contracts.facet.platform.v1 import dead_letters_service_pb as pb
from facet_contracts.facet.platform.v1.resources_pb import DeadLetter, DeadLetterState
from facet_kit.context import Ctx
from facet_kit.errors import Conflict, FacetError, NotFound
from facet_kit.messaging.processing import Processing
from facet_kit.messaging.tables import DeadLetterRow
from facet_kit.paging import ListSpec
from facet_kit.platform.routing import require_own

_dead_letters = ListSpec(
    DeadLetterRow,
    fields={
        "consumer": DeadLetterRow.consumer,
        "event_id": DeadLetterRow.event_id,
        "subject": DeadLetterRow.subject,
        "type": DeadLetterRow.type,
        "aggregate": DeadLetterRow.aggregate,
        "aggregate_id": DeadLetterRow.aggregate_id,
        "state": DeadLetterRow.state,
    },
)


class DeadLettersApi:
    """The dead letters of this service."""

    service = "facet.platform.v1.DeadLettersService"

    def __init__(self, name: str, processing: Processing) -> None:
        self._name = name
        self._processing = processing

    async def list_dead_letters(
        self, request: pb.ListDeadLettersRequest, ctx: Ctx
    ) -> pb.ListDeadLettersResponse:
        require_own(self._name, request.service)
        rows, token = await _dead_letters.page(ctx, request)
        return pb.ListDeadLettersResponse(dead_letters=[_message(row) for row in rows], next_page_token=token)

    async def get_dead_letter(self, request: pb.GetDeadLetterRequest, ctx: Ctx) -> DeadLetter:
        require_own(self._name, request.service)
        return _message(await _get(ctx, request.dead_letter_id))

    async def replay_dead_letter(self, request: pb.ReplayDeadLetterRequest, ctx: Ctx) -> DeadLetter:
        """Raises Conflict, with the handler's error, when handling fails again."""
        require_own(self._name, request.service)
        id = request.dead_letter_id
        try:
            await self._processing.replay(id)
        except FacetError:
            raise
        except Exception as error:
            raise Conflict(
                "REPLAY_FAILED",
                f"The event could not be handled again ({type(error).__name__}: {error}). Mend the cause, then repeat.",
                metadata={"dead_letter": id},
            ) from error
        return _message(await _get(ctx, id))


async def _get(ctx: Ctx, id: str) -> DeadLetterRow:
    row = await ctx.session.get(DeadLetterRow, id, populate_existing=True)
    if row is None:
        raise NotFound("dead letter", id)
    return row


def _message(row: DeadLetterRow) -> DeadLetter:
    return DeadLetter(
        id=row.id,
        consumer=row.consumer,
        event_id=row.event_id,
        subject=row.subject,
        type=row.type,
        aggregate=row.aggregate,
        aggregate_id=row.aggregate_id,
        version=row.version,
        error=row.error,
        attempts=row.attempts,
        state=DeadLetterState[row.state],
        create_time=Timestamp.from_datetime(row.create_time),
        replay_time=Timestamp.from_datetime(row.replay_time) if row.replay_time else None,
    )
