"""The frequency ledger, and the policies that govern it."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.marketing.v1.resources_pb import (
    ContactChannel,
    ContactPurpose,
    DenialReason,
    TouchState,
)
from facet_kit.database.base import Aggregate, Scope, enum_type
from facet_kit.errors import Conflict
from facet_marketing.touches.policy import Frequency

_COUNTED = text("weight > 0")


class Touch(Aggregate):
    """A contact that was made, or denied."""

    __tablename__ = "touches"
    __scope__ = Scope(owner="sender_id")
    __table_args__ = (
        Index("ix_touches_touch_time", "touch_time", "id"),
        Index("ix_touches_customer_id", "customer_id", "touch_time", "id"),
        Index("ix_touches_contact_id", "contact_id", "touch_time", "id"),
        Index("ix_touches_campaign_id", "campaign_id", "touch_time", "id"),
        Index("ix_touches_sender_id", "sender_id", "touch_time", "id"),
        Index("ix_touches_account_ledger", "customer_id", "touch_time", postgresql_where=_COUNTED),
        Index("ix_touches_person_ledger", "contact_id", "touch_time", postgresql_where=_COUNTED),
        Index(
            "ix_touches_complaints",
            "contact_id",
            "customer_id",
            "complaint_time",
            postgresql_where=text("complaint_time IS NOT NULL"),
        ),
    )

    customer_id: Mapped[str]
    contact_id: Mapped[str] = mapped_column(default="")
    channel: Mapped[ContactChannel] = mapped_column(enum_type(ContactChannel))
    purpose: Mapped[ContactPurpose] = mapped_column(enum_type(ContactPurpose))
    campaign_id: Mapped[str] = mapped_column(default="")
    subject: Mapped[str] = mapped_column(default="")
    state: Mapped[TouchState] = mapped_column(enum_type(TouchState))
    denial_reason: Mapped[DenialReason] = mapped_column(
        enum_type(DenialReason), default=DenialReason.UNSPECIFIED
    )
    denial_message: Mapped[str] = mapped_column(default="")
    next_allowed_time: Mapped[datetime | None]
    weight: Mapped[int] = mapped_column(default=0)
    touch_time: Mapped[datetime]
    sender_id: Mapped[str]
    complaint_time: Mapped[datetime | None]
    complaint: Mapped[str] = mapped_column(default="")
    department_id: Mapped[str] = mapped_column(default="", index=True)
    region_id: Mapped[str] = mapped_column(default="", index=True)

    def complain(self, at: datetime, *, complaint: str) -> None:
        """Notes that the person complained.

        Raises:
            Conflict: nobody was contacted, or the complaint is noted already.
        """
        if self.state is not TouchState.SENT or self.complaint_time is not None:
            message = "it was denied" if self.state is TouchState.DENIED else "it was complained of already"
            raise Conflict(
                "ILLEGAL_TRANSITION",
                f"The touch {self.id!r} cannot be complained of: {message}.",
                metadata={"state": self.state.name, "verb": "complain"},
            )
        self.complaint_time, self.complaint = at, complaint


class FrequencyPolicy(Aggregate):
    """A frequency policy; the newest holds. None is ever changed, so that every decision can be explained."""

    __tablename__ = "frequency_policies"
    __scope__ = None
    __table_args__ = (Index("ix_frequency_policies_create_time", "create_time", "id"),)

    window_days: Mapped[int]
    person_cap: Mapped[int]
    account_cap: Mapped[int]
    channel_weights: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    cool_down_days: Mapped[int]
    author_id: Mapped[str]

    def frequency(self) -> Frequency:
        """The policy to decide by."""
        return Frequency(
            window=timedelta(days=self.window_days),
            person_cap=self.person_cap,
            account_cap=self.account_cap,
            weights={ContactChannel[name]: int(weight) for name, weight in self.channel_weights.items()},
            cool_down=timedelta(days=self.cool_down_days),
        )
