"""What every service serves out of the kit, called through the whole pipeline."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import pytest
import pytest_asyncio
from joserfc.jwk import OKPKey
from protobuf.wkt import FieldMask
from sqlalchemy import delete, select

from facet_contracts.facet.platform.v1.audit_service_pb import (
    ListAuditEntriesRequest,
    ListAuditEntriesResponse,
    VerifyAuditChainRequest,
)
from facet_contracts.facet.platform.v1.custom_fields_service_pb import (
    CreateCustomFieldRequest,
    DeleteCustomFieldRequest,
    GetCustomFieldRequest,
    ListCustomFieldsRequest,
    UpdateCustomFieldRequest,
)
from facet_contracts.facet.platform.v1.dead_letters_service_pb import (
    GetDeadLetterRequest,
    ListDeadLettersRequest,
    ReplayDeadLetterRequest,
)
from facet_contracts.facet.platform.v1.operations_service_pb import GetOperationRequest
from facet_contracts.facet.platform.v1.resources_pb import (
    CustomField,
    CustomFieldType,
    DeadLetter,
    DeadLetterState,
    OperationState,
)
from facet_contracts.facet.sales.v1.events_pb import OrderSettled, OrderSubmitted
from facet_kit import operations
from facet_kit.audit import AuditEntry, AuditHead
from facet_kit.context import Ctx
from facet_kit.custom_fields import CustomFieldDefinition
from facet_kit.database.session import Database
from facet_kit.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionMissing, Stale
from facet_kit.messaging.envelope import EventMeta, event_type, from_headers, to_headers
from facet_kit.messaging.handlers import Handlers
from facet_kit.messaging.inbox import Delivery
from facet_kit.messaging.tables import DeadLetterRow
from facet_kit.migrations.commands import asyncpg_url
from facet_kit.server.app import ServiceApp
from facet_kit.settings import KitSettings
from facet_kit.testing.harness import ServiceHarness

from .widgets import REQUEST, Widget, a_widget, staff

ADMIN = staff("admin")
handlers = Handlers()


@handlers.on(OrderSubmitted)
async def _accept(ctx: Ctx, event: OrderSubmitted, meta: EventMeta) -> None:
    assert ctx.principal.full_scope


@handlers.on(OrderSettled)
async def _refuse(ctx: Ctx, event: OrderSettled, meta: EventMeta) -> None:
    raise ValueError("still broken")


@pytest_asyncio.fixture(scope="module")
async def kit(database: Database) -> AsyncGenerator[ServiceHarness]:
    url = database.engine.url.render_as_string(hide_password=False)
    settings = KitSettings(
        database_url=asyncpg_url(url),
        nats_url="nats://127.0.0.1:1",
        principal_jwks=json.dumps({"keys": [OKPKey.generate_key().as_dict(private=False)]}),
        page_token_key="key",
    )
    harness = ServiceHarness(ServiceApp(name="kit", settings=settings, apis=[], handlers=[handlers]))
    yield harness
    await harness.app.database.close()


@pytest_asyncio.fixture(autouse=True)
async def _empty(clean: Database) -> None:
    async with clean.engine.begin() as connection:
        for table in (AuditEntry, AuditHead, DeadLetterRow, CustomFieldDefinition):
            await connection.execute(delete(table))


async def define(kit: ServiceHarness, **fields: object) -> CustomField:
    values = {
        "resource": "widget",
        "name": "note",
        "display_name": "Note",
        "type": CustomFieldType.TEXT,
    } | fields
    request = CreateCustomFieldRequest(service="kit", custom_field=CustomField(**values))
    return await kit.call("CustomFieldsService", "create_custom_field", request, principal=ADMIN)


async def test_a_custom_field_can_be_defined_changed_and_removed(kit: ServiceHarness) -> None:
    made = await define(kit, type=CustomFieldType.NUMBER, min_value=0.0, max_value=5.0)
    assert made.id
    assert made.has_field("min_value")
    changed = await kit.call(
        "CustomFieldsService",
        "update_custom_field",
        UpdateCustomFieldRequest(
            service="kit",
            custom_field=CustomField(id=made.id, display_name="Stars", required=True),
            update_mask=FieldMask(paths=["display_name", "required", "min_value"]),
            etag=made.etag,
        ),
        principal=ADMIN,
    )
    assert (changed.display_name, changed.required, changed.has_field("min_value")) == ("Stars", True, False)
    assert changed.max_value == 5
    listed = await kit.call(
        "CustomFieldsService",
        "list_custom_fields",
        ListCustomFieldsRequest(service="kit", filter='resource = "widget" AND type = NUMBER'),
        principal=ADMIN,
    )
    assert [each.id for each in listed.custom_fields] == [made.id]
    await kit.call(
        "CustomFieldsService",
        "delete_custom_field",
        DeleteCustomFieldRequest(service="kit", custom_field_id=made.id, etag=changed.etag),
        principal=ADMIN,
    )
    with pytest.raises(NotFound):
        await kit.call(
            "CustomFieldsService",
            "get_custom_field",
            GetCustomFieldRequest(service="kit", custom_field_id=made.id),
            principal=ADMIN,
        )
    assert (await define(kit)).id != made.id


async def test_a_name_is_defined_once_per_resource(kit: ServiceHarness) -> None:
    await define(kit)
    with pytest.raises(Conflict):
        await define(kit)


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"resource": "planet"}, "custom_field.resource"),
        ({"resource": ""}, "custom_field.resource"),
        ({"name": ""}, "custom_field.name"),
        ({"display_name": ""}, "custom_field.display_name"),
        ({"type": CustomFieldType.UNSPECIFIED}, "custom_field.type"),
        ({"type": CustomFieldType.CHOICE}, "custom_field.choices"),
        ({"pattern": "("}, "custom_field.pattern"),
        ({"name": "Not A Name"}, "custom_field.name"),
    ],
)
async def test_a_wrong_definition_names_its_fields(
    kit: ServiceHarness, fields: dict[str, object], wrong: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await define(kit, **fields)
    assert wrong in {violation.field for violation in refused.value.violations}


@pytest.mark.parametrize(("etag", "refusal"), [("", PreconditionMissing), ("v99", Stale)])
async def test_a_definition_changes_only_from_its_present_state(
    kit: ServiceHarness, etag: str, refusal: type[Exception]
) -> None:
    made = await define(kit)
    request = UpdateCustomFieldRequest(
        service="kit", custom_field=CustomField(id=made.id, display_name="X"), etag=etag
    )
    with pytest.raises(refusal):
        await kit.call("CustomFieldsService", "update_custom_field", request, principal=ADMIN)


async def test_staff_without_the_permission_define_nothing(kit: ServiceHarness) -> None:
    request = CreateCustomFieldRequest(service="kit", custom_field=CustomField(name="x"))
    with pytest.raises(Forbidden):
        await kit.call(
            "CustomFieldsService", "create_custom_field", request, principal=staff(roles=("sales_rep",))
        )


async def entries(
    kit: ServiceHarness, *, as_: str = "admin", full_scope: bool = True, **fields: object
) -> ListAuditEntriesResponse:
    request = ListAuditEntriesRequest(service="kit", **fields)
    return await kit.call(
        "AuditService", "list_audit_entries", request, principal=staff(as_, full_scope=full_scope)
    )


@pytest.mark.capability("PLT-05")
async def test_the_audit_trail_is_listed_and_proved(kit: ServiceHarness) -> None:
    async with kit.app.database.unit_of_work(ADMIN, REQUEST) as ctx:
        ctx.add(widget := a_widget(name="Old"))
    async with kit.app.database.unit_of_work(ADMIN, REQUEST) as ctx:
        (await ctx.get(Widget, widget.id)).name = "New"
    listed = await entries(kit, filter='resource = "widget"')
    assert [each.action for each in listed.audit_entries] == ["update", "create"]
    update = listed.audit_entries[0]
    assert update.before is not None
    assert update.before.to_python() == {"name": "Old"}
    proof = await kit.call(
        "AuditService", "verify_audit_chain", VerifyAuditChainRequest(service="kit"), principal=ADMIN
    )
    assert (proof.intact, proof.checked_count, proof.head_position) == (True, 2, 2)
    assert [each.position for each in (await entries(kit)).audit_entries] == [2, 1]


async def test_a_limited_scope_sees_the_entries_of_what_it_sees_and_its_own(kit: ServiceHarness) -> None:
    mine, other = a_widget(owner_id="ann"), a_widget(owner_id="bob")
    for author, widget in ((ADMIN, mine), (ADMIN, other), (staff("ann"), a_widget(owner_id="bob"))):
        async with kit.app.database.unit_of_work(author, REQUEST) as ctx:
            ctx.add(widget)
    everything = await entries(kit)
    assert len(everything.audit_entries) == 3
    own = await entries(kit, as_="ann", full_scope=False)
    assert [each.person_id for each in own.audit_entries] == ["ann"]
    seen = await entries(kit, as_="ann", full_scope=False, resource="widget", resource_id=mine.id)
    assert [each.resource_id for each in seen.audit_entries] == [mine.id]
    unseen = await entries(kit, as_="ann", full_scope=False, resource="widget", resource_id=other.id)
    assert not unseen.audit_entries
    with pytest.raises(Invalid):
        await entries(kit, resource_id=mine.id)


async def a_dead_letter(kit: ServiceHarness, event: OrderSubmitted | OrderSettled) -> str:
    """Buries an event as the consumer does, and returns the dead letter's id."""
    kind = event_type(type(event))
    headers = to_headers(
        id=kit.ids.new(),
        source="sales",
        type=kind.type_name,
        aggregate_id="o-1",
        version=1,
        time=datetime(2026, 1, 1, tzinfo=UTC),
        traceparent="",
    )
    delivery = Delivery(from_headers(kind.subject("sales"), headers), event.to_binary())
    await kit.app.processing.bury(delivery, ValueError("broken"), 5)
    async with kit.session() as session:
        query = select(DeadLetterRow.id).where(DeadLetterRow.event_id == delivery.meta.id)
        return (await session.execute(query)).scalar_one()


