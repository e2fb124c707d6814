"""gRPC face of contacts."""

from __future__ import annotations

from sqlalchemy import select, true

from facet_contracts.facet.customer.v1 import contact_service_pb as rpc
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_customer.contacts import service
from facet_customer.contacts.model import Contact, affiliation_map, contact_map, listed
from facet_kit.context import Ctx
from facet_kit.errors import Forbidden
from facet_kit.filtering import Source, TreeField, descendants
from facet_kit.mapping import parse_date
from facet_kit.paging import ListSpec
from facet_kit.refs import OrgRef
from facet_kit.summary import account_members

_ORDER = ("display_name", "create_time", "update_time")

_OPEN_FIELDS: dict[str, Source] = {
    "id": Contact.id,
    "display_name": Contact.display_name,
    "customer_id": Contact.customer_id,
    "group": TreeField(
        member=lambda customer_id: Contact.customer_id == customer_id,
        subtree=lambda top_id: Contact.customer_id.in_(account_members(top_id)),
        present=true(),
    ),
}
_FIELDS: dict[str, Source] = _OPEN_FIELDS | {
    "department_id": descendants(Contact.department_id, node=OrgRef.id, ancestors=OrgRef.ancestor_ids),
    "region_id": descendants(Contact.region_id, node=OrgRef.id, ancestors=OrgRef.ancestor_ids),
    "language_code": Contact.language_code,
    "portal_subject": Contact.portal_subject,
}

contact_list = ListSpec(Contact, fields=_FIELDS, order=_ORDER, custom_fields=True)
open_contact_list = ListSpec(Contact, fields=_OPEN_FIELDS, order=_ORDER)


class ContactApi:
    """Contacts."""

    service = "facet.customer.v1.ContactService"

    async def create_contact(self, request: rpc.CreateContactRequest, ctx: Ctx) -> pb.Contact:
        return contact_map.to_message(await service.create(ctx, request.contact or pb.Contact()))

    async def get_contact(self, request: rpc.GetContactRequest, ctx: Ctx) -> pb.Contact:
        contact = await ctx.get(Contact, request.contact_id, options=service.WITH_AFFILIATIONS)
        message = contact_map.to_message(contact)
        day = parse_date(request.as_of, "as_of")
        if day is not None:
            if not ctx.principal.internal:
                raise Forbidden(
                    "HISTORY_INTERNAL", "Where a person worked when is not shown outside. Leave out as_of."
                )
            then = contact.affiliation_on(day)
            message.affiliation = affiliation_map.to_message(then) if then else None
        return message

    async def list_contacts(self, request: rpc.ListContactsRequest, ctx: Ctx) -> rpc.ListContactsResponse:
        spec = contact_list if ctx.principal.internal else open_contact_list
        query = select(Contact).options(*service.WITH_AFFILIATIONS)
        rows, token = await spec.page(ctx, request, query)
        return rpc.ListContactsResponse(contacts=listed(rows), next_page_token=token)

    async def update_contact(self, request: rpc.UpdateContactRequest, ctx: Ctx) -> pb.Contact:
        message = request.contact or pb.Contact()
        return contact_map.to_message(await service.update(ctx, message, request.update_mask, request.etag))

    async def change_affiliation(self, request: rpc.ChangeAffiliationRequest, ctx: Ctx) -> pb.Contact:
        return contact_map.to_message(await service.change_affiliation(ctx, request))

    async def add_affiliation(self, request: rpc.AddAffiliationRequest, ctx: Ctx) -> pb.Contact:
        return contact_map.to_message(await service.add_affiliation(ctx, request))

    async def end_affiliation(self, request: rpc.EndAffiliationRequest, ctx: Ctx) -> pb.Contact:
        return contact_map.to_message(await service.end_affiliation(ctx, request))
