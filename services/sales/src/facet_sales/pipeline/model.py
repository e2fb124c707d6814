"""Pipelines with their stages, opportunities, and the revisions that make past forecasts reproducible."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from facet_contracts.facet.sales.v1 import events_pb as facts
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.database.base import Aggregate, Base, CustomFields, Scope, enum_column, money_column
from facet_kit.errors import Conflict
from facet_kit.mapping import Mapper
from facet_kit.money import to_money
from facet_sales.pipeline.policy import weighted
from facet_sales.summary.model import Share
from facet_sales.valuation import Valued

_OPEN = pb.OpportunityState.OPEN


class PipelineStage(Base):
    """One stage of a pipeline."""

    __tablename__ = "pipeline_stages"

    id: Mapped[str] = mapped_column(primary_key=True)
    pipeline_id: Mapped[str] = mapped_column(ForeignKey("pipelines.id"), index=True)
    display_name: Mapped[str]
    win_probability: Mapped[int]
    position: Mapped[int]


class Pipeline(Aggregate):
    """A way of selling, as a series of stages (SAL-01)."""

    __tablename__ = "pipelines"
    __table_args__ = (Index("ix_pipelines_display_name", "display_name", "id"),)

    display_name: Mapped[str]
    stages: Mapped[list[PipelineStage]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by=PipelineStage.position
    )

    def created(self) -> None:
        """Records that the pipeline was made."""
        self.record(lambda: facts.PipelineCreated(pipeline=pipeline_map.to_message(self)))

    def updated(self) -> None:
        """Records that the pipeline changed."""
        self.record(lambda: facts.PipelineUpdated(pipeline=pipeline_map.to_message(self)))

    def stage(self, stage_id: str) -> PipelineStage | None:
        """The stage with this id, if it is one of the pipeline's."""
        return next((stage for stage in self.stages if stage.id == stage_id), None)


class Opportunity(Valued, CustomFields, Aggregate):
    """A deal that may be won. Once won or lost it no longer changes."""

    __tablename__ = "opportunities"
    __scope__ = Scope()
    __table_args__ = (
        Index("ix_opportunities_create_time", "create_time", "id"),
        Index("ix_opportunities_display_name", "display_name", "id"),
        Index("ix_opportunities_expected_close_date", "expected_close_date", "id"),
        Index("ix_opportunities_amount", "amount_amount", "id"),
        Index("ix_opportunities_customer", "customer_id", "state"),
        Index("ix_opportunities_department_id", "department_id"),
        Index("ix_opportunities_region_id", "region_id"),
        Index("ix_opportunities_owner_id", "owner_id"),
    )

    display_name: Mapped[str]
    customer_id: Mapped[str]
    department_id: Mapped[str]
    region_id: Mapped[str]
    owner_id: Mapped[str]
    pipeline_id: Mapped[str] = mapped_column(ForeignKey("pipelines.id"), index=True)
    stage_id: Mapped[str] = mapped_column(ForeignKey("pipeline_stages.id"), index=True)
    amount_amount: Mapped[Decimal] = money_column()
    win_probability: Mapped[int]
    weighted_value: Mapped[Decimal] = money_column()
    expected_close_date: Mapped[date]
    state: Mapped[pb.OpportunityState] = enum_column(pb.OpportunityState)
    close_time: Mapped[datetime | None]
    close_reason: Mapped[str] = mapped_column(default="")
    competitor: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(default="")
    stage_enter_time: Mapped[datetime]

    def open_in(self, stage: PipelineStage, probability: int | None, now: datetime) -> None:
        """Starts the deal in a stage, with the stage's probability unless one is set by hand."""
        self.state = _OPEN
        self.stage_id = stage.id
        self.stage_enter_time = now
        self.win_probability = stage.win_probability if probability is None else probability
        self.revalue()
        self.record(lambda: facts.OpportunityCreated(opportunity=opportunity_map.to_message(self)))

    def updated(self) -> None:
        """Records a change other than a verb's."""
        self.revalue()
        self.record(lambda: facts.OpportunityUpdated(opportunity=opportunity_map.to_message(self)))

    def advance(self, stage: PipelineStage, now: datetime) -> None:
        """Moves the deal to another stage and takes over its probability.

        Raises:
            Conflict: the deal is closed, or stands in the stage already.
        """
        self.require_open("advance")
        if stage.id == self.stage_id:
            raise Conflict(
                "SAME_STAGE",
                f"The opportunity stands in {stage.display_name!r} already. Choose another stage.",
                metadata={"stage_id": stage.id},
            )
        previous = self.stage_id
        self.stage_id = stage.id
        self.stage_enter_time = now
        self.win_probability = stage.win_probability
        self.revalue()
        self.record(
            lambda: facts.OpportunityAdvanced(
                opportunity=opportunity_map.to_message(self), previous_stage_id=previous
            )
        )

    def win(self, reason: str, competitor: str, now: datetime) -> None:
        """Closes the deal as won. Raises Conflict when it is closed already."""
        self._close("win", pb.OpportunityState.WON, reason, competitor, now)
        self.record(lambda: facts.OpportunityWon(opportunity=opportunity_map.to_message(self)))

    def lose(self, reason: str, competitor: str, now: datetime) -> None:
        """Closes the deal as lost. Raises Conflict when it is closed already."""
        self._close("lose", pb.OpportunityState.LOST, reason, competitor, now)
        self.record(lambda: facts.OpportunityLost(opportunity=opportunity_map.to_message(self)))

    def require_open(self, verb: str) -> None:
        """Raises Conflict when the deal is won or lost."""
        if self.state is not _OPEN:
            raise Conflict(
                "ILLEGAL_TRANSITION",
                f"The opportunity is {self.state.name}; {verb} needs OPEN. Make a new opportunity for a new deal.",
                metadata={"state": self.state.name, "verb": verb},
            )

    def revalue(self) -> None:
        """Brings the weighted value in line with amount, rate and probability."""
        amount = self.reporting(self.amount_amount)
        self.weighted_value = weighted(amount, self.win_probability, self.reporting_currency)

    def share(self) -> Share:
        """What the deal contributes to its account's summary."""
        measures: dict[str, int | Decimal] = {}
        if self.state is _OPEN:
            measures["open_opportunities"] = 1
            measures["open_opportunity_amount"] = self.reporting(self.amount_amount)
            measures["weighted_amount"] = self.weighted_value
        elif self.state is pb.OpportunityState.WON:
            measures["won_opportunities"] = 1
        else:
            measures["lost_opportunities"] = 1
        return Share(self.customer_id, self.department_id, self.region_id, measures)

    def _close(
        self, verb: str, state: pb.OpportunityState, reason: str, competitor: str, now: datetime
    ) -> None:
        self.require_open(verb)
        self.state = state
        self.close_time = now
        self.close_reason = reason
        self.competitor = competitor
        self.win_probability = 100 if state is pb.OpportunityState.WON else 0
        self.revalue()


