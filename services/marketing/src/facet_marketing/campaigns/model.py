"""A campaign and what may happen to it and when (MKT-02)."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, Index, Numeric
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.marketing.v1.resources_pb import CampaignState, ContactChannel, ContactPurpose
from facet_kit.database.base import Aggregate, CustomFields, Scope, enum_type
from facet_kit.errors import Conflict, Invalid
from facet_marketing.campaigns.policy import AudienceRule

STRATEGY = ("segment_goal", "value_hypothesis", "stop_rule")


class Campaign(CustomFields, Aggregate):
    """A planned series of touches to an audience."""

    __tablename__ = "campaigns"
    __scope__ = Scope(customer=None)
    __table_args__ = (
        Index("ix_campaigns_create_time", "create_time", "id"),
        Index("ix_campaigns_start_date", "start_date", "id"),
        Index("ix_campaigns_display_name", "display_name", "id"),
        Index("ix_campaigns_state", "state", "id"),
        CheckConstraint("budget_amount >= 0", name="budget"),
    )

    display_name: Mapped[str]
    goal: Mapped[str] = mapped_column(default="")
    segment_goal: Mapped[str] = mapped_column(default="")
    value_hypothesis: Mapped[str] = mapped_column(default="")
    stop_rule: Mapped[str] = mapped_column(default="")
    state: Mapped[CampaignState] = mapped_column(enum_type(CampaignState), default=CampaignState.DRAFT)
    channel: Mapped[ContactChannel] = mapped_column(enum_type(ContactChannel))
    purpose: Mapped[ContactPurpose] = mapped_column(enum_type(ContactPurpose))
    budget_amount: Mapped[Decimal | None] = mapped_column(Numeric(20, 4))
    budget_currency: Mapped[str] = mapped_column(default="")
    start_date: Mapped[date | None]
    end_date: Mapped[date | None]
    audience: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
    owner_id: Mapped[str] = mapped_column(default="", index=True)
    department_id: Mapped[str] = mapped_column(default="", index=True)
    region_id: Mapped[str] = mapped_column(default="", index=True)
    activate_time: Mapped[datetime | None]
    complete_time: Mapped[datetime | None]

    def rule(self) -> AudienceRule:
        """Whom it addresses."""
        stored = self.audience or {}
        return AudienceRule(
            include=tuple(frozenset(group) for group in stored.get("include", ())),
            exclude_nodes=frozenset(stored.get("exclude_node_ids", ())),
            regions=frozenset(stored.get("region_ids", ())),
            exclude_regions=frozenset(stored.get("exclude_region_ids", ())),
            departments=frozenset(stored.get("department_ids", ())),
            key_accounts_only=bool(stored.get("key_accounts_only", False)),
        )

    def check(self) -> None:
        """Whether the record is consistent.

        Raises:
            Invalid: it has no name, costs less than nothing, ends before it starts, or runs without a strategy.
        """
        wrong: list[tuple[str, str]] = []
        if not self.display_name.strip():
            wrong.append(("campaign.display_name", "is required"))
        if self.budget_amount is not None and self.budget_amount < 0:
            wrong.append(("campaign.budget", "the budget cannot be negative"))
        if self.start_date and self.end_date and self.end_date < self.start_date:
            wrong.append(("campaign.end_date", "the campaign cannot end before it starts"))
        if self.state in (CampaignState.ACTIVE, CampaignState.PAUSED):
            wrong += self._strategy_gaps()
        if wrong:
            raise Invalid.many(wrong, reason="CAMPAIGN")

    def _strategy_gaps(self) -> list[tuple[str, str]]:
        return [
            (f"campaign.{name}", "a campaign without it is not run")
            for name in STRATEGY
            if not getattr(self, name).strip()
        ]

    def activate(self, now: datetime) -> None:
        """Starts the campaign, or goes on with it after a pause (MKT-02).

        Raises:
            Conflict: it is running or over.
            Invalid: it has no segment goal, value hypothesis or stop rule, or its period is over.
        """
        self._require_state("activate", CampaignState.DRAFT, CampaignState.PAUSED)
        gaps = self._strategy_gaps()
        if self.end_date and self.end_date < now.date():
            gaps.append(("campaign.end_date", "its last day is over; give it a later one"))
        if gaps:
            raise Invalid.many(gaps, reason="CAMPAIGN_STRATEGY")
        self.state = CampaignState.ACTIVE
        self.activate_time = self.activate_time or now

    def pause(self) -> None:
        """Halts the campaign. Raises Conflict unless it runs."""
        self._require_state("pause", CampaignState.ACTIVE)
        self.state = CampaignState.PAUSED

    def complete(self, now: datetime) -> None:
        """Ends the campaign. Raises Conflict unless it runs or is halted."""
        self._require_state("complete", CampaignState.ACTIVE, CampaignState.PAUSED)
        self.state, self.complete_time = CampaignState.COMPLETED, now

    def _require_state(self, verb: str, *allowed: CampaignState) -> None:
        if self.state not in allowed:
            names = " or ".join(state.name for state in allowed)
            raise Conflict(
                "ILLEGAL_TRANSITION",
                f"The campaign {self.display_name!r} is {self.state.name}; to {verb} it, it must be {names}.",
                metadata={"state": self.state.name, "verb": verb},
            )

    def runs_on(self, day: date) -> bool:
        """Whether touches may be made for it on that day (UTC)."""
        return (
            self.state is CampaignState.ACTIVE
            and (self.start_date is None or self.start_date <= day)
            and (self.end_date is None or day <= self.end_date)
        )
