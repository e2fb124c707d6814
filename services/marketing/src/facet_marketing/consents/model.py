"""A consent, and the history of what was said about it."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.marketing.v1.resources_pb import ConsentState, ContactChannel, ContactPurpose
from facet_kit.database.base import Aggregate, Base, Scope, enum_type
from facet_kit.errors import Conflict


class Consent(Aggregate):
    """What an account (`contact_id` empty) or a person there said about one channel and purpose."""

    __tablename__ = "consents"
    __scope__ = Scope(owner=None)
    __table_args__ = (
        UniqueConstraint("customer_id", "contact_id", "channel", "purpose", name="uq_consents_statement"),
        Index("ix_consents_contact_id", "contact_id", "channel", "purpose"),
        Index("ix_consents_create_time", "create_time", "id"),
        Index("ix_consents_state_time", "state_time", "id"),
    )

    customer_id: Mapped[str]
    contact_id: Mapped[str] = mapped_column(default="")
    channel: Mapped[ContactChannel] = mapped_column(enum_type(ContactChannel))
    purpose: Mapped[ContactPurpose] = mapped_column(enum_type(ContactPurpose))
    state: Mapped[ConsentState] = mapped_column(enum_type(ConsentState))
    source: Mapped[str]
    state_time: Mapped[datetime]
    department_id: Mapped[str] = mapped_column(default="", index=True)
    region_id: Mapped[str] = mapped_column(default="", index=True)

    def turn(self, state: ConsentState, *, source: str, at: datetime) -> None:
        """Takes another statement in place of the present one.

        Raises:
            Conflict: that is what holds already.
        """
        if self.state is state:
            verb = "grant" if state is ConsentState.GRANTED else "withdraw"
            raise Conflict(
                "ILLEGAL_TRANSITION",
                f"The consent {self.id!r} is {state.name} already.",
                metadata={"state": state.name, "verb": verb},
            )
        self.state, self.source, self.state_time = state, source, at


class ConsentChange(Base):
    """One statement. The database refuses to change or delete it; reached through its consent, whose scope holds."""

    __tablename__ = "consent_changes"
    __scope__ = None
    __table_args__ = (Index("ix_consent_changes_consent_id", "consent_id", "change_time", "id"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    consent_id: Mapped[str] = mapped_column(ForeignKey("consents.id"))
    state: Mapped[ConsentState] = mapped_column(enum_type(ConsentState))
    source: Mapped[str]
    actor_id: Mapped[str]
    actor_name: Mapped[str] = mapped_column(default="")
    change_time: Mapped[datetime]
