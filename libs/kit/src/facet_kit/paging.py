"""Lists: filter, order, keyset pages and their limits, declared once a resource (AIP-132, AIP-158)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from protobuf import Message
from sqlalchemy import ColumnElement, Select, and_, false, inspect, literal, or_, select, tuple_
from sqlalchemy import types as sql

from facet_kit.context import Ctx
from facet_kit.custom_fields import custom_filter_fields
from facet_kit.database.base import Base
from facet_kit.errors import Invalid
from facet_kit.filtering import FilterField, Source, compile_filter, snake_case, uses_custom_fields
from facet_kit.filtering.fields import column_of, enum_of
from facet_kit.page_tokens import issue_token, read_token
from facet_kit.server.masking import selectable

E = TypeVar("E", bound=Base)

DEFAULT_SIZE: Final = 50
MAX_SIZE: Final = 200
_MAX_ORDER_FIELDS: Final = 5
_STANDARD: Final = ("id", "create_time", "update_time")

_MaySelect = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class Order:
    """One field of an order. As in PostgreSQL, unset values are the largest: last ascending, first descending."""

    name: str
    column: ColumnElement[Any]
    descending: bool
    nullable: bool

    def clause(self) -> ColumnElement[Any]:
        return self.column.desc() if self.descending else self.column.asc()

    def operand(self, value: object) -> ColumnElement[Any]:
        """The sort value of a token as a parameter of the column's type."""
        type_ = self.column.type
        enum = enum_of(type_)
        if enum is not None and isinstance(value, str):
            return literal(enum[value], type_)
        exact = isinstance(type_, sql.Numeric) and not isinstance(type_, sql.Float)
        return literal(value, sql.Numeric() if exact else type_)

    def is_same(self, value: object) -> ColumnElement[bool]:
        return self.column.is_(None) if value is None else self.column == self.operand(value)

    def is_after(self, value: object) -> ColumnElement[bool]:
        if value is None:
            return self.column.is_not(None) if self.descending else false()
        if self.descending:
            return self.column < self.operand(value)
        after = self.column > self.operand(value)
        return or_(after, self.column.is_(None)) if self.nullable else after


