"""Use cases of the service history."""

from __future__ import annotations

from protobuf.wkt import FieldMask
from sqlalchemy import select

from facet_contracts.facet.service_desk.v1 import events_pb as events
from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_kit.context import Ctx
from facet_kit.entry import known_unit, require_fields, require_filled
from facet_kit.errors import Invalid
from facet_kit.paging import ListSpec
from facet_kit.refs import CustomerRef
from facet_service_desk.assets.service import asset_of
from facet_service_desk.entry import home, known_staff
from facet_service_desk.records.mapping import record_map
from facet_service_desk.records.model import ServiceRecord
from facet_service_desk.tickets.model import Ticket

record_list = ListSpec(
    ServiceRecord,
    fields={
        "customer_id": ServiceRecord.customer_id,
        "ticket_id": ServiceRecord.ticket_id,
        "asset_id": ServiceRecord.asset_id,
        "engineer_id": ServiceRecord.engineer_id,
        "kind": ServiceRecord.kind,
        "department_id": ServiceRecord.department_id,
        "region_id": ServiceRecord.region_id,
        "start_time": ServiceRecord.start_time,
        "end_time": ServiceRecord.end_time,
    },
    order=("start_time",),
    default_order="start_time desc",
)
_EDITABLE = ("kind", "engineer_id", "start_time", "end_time", "work_done", "department_id", "region_id")


async def create_record(ctx: Ctx, asked: pb.ServiceRecord) -> ServiceRecord:
    """Records a piece of service; by the caller himself when no engineer is named.

    Raises:
        Invalid: a field is missing or wrong, or a reference is unknown or another customer's.
    """
    require_fields(asked, ("customer_id", "kind", "start_time"), prefix="service_record")
    customer = await ctx.customer(asked.customer_id)
    record = ServiceRecord(**record_map.values(asked))
    record.engineer_id = await known_staff(
        ctx, asked.engineer_id or ctx.principal.person_id, field="service_record.engineer_id"
    )
    record.department_id, record.region_id = await home(ctx, asked.department_id, asked.region_id, customer)
    asset = await asset_of(ctx, asked.asset_id, customer, field="service_record.asset_id")
    if asset is not None and not asked.region_id:
        record.region_id = asset.region_id or record.region_id
    await _known_ticket(ctx, asked.ticket_id, customer)
    record.check()
    ctx.add(record)
    record.record(lambda: events.ServiceRecordCreated(service_record=record_map.to_message(record)))
    await ctx.flush()
    return record


async def _known_ticket(ctx: Ctx, ticket_id: str, customer: CustomerRef) -> None:
    if not ticket_id:
        return
    query = select(Ticket.id).where(Ticket.id == ticket_id, Ticket.customer_id == customer.customer_id)
    if (await ctx.session.execute(query)).scalar_one_or_none() is None:
        message = f"The customer has no ticket {ticket_id!r} that you may see."
        raise Invalid("TICKET_UNKNOWN", message, field="service_record.ticket_id")


async def update_record(
    ctx: Ctx, asked: pb.ServiceRecord, mask: FieldMask | None, etag: str
) -> ServiceRecord:
    """Completes or corrects a record.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Invalid: the mask names a field that cannot be changed, or a value is wrong.
    """
    record = await ctx.get(ServiceRecord, asked.id, etag=etag, for_update=True)
    with ctx.session.no_autoflush:
        changed = record_map.apply(record, asked, mask, allowed=_EDITABLE, prefix="service_record.")
        # A mask may name a field that the message leaves unset.
        require_filled(record, ["start_time"], prefix="service_record")
        record.check()
        if "engineer_id" in changed:
            await known_staff(ctx, record.engineer_id, field="service_record.engineer_id")
        if "department_id" in changed:
            await known_unit(ctx, record.department_id, "department", field="service_record.department_id")
        if "region_id" in changed:
            await known_unit(ctx, record.region_id, "region", field="service_record.region_id")
    if changed:
        names = sorted(changed)
        record.record(
            lambda: events.ServiceRecordUpdated(
                service_record=record_map.to_message(record), changed_fields=names
            )
        )
    await ctx.flush()
    return record
