"""The customer service's sections of the unified view: profile, group, account team and contacts (GTW-01).

Answered from the party master itself: an account has few members, and what concerns them is indexed by member.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_contracts.facet.customer.v1 import summary_service_pb as rpc
from facet_contracts.facet.type.v1.account_pb import GetAccountSummaryRequest
from facet_customer.classification.model import (
    ClassificationDimension,
    ClassificationNode,
    CustomerClassification,
)
from facet_customer.contacts.model import Contact
from facet_customer.customers.hierarchy import Hierarchy, hierarchy_of, member_message
from facet_customer.customers.model import Customer, LifecycleChange, customer_map, lifecycle_change_map
from facet_customer.staff.model import Staff
from facet_customer.teams.model import AccountTeamMember
from facet_kit.context import Ctx
from facet_kit.summary import account_members, org_names, slices, summary_time

_MEMBERS = 200
_TEAM = 50
_LINES = 10
_SENSITIVE = ("credit_limit", "birth_date")


class SummaryApi:
    """The service's part of the unified view."""

    service = "facet.customer.v1.SummaryService"

    async def get_account_summary(self, request: GetAccountSummaryRequest, ctx: Ctx) -> rpc.AccountSummary:
        as_of = await summary_time(ctx)
        hierarchy = await hierarchy_of(ctx, request.customer_id, limit=_MEMBERS)
        return rpc.AccountSummary(
            as_of=as_of,
            profile=await _profile(ctx, request.customer_id, hierarchy),
            group=await _group(ctx, request.customer_id, hierarchy),
            account_team=await _account_team(ctx, request.customer_id, hierarchy),
            contacts=await _contacts(ctx, request.customer_id),
        )


async def _profile(ctx: Ctx, customer_id: str, hierarchy: Hierarchy) -> rpc.ProfileSection:
    """Who the customer is; empty for a caller who sees only members below it."""
    customer = next((each for each in hierarchy.members if each.id == customer_id), None)
    if customer is None:
        return rpc.ProfileSection()
    names = await org_names(ctx, [customer.department_id, customer.region_id])
    owner = select(Staff.display_name).where(Staff.id == customer.owner_id)
    changes = (
        select(LifecycleChange)
        .where(LifecycleChange.customer_id == customer_id)
        .order_by(LifecycleChange.change_time.desc(), LifecycleChange.id.desc())
        .limit(_LINES)
    )
    return rpc.ProfileSection(
        customer=_without_sensitive(customer),
        department_display_name=names.get(customer.department_id, ""),
        region_display_name=names.get(customer.region_id, ""),
        owner_display_name=(await ctx.session.execute(owner)).scalar_one_or_none() or "",
        classifications=await _classifications(ctx, customer),
        lifecycle_changes=lifecycle_change_map.to_messages((await ctx.session.execute(changes)).scalars()),
    )


def _without_sensitive(customer: Customer) -> pb.Customer:
    """The view is prepared once for many readers, so that it holds nothing whose reading is audited."""
    message = customer_map.to_message(customer)
    for name in _SENSITIVE:
        message.clear_field(name)
    return message


async def _classifications(ctx: Ctx, customer: Customer) -> list[rpc.ProfileClassification]:
    query = (
        select(CustomerClassification, ClassificationNode, ClassificationDimension)
        .join(ClassificationNode, ClassificationNode.id == CustomerClassification.node_id)
        .join(ClassificationDimension, ClassificationDimension.id == CustomerClassification.dimension_id)
        .where(CustomerClassification.customer_id == customer.id)
        .order_by(
            ClassificationDimension.code, CustomerClassification.primary.desc(), ClassificationNode.code
        )
    )
    rows = [row for row in await ctx.session.execute(query) if row[0].covers(ctx.clock.today())]
    steps = {step for _, node, _ in rows for step in node.ancestor_ids}
    names = select(ClassificationNode.id, ClassificationNode.display_name).where(
        ClassificationNode.id.in_(steps)
    )
    by_id = {row.id: row.display_name for row in await ctx.session.execute(names)} if steps else {}
    return [
        rpc.ProfileClassification(
            dimension_id=dimension.id,
            dimension_display_name=dimension.display_name,
            node_id=node.id,
            node_display_name=node.display_name,
            path=[by_id.get(step, "") for step in node.ancestor_ids],
            primary=assignment.primary,
        )
        for assignment, node, dimension in rows
    ]