async def shown(kit: ServiceHarness, id: str) -> DeadLetter:
    request = GetDeadLetterRequest(service="kit", dead_letter_id=id)
    return await kit.call("DeadLettersService", "get_dead_letter", request, principal=ADMIN)


async def test_dead_letters_are_listed_and_shown(kit: ServiceHarness) -> None:
    first, second = await a_dead_letter(kit, OrderSubmitted()), await a_dead_letter(kit, OrderSettled())
    listed = await kit.call(
        "DeadLettersService",
        "list_dead_letters",
        ListDeadLettersRequest(service="kit", filter="subject:settled AND state = OPEN"),
        principal=ADMIN,
    )
    assert [each.id for each in listed.dead_letters] == [second]
    letter = await shown(kit, first)
    assert (letter.state, letter.attempts, letter.error) == (DeadLetterState.OPEN, 5, "ValueError: broken")


async def test_a_replay_that_fails_says_why_and_leaves_the_letter(kit: ServiceHarness) -> None:
    id = await a_dead_letter(kit, OrderSettled())
    request = ReplayDeadLetterRequest(service="kit", dead_letter_id=id)
    with pytest.raises(Conflict, match="still broken") as refused:
        await kit.call("DeadLettersService", "replay_dead_letter", request, principal=ADMIN)
    assert refused.value.reason == "REPLAY_FAILED"
    letter = await shown(kit, id)
    assert (letter.state, letter.attempts) == (DeadLetterState.OPEN, 6)


