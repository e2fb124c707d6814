"""Use cases of what is said about tickets. Staff see everything, others only what is public."""

from __future__ import annotations

from sqlalchemy import select

from facet_contracts.facet.service_desk.v1 import events_pb as events
from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_contracts.facet.service_desk.v1.resources_pb import CommentVisibility, TicketState
from facet_contracts.facet.service_desk.v1.ticket_service_pb import ListTicketCommentsRequest
from facet_kit.context import Ctx
from facet_kit.entry import require_fields
from facet_kit.errors import Conflict, Invalid
from facet_kit.paging import ListSpec
from facet_kit.principal import PrincipalKind
from facet_service_desk.tickets.mapping import comment_map
from facet_service_desk.tickets.model import WORKED_ON, Ticket, TicketComment
from facet_service_desk.tickets.service import respond_in, resume_in
from facet_service_desk.tickets.work import Work, working_on

comment_list = ListSpec(
    TicketComment,
    fields={
        "visibility": TicketComment.visibility,
        "author_id": TicketComment.author_id,
        "from_customer": TicketComment.from_customer,
    },
    default_order="create_time",
)


async def list_comments(ctx: Ctx, request: ListTicketCommentsRequest) -> tuple[list[TicketComment], str]:
    """A page of what was said about a ticket, without the internal comments unless the caller is staff.

    Raises:
        NotFound: the caller may not see the ticket.
    """
    await ctx.get(Ticket, request.ticket_id)
    query = select(TicketComment).where(TicketComment.ticket_id == request.ticket_id)
    if not ctx.principal.internal:
        query = query.where(TicketComment.visibility == CommentVisibility.PUBLIC)
    return await comment_list.page(ctx, request, query)


async def create_comment(ctx: Ctx, ticket_id: str, asked: pb.TicketComment) -> TicketComment:
    """Says something about a ticket.

    A customer's comment is public and ends a wait for the customer; the first public comment of staff is the first
    response.

    Raises:
        NotFound: the caller may not see the ticket.
        Invalid: nothing is said, or a customer asks for an internal comment.
        Conflict: the ticket is closed.
    """
    require_fields(asked, ("body",), prefix="comment")
    visibility = _visibility(ctx, asked.visibility)
    async with working_on(ctx, ticket_id) as work:
        if work.ticket.state is TicketState.CLOSED:
            raise Conflict(
                "TICKET_CLOSED",
                f"The ticket {work.ticket.number} is closed; reopen it, or open another one.",
                metadata={"state": work.ticket.state.name, "verb": "comment"},
            )
        comment = _say(ctx, work, asked.body, visibility)
        if comment.from_customer and work.ticket.state is TicketState.PENDING_CUSTOMER:
            resume_in(work)
        elif _answers(work, comment):
            respond_in(work)
    return comment


def _visibility(ctx: Ctx, asked: CommentVisibility) -> CommentVisibility:
    if ctx.principal.internal:
        return asked or CommentVisibility.INTERNAL
    if asked is CommentVisibility.INTERNAL:
        message = "only staff write internal comments; leave the visibility away"
        raise Invalid("VISIBILITY", message, field="comment.visibility")
    return CommentVisibility.PUBLIC


def _answers(work: Work, comment: TicketComment) -> bool:
    return (
        comment.visibility is CommentVisibility.PUBLIC
        and not comment.from_customer
        and work.ticket.first_response_time is None
        and work.ticket.state in WORKED_ON
    )


def _say(ctx: Ctx, work: Work, body: str, visibility: CommentVisibility) -> TicketComment:
    comment = TicketComment(
        ticket_id=work.ticket.id,
        body=body,
        visibility=visibility,
        author_id=ctx.principal.person_id,
        author_name=ctx.principal.name,
        from_customer=ctx.principal.kind is PrincipalKind.CUSTOMER,
    )
    ctx.add(comment)
    comment.record(
        lambda: events.TicketCommentCreated(
            ticket_comment=comment_map.to_message(comment), customer_id=work.ticket.customer_id
        )
    )
    return comment


async def respond(ctx: Ctx, ticket_id: str, etag: str, *, answer: str) -> Ticket:
    """Records the first answer to the customer; its words, where given, become a public comment.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Conflict: the ticket was answered before, or is done.
    """
    async with working_on(ctx, ticket_id, etag=etag) as work:
        respond_in(work)
        if answer:
            _say(ctx, work, answer, CommentVisibility.PUBLIC)
    return work.ticket