@dataclass(frozen=True)
class ListSpec(Generic[E]):
    """What may be filtered and ordered in the list of an entity.

    `fields` are the fields of filters; `order` names what lists may be ordered by, among them or attributes of the
    entity. Its id, create_time and update_time are always in both. `custom_fields` lets filters name
    `custom_fields.<name>`.
    """

    entity: type[E]
    fields: Mapping[str, Source] = field(default_factory=dict[str, Source])
    order: Sequence[str] = ()
    default_order: str = "create_time desc"
    custom_fields: bool = False

    async def page(
        self, ctx: Ctx, request: Message[Any], query: Select[E] | None = None
    ) -> tuple[list[E], str]:
        """One page of the entities that `query` (all by default) and the request's filter select; the next token.

        The request is a list request: `page_size`, `page_token`, and `filter`, `order_by` where it has them. Row
        scope and soft deletion are the session's. What the caller does not see in the answer he cannot filter or
        order by. Keyset: rows that come and go between pages move no other row.

        Raises:
            Invalid: page_size, page_token, filter or order_by, by name.
        """
        size = page_size(request)
        may_select = selectable(type(request), ctx.principal)
        orders = self._orders(getattr(request, "order_by", ""), may_select)
        condition = await self._condition(ctx, request, may_select)
        statement = (select(self.entity) if query is None else query).where(condition)
        token: str = getattr(request, "page_token", "")
        if token:
            statement = statement.where(_beyond(orders, read_token(ctx, request, token)))
        statement = statement.order_by(None).order_by(*(each.clause() for each in orders)).limit(size + 1)
        keyed: Select[Any] = statement.add_columns(*(each.column for each in orders))
        rows = (await ctx.session.execute(keyed)).all()
        more = len(rows) > size
        entities: list[E] = [row[0] for row in rows[:size]]
        return entities, issue_token(ctx, request, rows[size - 1][1:]) if more else ""

    async def _condition(
        self, ctx: Ctx, request: Message[Any], may_select: _MaySelect
    ) -> ColumnElement[bool]:
        text: str = getattr(request, "filter", "")
        custom: Callable[[str], FilterField | None] | None = None
        if self.custom_fields:
            needed = uses_custom_fields(text)
            known = await custom_filter_fields(ctx, self.entity) if needed else dict[str, FilterField]()
            custom = known.get
        fields = {name: source for name, source in self._all_fields().items() if may_select(name)}
        return compile_filter(text, fields, custom=custom)

    def _all_fields(self) -> Mapping[str, Source]:
        standard = {name: getattr(self.entity, name) for name in _STANDARD if hasattr(self.entity, name)}
        return standard | dict(self.fields)

    def _orders(self, text: str, may_select: _MaySelect) -> list[Order]:
        """The order asked for, or the default, made total by the primary key in the direction of the last field."""
        offered = (
            [name for name in self._orderable() if may_select(name)] if text.strip() else self._orderable()
        )
        wanted = [part.split() for part in (text.strip() or self.default_order).split(",")]
        if len(wanted) > _MAX_ORDER_FIELDS:
            raise _refusal(f"a list is ordered by at most {_MAX_ORDER_FIELDS} fields", offered)
        orders: list[Order] = []
        for words in wanted:
            match words:
                case [name] | [name, "asc"]:
                    orders.append(self._order(name, offered, descending=False))
                case [name, "desc"]:
                    orders.append(self._order(name, offered, descending=True))
                case _:
                    asked = " ".join(words)
                    raise _refusal(f'expected "field", "field asc" or "field desc", found "{asked}"', offered)
        if len({each.name for each in orders}) < len(orders):
            raise _refusal("a field is named twice", offered)
        key = inspect(self.entity).primary_key[0]
        if key.name not in {each.name for each in orders}:
            orders.append(Order(key.name, key, orders[-1].descending, nullable=False))
        return orders

    def _order(self, name: str, offered: Sequence[str], *, descending: bool) -> Order:
        name = snake_case(name)
        if name not in offered:
            raise _refusal(f"lists cannot be ordered by {name[:60]}", offered)
        column = column_of(self._all_fields().get(name))
        if column is None:
            column = column_of(getattr(self.entity, name))
        if column is None:
            raise TypeError(f"{name} is no column of {self.entity.__name__}: a list cannot be ordered by it")
        return Order(name, column, descending, nullable=getattr(column, "nullable", True))

    def _orderable(self) -> list[str]:
        return [
            *self.order,
            *(name for name in _STANDARD if hasattr(self.entity, name) and name not in self.order),
        ]


def _refusal(message: str, offered: Sequence[str]) -> Invalid:
    allowed = ", ".join(offered)
    return Invalid(
        "INVALID_ORDER_BY",
        f"order_by: {message}. Fields to order by: {allowed}",
        field="order_by",
        metadata={"allowed": allowed},
    )


def page_size(request: Message[Any]) -> int:
    """Rows a page: 50 unless asked for, at most 200. Raises Invalid when negative."""
    asked: int = getattr(request, "page_size", 0)
    if asked < 0:
        raise Invalid(
            "INVALID_PAGE_SIZE", "page_size is 0 (the default) or a positive number", field="page_size"
        )
    return min(asked, MAX_SIZE) or DEFAULT_SIZE


def _beyond(orders: Sequence[Order], last: Sequence[object]) -> ColumnElement[bool]:
    """The rows after `last`; as one row comparison, which an index can serve, where the order allows it."""
    if not any(each.nullable for each in orders) and len({each.descending for each in orders}) == 1:
        columns = tuple_(*(each.column for each in orders))
        values = tuple_(*(each.operand(value) for each, value in zip(orders, last, strict=True)))
        return columns < values if orders[0].descending else columns > values
    alternatives = [
        and_(
            *(before.is_same(value) for before, value in zip(orders[:place], last, strict=False)),
            order.is_after(last[place]),
        )
        for place, order in enumerate(orders)
    ]
    return or_(*alternatives)
