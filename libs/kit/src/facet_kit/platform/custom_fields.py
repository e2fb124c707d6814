"""Serves the definitions of a service's custom fields."""

from protobuf.wkt import Empty

from facet_contracts.facet.platform.v1 import custom_fields_service_pb as pb
from facet_contracts.facet.platform.v1.resources_pb import CustomField
from facet_kit.context import Ctx
from facet_kit.custom_fields import CustomFieldDefinition, Definition, check_definition, forget_on_commit
from facet_kit.database.base import Base, CustomFields
from facet_kit.errors import Invalid
from facet_kit.mapping import Mapper
from facet_kit.naming import resource_name
from facet_kit.paging import ListSpec
from facet_kit.platform.routing import require_own

_CHANGEABLE = (
    "display_name",
    "required",
    "choices",
    "min_value",
    "max_value",
    "pattern",
    "max_length",
    "visible_roles",
    "inactive",
)
_definitions = ListSpec(
    CustomFieldDefinition,
    fields={
        "resource": CustomFieldDefinition.resource,
        "name": CustomFieldDefinition.name,
        "display_name": CustomFieldDefinition.display_name,
        "type": CustomFieldDefinition.type,
        "inactive": CustomFieldDefinition.inactive,
    },
    order=("resource", "name", "display_name"),
    default_order="resource, name",
)
_definition = Mapper(CustomFieldDefinition, CustomField)


class CustomFieldsApi:
    """The custom fields of this service's resources."""

    service = "facet.platform.v1.CustomFieldsService"

    def __init__(self, name: str) -> None:
        self._name = name

    async def create_custom_field(self, request: pb.CreateCustomFieldRequest, ctx: Ctx) -> CustomField:
        require_own(self._name, request.service)
        wanted = request.custom_field or CustomField()
        definition = CustomFieldDefinition(**_definition.values(wanted))
        _check_identity(definition)
        ctx.add(definition)
        return await _saved(ctx, definition)

    async def get_custom_field(self, request: pb.GetCustomFieldRequest, ctx: Ctx) -> CustomField:
        require_own(self._name, request.service)
        return _definition.to_message(await ctx.get(CustomFieldDefinition, request.custom_field_id))

    async def list_custom_fields(
        self, request: pb.ListCustomFieldsRequest, ctx: Ctx
    ) -> pb.ListCustomFieldsResponse:
        require_own(self._name, request.service)
        rows, token = await _definitions.page(ctx, request)
        return pb.ListCustomFieldsResponse(custom_fields=_definition.to_messages(rows), next_page_token=token)

    async def update_custom_field(self, request: pb.UpdateCustomFieldRequest, ctx: Ctx) -> CustomField:
        require_own(self._name, request.service)
        wanted = request.custom_field or CustomField()
        definition = await ctx.get(CustomFieldDefinition, wanted.id, etag=request.etag)
        _definition.apply(
            definition, wanted, request.update_mask, allowed=_CHANGEABLE, prefix="custom_field."
        )
        return await _saved(ctx, definition)

    async def delete_custom_field(self, request: pb.DeleteCustomFieldRequest, ctx: Ctx) -> Empty:
        require_own(self._name, request.service)
        definition = await ctx.get(CustomFieldDefinition, request.custom_field_id, etag=request.etag)
        definition.delete_time = ctx.clock.now()
        forget_on_commit(ctx.session)
        return Empty()


async def _saved(ctx: Ctx, definition: CustomFieldDefinition) -> CustomField:
    wrong = check_definition(Definition.of(definition))
    if wrong:
        raise Invalid.many([(f"custom_field.{field}", message) for field, message in wrong])
    forget_on_commit(ctx.session)
    await ctx.flush()
    return _definition.to_message(definition)


def _check_identity(definition: CustomFieldDefinition) -> None:
    extensible = sorted(
        resource_name(each.class_) for each in Base.registry.mappers if issubclass(each.class_, CustomFields)
    )
    wrong: list[tuple[str, str]] = []
    if definition.resource not in extensible:
        wrong.append(("custom_field.resource", f"resources that take custom fields: {', '.join(extensible)}"))
    if not definition.name:
        wrong.append(("custom_field.name", "give the field a name"))
    if not definition.display_name:
        wrong.append(("custom_field.display_name", "give the field a name for people"))
    if wrong:
        raise Invalid.many(wrong)
