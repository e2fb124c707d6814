"""Serves a service's audit trail, and proof that nobody has tampered with it."""

from protobuf.wkt import Struct
from sqlalchemy import Select, select

from facet_contracts.facet.platform.v1 import audit_service_pb as pb
from facet_contracts.facet.platform.v1.resources_pb import AuditEntry as AuditEntryMessage
from facet_kit.audit import AuditEntry
from facet_kit.audit_chain import seal_all, verify
from facet_kit.context import Ctx
from facet_kit.database.base import Aggregate, Base
from facet_kit.errors import Invalid
from facet_kit.mapping import Mapper
from facet_kit.naming import resource_name
from facet_kit.paging import ListSpec
from facet_kit.platform.routing import require_own

_entries = ListSpec(
    AuditEntry,
    fields={
        "principal_id": AuditEntry.principal_id,
        "principal_kind": AuditEntry.principal_kind,
        "person_id": AuditEntry.person_id,
        "action": AuditEntry.action,
        "resource": AuditEntry.resource,
        "resource_id": AuditEntry.resource_id,
        "via": AuditEntry.via,
        "request_id": AuditEntry.request_id,
        "position": AuditEntry.position,
    },
    order=("seq",),
    default_order="seq desc",
)
_entry = Mapper(
    AuditEntry,
    AuditEntryMessage,
    compute={
        "position": lambda row: row.position or 0,
        "before": lambda row: None if row.before is None else Struct.from_python(row.before),
        "after": lambda row: None if row.after is None else Struct.from_python(row.after),
    },
)


class AuditApi:
    """The audit trail of this service."""

    service = "facet.platform.v1.AuditService"

    def __init__(self, name: str) -> None:
        self._name = name

    async def list_audit_entries(
        self, request: pb.ListAuditEntriesRequest, ctx: Ctx
    ) -> pb.ListAuditEntriesResponse:
        require_own(self._name, request.service)
        rows, token = await _entries.page(ctx, request, await _granted(ctx, request))
        return pb.ListAuditEntriesResponse(audit_entries=_entry.to_messages(rows), next_page_token=token)

    async def verify_audit_chain(
        self, request: pb.VerifyAuditChainRequest, ctx: Ctx
    ) -> pb.VerifyAuditChainResponse:
        require_own(self._name, request.service)
        connection = await ctx.session.connection()
        await seal_all(connection)
        found = await verify(connection, start=request.from_position or 1)
        return pb.VerifyAuditChainResponse(
            intact=found.intact,
            checked_count=found.checked_count,
            broken_position=found.broken_position,
            problem=found.problem,
            next_position=found.next_position,
            head_position=found.head_position,
            head_hash=found.head_hash,
        )


async def _granted(ctx: Ctx, request: pb.ListAuditEntriesRequest) -> Select[AuditEntry]:
    """All entries with full scope; else those of a resource that the caller sees, or what he did himself."""
    query = select(AuditEntry)
    if request.resource_id and not request.resource:
        raise Invalid("RESOURCE_MISSING", "say which kind of resource resource_id names", field="resource")
    if request.resource:
        query = query.where(AuditEntry.resource == request.resource)
    if request.resource_id:
        query = query.where(AuditEntry.resource_id == request.resource_id)
    if ctx.principal.full_scope or await _sees(ctx, request.resource, request.resource_id):
        return query
    return query.where(AuditEntry.person_id == ctx.principal.person_id)


async def _sees(ctx: Ctx, resource: str, id: str) -> bool:
    named = (each.class_ for each in Base.registry.mappers if resource_name(each.class_) == resource)
    entity = next(named, None)
    if not id or entity is None or not issubclass(entity, Aggregate) or entity.__scope__ is None:
        return False
    found = select(entity.id).where(entity.id == id)
    return (await ctx.session.execute(found)).scalar_one_or_none() is not None