class OpportunityRevision(Base):
    """How an opportunity stood from one instant to the next: the memory behind forecasts of the past (SAL-03)."""

    __tablename__ = "opportunity_revisions"
    __scope__ = Scope()
    __table_args__ = (
        Index("ix_opportunity_revisions_opportunity_id", "opportunity_id", "valid_from"),
        Index("ix_opportunity_revisions_forecast", "expected_close_date", "valid_from", "valid_to"),
        Index(
            "uq_opportunity_revisions_present",
            "opportunity_id",
            unique=True,
            postgresql_where=text("valid_to IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    opportunity_id: Mapped[str] = mapped_column(ForeignKey("opportunities.id"))
    valid_from: Mapped[datetime]
    valid_to: Mapped[datetime | None]
    customer_id: Mapped[str]
    department_id: Mapped[str]
    region_id: Mapped[str]
    owner_id: Mapped[str]
    pipeline_id: Mapped[str]
    stage_id: Mapped[str]
    state: Mapped[pb.OpportunityState] = enum_column(pb.OpportunityState)
    reporting_amount: Mapped[Decimal] = money_column()
    weighted_amount: Mapped[Decimal] = money_column()
    expected_close_date: Mapped[date]

    @classmethod
    def of(cls, opportunity: Opportunity, id: str, now: datetime) -> "OpportunityRevision":
        """The present state of the opportunity, valid from now on."""
        return cls(
            id=id,
            opportunity_id=opportunity.id,
            valid_from=now,
            customer_id=opportunity.customer_id,
            department_id=opportunity.department_id,
            region_id=opportunity.region_id,
            owner_id=opportunity.owner_id,
            pipeline_id=opportunity.pipeline_id,
            stage_id=opportunity.stage_id,
            state=opportunity.state,
            reporting_amount=opportunity.reporting(opportunity.amount_amount),
            weighted_amount=opportunity.weighted_value,
            expected_close_date=opportunity.expected_close_date,
        )


stage_map = Mapper(PipelineStage, pb.PipelineStage)
pipeline_map = Mapper(Pipeline, pb.Pipeline, nested={"stages": stage_map})
opportunity_map = Mapper(
    Opportunity,
    pb.Opportunity,
    compute={"weighted_amount": lambda deal: to_money(deal.weighted_value, deal.reporting_currency)},
)
