"""What is said about tickets, and what a customer's own user may see and do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from facet_contracts.facet.service_desk.v1 import events_pb as events
from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_contracts.facet.service_desk.v1 import ticket_service_pb as rpc
from facet_contracts.facet.service_desk.v1.resources_pb import CommentVisibility, TicketChannel, TicketState
from facet_kit.errors import Conflict, Forbidden, Invalid, NotFound
from facet_kit.principal import Principal
from facet_kit.testing.principals import a_principal

if TYPE_CHECKING:
    from conftest import Desk


async def say(
    desk: Desk, ticket: pb.Ticket, body: str, principal: Principal | None = None, **fields: CommentVisibility
) -> pb.TicketComment:
    request = rpc.CreateTicketCommentRequest(
        ticket_id=ticket.id, comment=pb.TicketComment(body=body, **fields)
    )
    return await desk.call("create_ticket_comment", request, principal)


async def heard(desk: Desk, ticket: pb.Ticket, principal: Principal | None = None) -> list[str]:
    request = rpc.ListTicketCommentsRequest(ticket_id=ticket.id)
    return [
        comment.body for comment in (await desk.call("list_ticket_comments", request, principal)).comments
    ]


async def get(desk: Desk, ticket: pb.Ticket, principal: Principal | None = None) -> pb.Ticket:
    return await desk.call("get_ticket", rpc.GetTicketRequest(ticket_id=ticket.id), principal)


async def test_a_customer_never_reads_internal_comments(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    user = a_principal("customer", group_id=customer.group_id)
    ticket = await desk.ticket(customer)
    await say(desk, ticket, "He never pays")
    await say(desk, ticket, "We look into it", visibility=CommentVisibility.PUBLIC)
    assert await heard(desk, ticket) == ["He never pays", "We look into it"]
    assert await heard(desk, ticket, user) == ["We look into it"]


async def test_a_customer_writes_in_public_only(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    user = a_principal("customer", group_id=customer.group_id)
    ticket = await desk.ticket(customer)
    said = await say(desk, ticket, "Still broken", user)
    assert (said.visibility, said.from_customer) == (CommentVisibility.PUBLIC, True)
    with pytest.raises(Invalid) as refused:
        await say(desk, ticket, "psst", user, visibility=CommentVisibility.INTERNAL)
    assert refused.value.violations[0].field == "comment.visibility"


async def test_a_customers_comment_ends_the_wait_for_him(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    ticket = await desk.verb("assign", await desk.ticket(customer), assignee_id=desk.agent_id)
    ticket = await desk.verb("pause", ticket, reason="Which pump?")
    await say(desk, ticket, "waiting", desk.manager)
    assert (await get(desk, ticket)).state is TicketState.PENDING_CUSTOMER
    await say(desk, ticket, "The red one", a_principal("customer", group_id=customer.group_id))
    assert (await get(desk, ticket)).state is TicketState.OPEN
    assert [e.ticket.id for e in await desk.service.events(events.TicketResumed)].count(ticket.id) == 1


async def test_the_first_public_comment_of_staff_is_the_first_response(desk: Desk) -> None:
    ticket = await desk.ticket(await desk.service.given_customer())
    await say(desk, ticket, "note to self")
    assert (await get(desk, ticket)).first_response_time is None
    await say(desk, ticket, "Hello", visibility=CommentVisibility.PUBLIC)
    answered = await get(desk, ticket)
    assert answered.first_response_time is not None
    await say(desk, ticket, "Hello again", visibility=CommentVisibility.PUBLIC)
    assert (await get(desk, ticket)).first_response_time == answered.first_response_time


async def test_the_answer_given_with_respond_is_a_public_comment(desk: Desk) -> None:
    ticket = await desk.ticket(await desk.service.given_customer())
    ticket = await desk.verb("respond", ticket, comment="Engineer comes at two")
    assert await heard(desk, ticket) == ["Engineer comes at two"]
    with pytest.raises(Conflict) as refused:
        await desk.verb("respond", ticket)
    assert refused.value.reason == "ALREADY_RESPONDED"


async def test_nothing_is_said_about_a_closed_ticket(desk: Desk) -> None:
    ticket = await desk.ticket(await desk.service.given_customer())
    ticket = await desk.verb("close", await desk.verb("resolve", ticket, solution="!"))
    with pytest.raises(Conflict) as refused:
        await say(desk, ticket, "Thanks")
    assert refused.value.reason == "TICKET_CLOSED"


async def test_a_comment_says_something(desk: Desk) -> None:
    ticket = await desk.ticket(await desk.service.given_customer())
    with pytest.raises(Invalid) as refused:
        await say(desk, ticket, "")
    assert refused.value.violations[0].field == "comment.body"


async def test_a_customers_user_opens_tickets_for_his_own_group(desk: Desk) -> None:
    group = await desk.service.given_customer()
    member = await desk.service.given_customer(
        group_id=group.customer_id, ancestor_ids=[group.customer_id], department_id="d", region_id="r"
    )
    stranger = await desk.service.given_customer()
    user = a_principal("customer", group_id=group.customer_id)
    ticket = await desk.ticket(
        member, user, channel=TicketChannel.PHONE, department_id="vip", region_id="moon"
    )
    assert ticket.channel is TicketChannel.PORTAL
    seen_by_staff = await get(desk, ticket)
    assert (seen_by_staff.department_id, seen_by_staff.region_id) == ("d", "r")
    with pytest.raises(Invalid):
        await desk.ticket(stranger, user)
    with pytest.raises(Forbidden):
        await desk.verb("close", ticket, user)


async def test_a_customers_user_sees_the_fields_meant_for_him_and_no_other_group(desk: Desk) -> None:
    customer, stranger = await desk.service.given_customer(), await desk.service.given_customer()
    user = a_principal("customer", group_id=customer.group_id)
    ticket = await desk.verb("assign", await desk.ticket(customer), assignee_id=desk.agent_id)
    seen = await get(desk, ticket, user)
    assert (seen.number, seen.subject, seen.state) == (ticket.number, ticket.subject, TicketState.OPEN)
    assert (seen.assignee_id, list(seen.clocks), seen.department_id) == ("", [], "")
    foreign = await desk.ticket(stranger)
    with pytest.raises(NotFound):
        await get(desk, foreign, user)
    with pytest.raises(NotFound):
        await heard(desk, foreign, user)
    with pytest.raises(NotFound):
        await say(desk, foreign, "hello", user)
    listed = await desk.call("list_tickets", rpc.ListTicketsRequest(), user)
    assert [each.id for each in listed.tickets] == [ticket.id]