async def test_a_replay_that_succeeds_settles_the_letter(kit: ServiceHarness) -> None:
    id = await a_dead_letter(kit, OrderSubmitted())
    request = ReplayDeadLetterRequest(service="kit", dead_letter_id=id)
    letter = await kit.call("DeadLettersService", "replay_dead_letter", request, principal=ADMIN)
    assert letter.state is DeadLetterState.REPLAYED
    assert letter.replay_time
    with pytest.raises(Conflict):
        await kit.call("DeadLettersService", "replay_dead_letter", request, principal=ADMIN)


async def test_an_unknown_dead_letter_is_not_found(kit: ServiceHarness) -> None:
    request = ReplayDeadLetterRequest(service="kit", dead_letter_id="nothing")
    with pytest.raises(NotFound):
        await kit.call("DeadLettersService", "replay_dead_letter", request, principal=ADMIN)


async def test_a_request_for_another_service_is_not_answered(kit: ServiceHarness) -> None:
    with pytest.raises(NotFound):
        await kit.call(
            "DeadLettersService",
            "list_dead_letters",
            ListDeadLettersRequest(service="sales"),
            principal=ADMIN,
        )


async def test_an_operation_is_shown(kit: ServiceHarness) -> None:
    async with kit.app.database.unit_of_work(ADMIN, REQUEST) as ctx:
        id = operations.start(ctx, "export", metadata={"rows": 3}).id
    shown = await kit.call(
        "OperationsService", "get_operation", GetOperationRequest(operation_id=id), principal=ADMIN
    )
    assert (shown.id, shown.state, shown.result) == (id, OperationState.RUNNING, None)
    assert shown.metadata is not None
    assert shown.metadata.to_python() == {"rows": 3}
