"""Between entities and contract messages, by name, so that a field is declared once and mapped nowhere.

str, int, bool, float and enums map as they are; datetime ↔ Timestamp, date ↔ "YYYY-MM-DD", dict ↔ Struct, and a Money
field `total` ↔ the attributes `total_amount` and `total_currency` (or `currency`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Generic, TypeVar

from protobuf import (
    DescField,
    DescFieldValueEnum,
    DescFieldValueList,
    DescFieldValueMessage,
    DescFieldValueScalar,
    Message,
    ScalarType,
)
from protobuf.wkt import FieldMask, Struct, Timestamp
from sqlalchemy import inspect

from facet_contracts.facet.type.v1.money_pb import Money
from facet_contracts.google.api.field_behavior_pb import FieldBehavior, ext_field_behavior
from facet_kit.database.base import Base
from facet_kit.errors import Invalid
from facet_kit.money import from_money, to_money

EntityT = TypeVar("EntityT", bound=Base)
MessageT = TypeVar("MessageT", bound=Message[Any])
Compute = Callable[[Any], object]

_TIMESTAMP = "google.protobuf.Timestamp"
_STRUCT = "google.protobuf.Struct"
_MONEY = "facet.type.v1.Money"


class Mapper(Generic[EntityT, MessageT]):
    """Maps one entity class to one message class and back.

    Args:
        compute: fields that no attribute holds: name → function of the entity that gives the message's value.
        nested: message fields mapped by another mapper: name → mapper (single or repeated).
    """

    def __init__(
        self,
        entity: type[EntityT],
        message: type[MessageT],
        *,
        compute: Mapping[str, Compute] | None = None,
        nested: Mapping[str, Mapper[Any, Any]] | None = None,
    ) -> None:
        self._entity = entity
        self._message = message
        self._nested = dict(nested or {})
        self._compute = dict(compute or {})
        self._fields = {field.name: field for field in message.desc().fields}
        self._readers: list[tuple[str, Compute]] | None = None

    def to_message(self, entity: EntityT) -> MessageT:
        """The message for an entity whose changes have been flushed (see Ctx.flush)."""
        state = inspect(entity)
        if state.session is not None and (state.pending or state.modified):
            raise RuntimeError(
                f"flush before mapping a {type(entity).__name__}: its etag and update time are not final"
            )
        if self._readers is None:
            self._readers = [(name, self._reader(field)) for name, field in self._fields.items()]
        values = {name: value for name, read in self._readers if (value := read(entity)) is not None}
        return self._message(**values)

    def to_messages(self, entities: Iterable[EntityT]) -> list[MessageT]:
        """The messages for many entities."""
        return [self.to_message(entity) for entity in entities]

    def _reader(self, field: DescField) -> Compute:
        name = field.name
        if name in self._compute:
            return self._compute[name]
        if name in self._nested:
            return _nested_reader(name, self._nested[name])
        value = field.value
        if isinstance(value, DescFieldValueMessage):
            return self._message_reader(name, value.message.type_name)
        if not hasattr(self._entity, name):
            raise TypeError(
                f"{self._message.__name__}.{name} has no attribute on {self._entity.__name__}: map or compute it"
            )
        if isinstance(value, DescFieldValueScalar) and value.scalar is ScalarType.STRING:
            return _text_reader(name)
        return _plain_reader(name)

    def _message_reader(self, name: str, type_name: str) -> Compute:
        if type_name == _MONEY:
            return self._money_reader(name)
        if not hasattr(self._entity, name):
            raise TypeError(
                f"{self._message.__name__}.{name} has no attribute on {self._entity.__name__}: map or compute it"
            )
        if type_name == _TIMESTAMP:
            return lambda entity: (
                None if (at := getattr(entity, name)) is None else Timestamp.from_datetime(at)
            )
        if type_name == _STRUCT:
            return lambda entity: Struct.from_python(getattr(entity, name) or {})
        return _plain_reader(name)

    def _money_reader(self, name: str) -> Compute:
        amount_name, currency_name = f"{name}_amount", self._currency_of(name)

        def read(entity: Any) -> Money | None:
            amount: Decimal | None = getattr(entity, amount_name)
            return None if amount is None else to_money(amount, getattr(entity, currency_name))

        if not hasattr(self._entity, amount_name):
            raise TypeError(
                f"{self._message.__name__}.{name} has no attribute {amount_name} on {self._entity.__name__}"
            )
        return read

    def _currency_of(self, name: str) -> str:
        own = f"{name}_currency"
        return own if hasattr(self._entity, own) else "currency"

    def values(
        self, message: MessageT, *, only: Collection[str] | None = None, prefix: str = ""
    ) -> dict[str, Any]:
        """Column values of the message's writable fields, for the entity's constructor; nested fields are left out.

        Raises:
            Invalid: a value cannot be a date or an amount of money; names the field.
        """
        found: dict[str, Any] = {}
        for name, field in self._fields.items():
            if (only is not None and name not in only) or name in self._nested or name in self._compute:
                continue
            if _has_behaviour(field, FieldBehavior.OUTPUT_ONLY):
                continue
            found |= self._column_values(message, field, prefix)
        return found

    def _column_values(self, message: MessageT, field: DescField, prefix: str) -> dict[str, Any]:
        name, path = field.name, f"{prefix}{field.name}"
        value = getattr(message, field.local_name)
        kind = field.value
        if isinstance(kind, DescFieldValueMessage):
            return self._message_values(name, kind.message.type_name, value, path)
        if not hasattr(self._entity, name):
            return {}
        if isinstance(kind, DescFieldValueScalar) and isinstance(value, str):
            return {name: self._from_text(name, value, path)}
        if isinstance(kind, DescFieldValueEnum) and value == 0:
            return {}  # UNSPECIFIED leaves the column's default
        if field.proto.proto3_optional and not message.has_field(name):
            return {name: None} if self._is_nullable(name) else {}
        return {name: list(value) if isinstance(kind, DescFieldValueList) else value}

    def _is_nullable(self, name: str) -> bool:
        column = inspect(self._entity).columns.get(name)
        return column is not None and bool(column.nullable)

    def _message_values(self, name: str, type_name: str, value: Any, path: str) -> dict[str, Any]:
        if type_name == _MONEY:
            if value is None:
                return {}
            amount, currency = from_money(value, path)
            return {f"{name}_amount": amount, self._currency_of(name): currency}
        if not hasattr(self._entity, name):
            return {}
        if type_name == _TIMESTAMP:
            return {name: None if value is None else value.to_datetime()}
        if type_name == _STRUCT:
            return {name: {} if value is None else value.to_python()}
        return {}

    def _from_text(self, name: str, text: str, path: str) -> object:
        column = inspect(self._entity).columns.get(name)
        wanted = str if column is None else column.type.python_type
        if wanted is date:
            return parse_date(text, path)
        if wanted is Decimal:
            return parse_decimal(text, path)
        return text

    def apply(
        self,
        entity: EntityT,
        message: MessageT,
        update_mask: FieldMask | None,
        *,
        allowed: Collection[str],
        prefix: str = "",
    ) -> set[str]:
        """Applies a PATCH and returns the names of the fields that changed.

        An empty mask stands for every populated field of `allowed`. Output-only fields are ignored (AIP-203).

        Raises:
            Invalid: the mask names an unknown field, or one that cannot be changed; nothing has changed then.
        """
        paths = list(update_mask.paths) if update_mask else []
        names = self._masked(paths, allowed) if paths else self._populated(message, allowed)
        changed: set[str] = set()
        for name in names:
            for attribute, value in self.values(message, only=(name,), prefix=prefix).items():
                if getattr(entity, attribute) != value:
                    setattr(entity, attribute, value)
                    changed.add(name)
        return changed

    def _masked(self, paths: Sequence[str], allowed: Collection[str]) -> list[str]:
        if "*" in paths:
            return list(allowed)
        names: list[str] = []
        wrong: list[tuple[str, str]] = []
        for path in paths:
            field = self._fields.get(path.split(".")[0])
            if field is None:
                wrong.append(
                    (
                        "update_mask",
                        f"{path!r} is no field; these can be changed: {', '.join(sorted(allowed))}",
                    )
                )
            elif _has_behaviour(field, FieldBehavior.OUTPUT_ONLY):
                continue
            elif field.name not in allowed:
                wrong.append(
                    (
                        "update_mask",
                        f"{path!r} cannot be changed here; these can: {', '.join(sorted(allowed))}",
                    )
                )
            else:
                names.append(field.name)
        if wrong:
            raise Invalid.many(wrong, reason="UPDATE_MASK")
        return names

    def _populated(self, message: MessageT, allowed: Collection[str]) -> list[str]:
        return [name for name in allowed if name in self._fields and message.has_field(name)]


def parse_date(text: str, field: str) -> date | None:
    """A calendar date from `YYYY-MM-DD`; None for the empty text.

    Raises:
        Invalid: no such day; names the field.
    """
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid("DATE", f"{text!r} is no calendar date; write YYYY-MM-DD", field=field) from None


def parse_decimal(text: str, field: str) -> Decimal | None:
    """A finite decimal number from text; None for the empty text.

    Raises:
        Invalid: no such number; names the field.
    """
    if not text:
        return None
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise Invalid("DECIMAL", f"{text!r} is no decimal number; write it like 12.5", field=field)
    return number


def _has_behaviour(field: DescField, behaviour: FieldBehavior) -> bool:
    options = field.proto.options
    return options is not None and behaviour in options[ext_field_behavior]


def _plain_reader(name: str) -> Compute:
    def read(entity: Any) -> object:
        value = getattr(entity, name)
        return float(value) if isinstance(value, Decimal) else value

    return read


def _text_reader(name: str) -> Compute:
    def read(entity: Any) -> object:
        value = getattr(entity, name)
        if isinstance(value, date):
            return value.isoformat()
        return format(value.normalize(), "f") if isinstance(value, Decimal) else value

    return read


def _nested_reader(name: str, mapper: Mapper[Any, Any]) -> Compute:
    def read(entity: Any) -> object:
        value = getattr(entity, name)
        if value is None or isinstance(value, Base):
            return None if value is None else mapper.to_message(value)
        return mapper.to_messages(value)

    return read
