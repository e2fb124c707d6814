"""Checks the custom fields of what a caller saves, and hides from a caller what he may not see."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import event, inspect
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from facet_kit.context import Ctx
from facet_kit.custom_fields.catalogue import definitions
from facet_kit.custom_fields.values import is_unset, normalised
from facet_kit.database.base import CustomFields
from facet_kit.errors import Invalid
from facet_kit.naming import resource_name
from facet_kit.principal import Principal

_PENDING: Final = "custom_fields_pending"  # keys of session.info
_SETTLED: Final = "custom_fields_settled"


@dataclass(frozen=True, slots=True)
class _Pending:
    """An entity whose custom fields are not checked yet, and what they were."""

    entity: CustomFields
    before: Mapping[str, Any]


async def validate(
    ctx: Ctx, resource: str, values: Mapping[str, Any], *, previous: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The custom fields to store when a caller sets `values` on a resource that has `previous`.

    Fields that the caller does not see keep their value, so that an update by him does not lose them.

    Raises:
        Invalid: one violation for each wrong field, `custom_fields.<name>`.
    """
    known = await definitions(ctx.session, resource)
    before = previous or {}
    seen = {name: each for name, each in known.items() if each.is_visible_to(ctx.principal)}
    kept = {name: value for name, value in before.items() if name not in seen}
    wrong: list[tuple[str, str]] = [
        (f"custom_fields.{name}", f"{resource} has no custom field {name} that you may set")
        for name, value in values.items()
        if name not in seen and value != before.get(name)
    ]
    for name, definition in seen.items():
        value = values.get(name)
        if is_unset(value):
            if definition.required:
                wrong.append((f"custom_fields.{name}", "this field is required"))
            continue
        try:
            kept[name] = value if value == before.get(name) else normalised(definition, value)
        except ValueError as error:
            wrong.append((f"custom_fields.{name}", str(error)))
    if wrong:
        raise Invalid.many(wrong, reason="INVALID_CUSTOM_FIELD")
    return kept


def install_custom_fields(session_class: type[Session]) -> None:
    """Has sessions of this class remember whose custom fields were flushed unchecked (a query flushes before it runs)
    for `settle_custom_fields`."""
    event.listen(session_class, "before_flush", _collect)


async def settle_custom_fields(ctx: Ctx) -> None:
    """Validates the custom fields of every entity that is new or whose custom fields changed, and stores them
    normalised. To be called before a transaction's flushes and again before its commit.

    Raises:
        Invalid: as `validate` does.
    """
    session = ctx.session.sync_session
    _collect(session)
    pending: dict[int, _Pending] = session.info.pop(_PENDING, {})
    settled: dict[int, dict[str, Any]] = session.info.setdefault(_SETTLED, {})
    for pend in pending.values():
        entity = pend.entity
        wanted = entity.custom_fields or {}
        values = await validate(ctx, resource_name(type(entity)), wanted, previous=pend.before)
        settled[id(entity)] = values
        if values != wanted:
            entity.custom_fields = values


def _collect(session: Session, *_flush: object) -> None:
    pending: dict[int, _Pending] = session.info.setdefault(_PENDING, {})
    settled: dict[int, dict[str, Any]] = session.info.setdefault(_SETTLED, {})
    for entity in [*session.new, *session.dirty]:
        if not isinstance(entity, CustomFields) or settled.get(id(entity)) == (entity.custom_fields or {}):
            continue
        history = inspect(entity).attrs["custom_fields"].history
        if entity in session.new or history.has_changes():
            before: dict[str, Any] = history.deleted[0] if history.deleted and history.deleted[0] else {}
            pending.setdefault(id(entity), _Pending(entity, before))


async def visible(
    session: AsyncSession, principal: Principal, resource: str, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Those custom fields of a resource that the principal may see."""
    if not values:
        return {}
    known = await definitions(session, resource)
    return {
        name: value
        for name, value in values.items()
        if name in known and known[name].is_visible_to(principal)
    }
