"""gRPC of tickets and their comments."""

from __future__ import annotations

from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_contracts.facet.service_desk.v1 import ticket_service_pb as rpc
from facet_kit.context import Ctx
from facet_service_desk.tickets import comments, service
from facet_service_desk.tickets.mapping import comment_map
from facet_service_desk.tickets.model import Ticket


async def _shown(ctx: Ctx, ticket: Ticket) -> pb.Ticket:
    return (await service.messages(ctx, [ticket]))[0]


class TicketApi:
    """Serves TicketService."""

    service = "facet.service_desk.v1.TicketService"

    async def create_ticket(self, request: rpc.CreateTicketRequest, ctx: Ctx) -> pb.Ticket:
        return await _shown(ctx, await service.create_ticket(ctx, request.ticket or pb.Ticket()))

    async def get_ticket(self, request: rpc.GetTicketRequest, ctx: Ctx) -> pb.Ticket:
        return await _shown(ctx, await ctx.get(Ticket, request.ticket_id))

    async def list_tickets(self, request: rpc.ListTicketsRequest, ctx: Ctx) -> rpc.ListTicketsResponse:
        rows, token = await service.ticket_list.page(ctx, request)
        return rpc.ListTicketsResponse(tickets=await service.messages(ctx, rows), next_page_token=token)

    async def update_ticket(self, request: rpc.UpdateTicketRequest, ctx: Ctx) -> pb.Ticket:
        asked = request.ticket or pb.Ticket()
        return await _shown(ctx, await service.update_ticket(ctx, asked, request.update_mask, request.etag))

    async def assign_ticket(self, request: rpc.AssignTicketRequest, ctx: Ctx) -> pb.Ticket:
        ticket = await service.assign(ctx, request.ticket_id, request.etag, assignee_id=request.assignee_id)
        return await _shown(ctx, ticket)

    async def respond_ticket(self, request: rpc.RespondTicketRequest, ctx: Ctx) -> pb.Ticket:
        ticket = await comments.respond(ctx, request.ticket_id, request.etag, answer=request.comment)
        return await _shown(ctx, ticket)

    async def pause_ticket(self, request: rpc.PauseTicketRequest, ctx: Ctx) -> pb.Ticket:
        ticket = await service.pause(ctx, request.ticket_id, request.etag, reason=request.reason)
        return await _shown(ctx, ticket)

    async def resume_ticket(self, request: rpc.ResumeTicketRequest, ctx: Ctx) -> pb.Ticket:
        return await _shown(ctx, await service.resume(ctx, request.ticket_id, request.etag))

    async def resolve_ticket(self, request: rpc.ResolveTicketRequest, ctx: Ctx) -> pb.Ticket:
        ticket = await service.resolve(ctx, request.ticket_id, request.etag, solution=request.solution)
        return await _shown(ctx, ticket)

    async def close_ticket(self, request: rpc.CloseTicketRequest, ctx: Ctx) -> pb.Ticket:
        return await _shown(ctx, await service.close(ctx, request.ticket_id, request.etag))

    async def reopen_ticket(self, request: rpc.ReopenTicketRequest, ctx: Ctx) -> pb.Ticket:
        ticket = await service.reopen(ctx, request.ticket_id, request.etag, reason=request.reason)
        return await _shown(ctx, ticket)

    async def change_ticket_priority(self, request: rpc.ChangeTicketPriorityRequest, ctx: Ctx) -> pb.Ticket:
        ticket = await service.change_priority(
            ctx, request.ticket_id, request.etag, priority=request.priority, reason=request.reason
        )
        return await _shown(ctx, ticket)

    async def create_ticket_comment(
        self, request: rpc.CreateTicketCommentRequest, ctx: Ctx
    ) -> pb.TicketComment:
        asked = request.comment or pb.TicketComment()
        return comment_map.to_message(await comments.create_comment(ctx, request.ticket_id, asked))

    async def list_ticket_comments(
        self, request: rpc.ListTicketCommentsRequest, ctx: Ctx
    ) -> rpc.ListTicketCommentsResponse:
        rows, token = await comments.list_comments(ctx, request)
        return rpc.ListTicketCommentsResponse(comments=comment_map.to_messages(rows), next_page_token=token)
