"""The definitions of one database, remembered for a moment, and the filters over them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakKeyDictionary

from sqlalchemy import Boolean, ColumnElement, Numeric, Text, case, cast, event, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Engine
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from facet_contracts.facet.platform.v1.resources_pb import CustomFieldType
from facet_kit.context import Ctx
from facet_kit.custom_fields.definition import CustomFieldDefinition, Definition
from facet_kit.database.base import Base
from facet_kit.filtering import Comparison, FilterField, Literal, Malformed, Operator, ScalarField
from facet_kit.filtering.fields import TextField, read_boolean, read_date, read_number, read_text
from facet_kit.naming import resource_name

_LIFETIME_SECONDS: Final = 2.0

ByName = Mapping[str, Definition]


@dataclass(slots=True)
class _Catalogue:
    """All definitions of a database, by resource and name, and until when they count as fresh."""

    by_resource: dict[str, dict[str, Definition]] = field(default_factory=dict[str, dict[str, Definition]])
    fresh_until: float = 0.0


# One per engine, so that it ends with the database it was read from.
_catalogues: Final[WeakKeyDictionary[Engine, _Catalogue]] = WeakKeyDictionary()


async def definitions(session: AsyncSession, resource: str) -> ByName:
    """The definitions for a resource by name, inactive ones too; at most two seconds old."""
    catalogue = _catalogues.setdefault(_engine(session.sync_session), _Catalogue())
    if time.monotonic() >= catalogue.fresh_until:
        by_resource: dict[str, dict[str, Definition]] = {}
        with session.no_autoflush:
            rows = (await session.execute(select(CustomFieldDefinition))).scalars().all()
        for row in rows:
            by_resource.setdefault(row.resource, {})[row.name] = Definition.of(row)
        catalogue.by_resource = by_resource
        catalogue.fresh_until = time.monotonic() + _LIFETIME_SECONDS
    return catalogue.by_resource.get(resource, {})


def forget_on_commit(session: AsyncSession) -> None:
    """Has this process read the definitions anew once the session, which changes some, has committed or given up."""

    def forget(ended: Session, _transaction: object = None) -> None:
        _catalogues.pop(_engine(ended), None)

    event.listen(session.sync_session, "after_transaction_end", forget)


def _engine(session: Session) -> Engine:
    return session.get_bind().engine


async def custom_filter_fields(ctx: Ctx, entity: type[Base]) -> dict[str, FilterField]:
    """The custom fields of an entity that the caller sees, for filters, by name."""
    column: ColumnElement[Any] = getattr(entity, "custom_fields").expression  # noqa: B009 - of the mixin, unknown to Base
    known = await definitions(ctx.session, resource_name(entity))
    return {
        name: _filter_field(column, definition)
        for name, definition in known.items()
        if definition.is_visible_to(ctx.principal)
    }


def _filter_field(column: ColumnElement[Any], definition: Definition) -> FilterField:
    name = definition.name
    value: ColumnElement[Any] = column.op("->", return_type=JSONB())(name)
    as_text: ColumnElement[Any] = column.op("->>", return_type=Text())(name)
    match definition.type:
        case CustomFieldType.NUMBER:
            number = case((func.jsonb_typeof(value) == "number", cast(as_text, Numeric)))
            return ScalarField(number, read_number, ordered=True)
        case CustomFieldType.BOOLEAN:
            truth = case((func.jsonb_typeof(value) == "boolean", cast(as_text, Boolean)))
            return ScalarField(truth, read_boolean, ordered=False)
        case CustomFieldType.DATE:
            return ScalarField(as_text, lambda written: read_date(written).isoformat(), ordered=True)
        case CustomFieldType.MULTI_CHOICE:
            return _ChoicesField(column, name)
        case _:
            return _ExactTextField(as_text, read_text, ordered=True, document=column, name=name)


@dataclass(frozen=True)
class _ExactTextField(TextField):
    """Text in a document: equality as containment, which an index over the document serves."""

    document: ColumnElement[Any]
    name: str

    def compared(self, term: Comparison) -> ColumnElement[bool]:
        if term.operator is Operator.EQ and not term.value.is_null:
            return _contains(self.document, self.name, term.value.text)
        return super().compared(term)


@dataclass(frozen=True)
class _ChoicesField:
    """A list of choices in a document: `:` asks for membership, `:*` whether there is any."""

    document: ColumnElement[Any]
    name: str

    def compared(self, term: Comparison) -> ColumnElement[bool]:
        if term.operator is not Operator.HAS:
            raise Malformed(term.position, f"{term.field} is a list: ask with : whether it has a member")
        if term.value.is_any:
            return self.document.op("?", is_comparison=True)(self.name)
        return _contains(self.document, self.name, [_chosen(term.value)])

    def called(self, term: object) -> ColumnElement[bool]:
        raise Malformed(getattr(term, "position", 0), f"custom_fields.{self.name} has no functions")


def _chosen(value: Literal) -> str:
    return value.text


def _contains(document: ColumnElement[Any], name: str, value: object) -> ColumnElement[bool]:
    return document.op("@>", is_comparison=True)(literal({name: value}, JSONB()))