async def _group(ctx: Ctx, customer_id: str, hierarchy: Hierarchy) -> rpc.GroupSection:
    rows = hierarchy.slices
    names = await _place_names(ctx, rows)
    return rpc.GroupSection(
        group_id=hierarchy.members[0].group_id,
        totals=rpc.GroupTotals(
            member_count=hierarchy.member_count,
            department_count=len({row.department_id for row in rows if row.department_id}),
            region_count=len({row.region_id for row in rows if row.region_id}),
            key_account_count=sum(row.key_account_count for row in rows),
        ),
        by_department=slices(rows, "department_id", names=names, count="member_count"),
        by_region=slices(rows, "region_id", names=names, count="member_count"),
        members=[member_message(member, customer_id) for member in hierarchy.members],
    )


async def _account_team(ctx: Ctx, customer_id: str, hierarchy: Hierarchy) -> rpc.AccountTeamSection:
    """The teams of the customer, of those above it and of those below it that the caller sees."""
    above = hierarchy.members[0].ancestor_ids
    path = above[: above.index(customer_id) + 1]
    places = (
        select(AccountTeamMember)
        .where(
            AccountTeamMember.customer_id.in_(path)
            | AccountTeamMember.customer_id.in_(account_members(customer_id))
        )
        .options(selectinload(AccountTeamMember.staff))
        .order_by(AccountTeamMember.create_time, AccountTeamMember.id)
    )
    members = (await ctx.session.execute(places)).scalars().all()
    people = {member.staff_id: member.staff for member in members}
    by_place = (
        select(Staff.department_id, Staff.region_id, func.count().label("member_count"))
        .where(Staff.id.in_(people))
        .group_by(Staff.department_id, Staff.region_id)
    )
    rows = (await ctx.session.execute(by_place)).all()
    names = await _place_names(ctx, rows)
    return rpc.AccountTeamSection(
        totals=rpc.AccountTeamTotals(member_count=len(people)),
        by_department=slices(rows, "department_id", names=names, count="member_count"),
        by_region=slices(rows, "region_id", names=names, count="member_count"),
        members=[_team_member(member) for member in members[:_TEAM]],
    )


def _team_member(member: AccountTeamMember) -> rpc.TeamMember:
    return rpc.TeamMember(
        staff_id=member.staff_id,
        display_name=member.staff.display_name,
        title=member.staff.title,
        email=member.staff.email,
        role=member.role,
        customer_id=member.customer_id,
        department_id=member.staff.department_id,
        region_id=member.staff.region_id,
    )


async def _contacts(ctx: Ctx, customer_id: str) -> rpc.ContactsSection:
    inside = Contact.customer_id.in_(account_members(customer_id))
    counts = (
        select(Contact.department_id, Contact.region_id, func.count().label("contact_count"))
        .where(inside)
        .group_by(Contact.department_id, Contact.region_id)
    )
    rows = (await ctx.session.execute(counts)).all()
    names = await _place_names(ctx, rows)
    latest = (
        select(Contact)
        .where(inside)
        .options(selectinload(Contact.affiliations))
        .order_by(Contact.update_time.desc(), Contact.id)
        .limit(_LINES)
    )
    contacts = (await ctx.session.execute(latest)).scalars().all()
    return rpc.ContactsSection(
        totals=rpc.ContactsTotals(contact_count=sum(row.contact_count for row in rows)),
        by_department=slices(rows, "department_id", names=names, count="contact_count"),
        by_region=slices(rows, "region_id", names=names, count="contact_count"),
        contacts=await _contact_lines(ctx, contacts),
    )


async def _contact_lines(ctx: Ctx, contacts: Sequence[Contact]) -> list[rpc.ContactLine]:
    employers = select(Customer.id, Customer.display_name).where(
        Customer.id.in_({contact.customer_id for contact in contacts})
    )
    names = {row.id: row.display_name for row in await ctx.session.execute(employers)} if contacts else {}
    return [
        rpc.ContactLine(
            contact_id=contact.id,
            display_name=contact.display_name,
            customer_id=contact.customer_id,
            customer_display_name=names.get(contact.customer_id, ""),
            department_name=contact.affiliation.department_name if contact.affiliation else "",
            title=contact.affiliation.title if contact.affiliation else "",
            phones=contact.phones,
            emails=contact.emails,
        )
        for contact in contacts
    ]


async def _place_names(ctx: Ctx, rows: Iterable[Any]) -> dict[str, str]:
    return await org_names(ctx, [place for row in rows for place in (row.department_id, row.region_id)])
