"""Base classes of every mapped entity: aggregates with version and recorded events, children, and their row scope."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any, ClassVar, TypeVar, cast

from protobuf import Message
from sqlalchemy import Date, DateTime, Integer, MetaData, Numeric, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

EnumType = TypeVar("EnumType", bound=IntEnum)
EventSource = Message[Any] | Callable[[], Message[Any]]


@dataclass(frozen=True, slots=True)
class Scope:
    """Names of the columns through which a row is granted to a caller; None where that relation grants nothing."""

    customer: str | None = "customer_id"
    department: str | None = "department_id"
    region: str | None = "region_id"
    owner: str | None = "owner_id"
    channel: str | None = None


class Base(DeclarativeBase):
    """Every mapped class says its row scope: a `Scope`, or None for reference data and rows inside an aggregate."""

    __scope__: ClassVar[Scope | None] = None

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as a class attribute
        str: Text,
        datetime: DateTime(timezone=True),
        date: Date,
        Decimal: Numeric(20, 4),
        list[str]: ARRAY(Text),
        dict[str, Any]: JSONB,
        dict[str, object]: JSONB,
    }


class Aggregate(Base):
    """A resource that changes as a whole: identified, versioned, softly deleted, and the source of its own events.

    `version` guards against lost updates; `event_seq` numbers the aggregate's events without a gap.
    """

    __abstract__ = True

    id: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    event_seq: Mapped[int] = mapped_column(Integer, default=0)
    create_time: Mapped[datetime]
    update_time: Mapped[datetime]
    delete_time: Mapped[datetime | None] = mapped_column(default=None)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}

    @property
    def etag(self) -> str:
        """Names the state of the resource; changes with every change to it (AIP-154)."""
        return f"v{self.version}"

    def record(self, event: EventSource) -> None:
        """Notes a fact; it goes to the outbox with the transaction.

        Pass a function to have the message built at commit, when version, etag and update time are final.
        """
        self.event_seq = (self.event_seq or 0) + 1
        recorded = cast("list[tuple[int, EventSource]]", vars(self).setdefault("_recorded", []))
        recorded.append((self.event_seq, event))

    def take_recorded(self) -> list[tuple[int, EventSource]]:
        """The facts noted since the last call, with their numbers."""
        return cast("list[tuple[int, EventSource]]", vars(self).pop("_recorded", []))


class CustomFields:
    """Mixin: values of the custom fields that the enterprise defined for this resource (CUS-02, PLT-04)."""

    custom_fields: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)


class _EnumText(TypeDecorator[EnumType]):
    """Stores a contract enum under its short name, so that rows stay readable and renumbering is harmless."""

    impl = Text
    cache_ok = True

    def __init__(self, enum: type[EnumType]) -> None:
        super().__init__()
        self.enum = enum

    def process_bind_param(self, value: EnumType | int | None, dialect: Dialect) -> str | None:
        return None if value is None else self.enum(value).name

    def process_result_value(self, value: str | None, dialect: Dialect) -> EnumType | None:
        return None if value is None else self.enum[value]


def enum_type(enum: type[EnumType]) -> _EnumText[EnumType]:
    """Column type of a contract enum."""
    return _EnumText(enum)


def enum_column(
    enum: type[EnumType], *, default: EnumType | None = None, index: bool = False
) -> Mapped[EnumType]:
    """A not-null column that holds a contract enum."""
    return mapped_column(_EnumText(enum), default=default, index=index)


def money_column(*, nullable: bool = False) -> Mapped[Decimal]:
    """An amount in units of the row's currency; numeric(20,4), never a float."""
    return mapped_column(Numeric(20, 4), nullable=nullable, default=None if nullable else Decimal(0))
