"""What a custom field is: the stored definition, and the immutable copy of it that requests work with."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Float, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.platform.v1.resources_pb import CustomFieldType
from facet_kit.database.base import Aggregate, enum_column
from facet_kit.principal import Principal

DEFAULT_MAX_LENGTH: Final = 4_000


class CustomFieldDefinition(Aggregate):
    """A field that the enterprise added to a resource of this service."""

    __tablename__ = "custom_field_definitions"
    __scope__ = None

    resource: Mapped[str]
    name: Mapped[str]
    display_name: Mapped[str]
    type: Mapped[CustomFieldType] = enum_column(CustomFieldType)
    required: Mapped[bool] = mapped_column(default=False)
    choices: Mapped[list[str]] = mapped_column(default=list)
    min_value: Mapped[float | None] = mapped_column(Float(53))
    max_value: Mapped[float | None] = mapped_column(Float(53))
    pattern: Mapped[str] = mapped_column(default="")
    max_length: Mapped[int] = mapped_column(default=0)
    visible_roles: Mapped[list[str]] = mapped_column(default=list)
    inactive: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        Index(
            "uq_custom_field_definitions_name",
            "resource",
            "name",
            unique=True,
            postgresql_where=text("delete_time IS NULL"),
        ),
    )


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition as values are checked against it, detached from any session."""

    name: str
    type: CustomFieldType
    required: bool
    choices: tuple[str, ...]
    min_value: float | None
    max_value: float | None
    pattern: str
    max_length: int
    visible_roles: frozenset[str]
    inactive: bool

    @classmethod
    def of(cls, row: CustomFieldDefinition) -> "Definition":
        return cls(
            name=row.name,
            type=row.type,
            required=row.required,
            choices=tuple(row.choices),
            min_value=row.min_value,
            max_value=row.max_value,
            pattern=row.pattern,
            max_length=row.max_length or DEFAULT_MAX_LENGTH,
            visible_roles=frozenset(row.visible_roles),
            inactive=row.inactive or False,
        )

    def is_visible_to(self, principal: Principal) -> bool:
        """Without named roles all staff see the field; customers and partners must be named."""
        if self.inactive:
            return False
        return bool(self.visible_roles & principal.roles) if self.visible_roles else principal.internal
