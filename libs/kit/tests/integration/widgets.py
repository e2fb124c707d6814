"""A sample entity with all that lists, audit, custom fields and search work on."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.platform.v1.resources_pb import OperationState
from facet_kit.context import RequestInfo
from facet_kit.database.base import Aggregate, Base, CustomFields, Scope, enum_column, money_column
from facet_kit.database.session import Database
from facet_kit.principal import Principal, PrincipalKind
from facet_kit.search import Searchable, search_indexes

REQUEST = RequestInfo(
    request_id="r-1", via="test", reason="a test", page_token_key=b"key", idempotency_key=""
)
_numbers = count(1)


class Widget(Aggregate, CustomFields, Searchable):
    """Something with a field of every type."""

    __tablename__ = "test_widgets"
    __scope__ = Scope(customer=None, department=None, region=None)

    name: Mapped[str]
    state: Mapped[OperationState] = enum_column(OperationState, default=OperationState.RUNNING)
    total_amount: Mapped[Decimal] = money_column()
    size: Mapped[int | None]
    due: Mapped[date | None]
    tags: Mapped[list[str]] = mapped_column(default=list)
    owner_id: Mapped[str]
    secret: Mapped[str] = mapped_column(default="", info={"audit": False})

    __table_args__ = search_indexes("test_widgets")


class WidgetPart(Base):
    """A row inside a widget."""

    __tablename__ = "test_widget_parts"

    id: Mapped[str] = mapped_column(primary_key=True)
    widget_id: Mapped[str] = mapped_column(ForeignKey("test_widgets.id"))
    label: Mapped[str]


SAMPLES = [Base.metadata.tables[entity.__tablename__] for entity in (Widget, WidgetPart)]


def a_widget(**fields: Any) -> Widget:
    number = next(_numbers)
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number)
    values: dict[str, Any] = {
        "id": f"w-{number:06}",
        "name": f"Widget {number}",
        "total_amount": Decimal(number),
        "owner_id": "ann",
        "create_time": now,
        "update_time": now,
        "custom_fields": {},
    }
    return Widget(**(values | fields))


def staff(
    id: str = "ann", *, full_scope: bool = True, roles: tuple[str, ...] = ("administrator",)
) -> Principal:
    return Principal(
        id=id, kind=PrincipalKind.STAFF, person_id=id, roles=frozenset(roles), full_scope=full_scope
    )


async def given(database: Database, *rows: Base) -> None:
    async with database.system_sessions() as session:
        session.add_all(rows)
        await session.commit()
