"""Contracts with their parties, and what may happen to them."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from facet_contracts.facet.sales.v1 import events_pb as facts
from facet_contracts.facet.sales.v1 import resources_pb as pb
from facet_kit.database.base import Aggregate, Base, CustomFields, Scope, enum_column, money_column
from facet_kit.errors import Conflict, Invalid
from facet_kit.mapping import Mapper
from facet_sales.contracts.policy import missing_for_activation, reversed_term, term_is_over
from facet_sales.summary.model import Share
from facet_sales.valuation import Valued

_State = pb.ContractState


class ContractParty(Base):
    """One party of a contract."""

    __tablename__ = "contract_parties"

    id: Mapped[str] = mapped_column(primary_key=True)
    contract_id: Mapped[str] = mapped_column(ForeignKey("contracts.id"), index=True)
    position: Mapped[int]
    role: Mapped[pb.ContractPartyRole] = enum_column(pb.ContractPartyRole)
    display_name: Mapped[str]
    customer_id: Mapped[str] = mapped_column(default="")
    signatory: Mapped[str] = mapped_column(default="")


class Contract(Valued, CustomFields, Aggregate):
    """A contract. What it says is fixed once it is in force."""

    __tablename__ = "contracts"
    __scope__ = Scope()
    __table_args__ = (
        Index("ix_contracts_create_time", "create_time", "id"),
        Index("ix_contracts_valid_to", "valid_to", "id"),
        Index("ix_contracts_amount", "amount_amount", "id"),
        Index("ix_contracts_customer", "customer_id", "state", "valid_to"),
        Index("ix_contracts_department_id", "department_id"),
        Index("ix_contracts_region_id", "region_id"),
        Index("ix_contracts_owner_id", "owner_id"),
    )

    contract_number: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str]
    type: Mapped[pb.ContractType] = enum_column(pb.ContractType)
    customer_id: Mapped[str]
    department_id: Mapped[str]
    region_id: Mapped[str]
    owner_id: Mapped[str]
    sign_date: Mapped[date | None]
    valid_from: Mapped[date | None]
    valid_to: Mapped[date | None]
    amount_amount: Mapped[Decimal] = money_column()
    state: Mapped[pb.ContractState] = enum_column(pb.ContractState)
    activate_time: Mapped[datetime | None]
    terminate_date: Mapped[date | None]
    terminate_reason: Mapped[str] = mapped_column(default="")
    parties: Mapped[list[ContractParty]] = relationship(
        lazy="selectin", cascade="all, delete-orphan", order_by=ContractParty.position
    )

    def draft(self, parties: list[ContractParty]) -> None:
        """Starts a new contract. Raises Invalid when its term ends before it begins."""
        self.state = _State.DRAFT
        self.parties = parties
        self._check_term()
        self.record(lambda: facts.ContractCreated(contract=contract_map.to_message(self)))

    def require_draft(self, verb: str) -> None:
        """Raises Conflict once the contract is in force or over."""
        self._require(_State.DRAFT, verb)

    def updated(self) -> None:
        """Records a change other than a verb's. Raises Invalid when the term ends before it begins."""
        self._check_term()
        self.record(lambda: facts.ContractUpdated(contract=contract_map.to_message(self)))

    def activate(self, now: datetime) -> None:
        """Puts the draft in force.

        Raises:
            Conflict: not a draft.
            Invalid: names everything that is missing.
        """
        self._require(_State.DRAFT, "activate")
        roles = {party.role for party in self.parties}
        missing = missing_for_activation(self.sign_date, self.valid_from, self.valid_to, roles)
        if missing:
            raise Invalid.many(missing, reason="CONTRACT_INCOMPLETE")
        self.state = _State.ACTIVE
        self.activate_time = now
        self.record(lambda: facts.ContractActivated(contract=contract_map.to_message(self)))

    def terminate(self, reason: str, day: date) -> None:
        """Ends a contract in force before its term. Raises Conflict when it is not in force."""
        self._require(_State.ACTIVE, "terminate")
        self.state = _State.TERMINATED
        self.terminate_date = day
        self.terminate_reason = reason
        self.record(lambda: facts.ContractTerminated(contract=contract_map.to_message(self)))

    def expire(self, today: date) -> None:
        """Marks that the term is over. Raises Conflict when it is not, or the contract is not in force."""
        self._require(_State.ACTIVE, "expire")
        if not term_is_over(self.valid_to, today):
            end = self.valid_to.isoformat() if self.valid_to else "no day: it has no end"
            raise Conflict(
                "TERM_RUNS",
                f"The contract runs until {end}. Terminate it to end it earlier.",
                metadata={"state": self.state.name, "verb": "expire"},
            )
        self.state = _State.EXPIRED
        self.record(lambda: facts.ContractExpired(contract=contract_map.to_message(self)))

    def share(self) -> Share:
        """What the contract contributes to its account's summary."""
        measures: dict[str, int | Decimal] = {}
        if self.state is _State.ACTIVE:
            measures = {"active_contracts": 1, "active_contract_amount": self.reporting(self.amount_amount)}
        return Share(self.customer_id, self.department_id, self.region_id, measures)

    def _check_term(self) -> None:
        wrong = reversed_term(self.valid_from, self.valid_to)
        if wrong:
            raise Invalid.many(wrong, reason="PERIOD_REVERSED")

    def _require(self, wanted: pb.ContractState, verb: str) -> None:
        if self.state is not wanted:
            raise Conflict(
                "ILLEGAL_TRANSITION",
                f"The contract is {self.state.name}; {verb} needs {wanted.name}.",
                metadata={"state": self.state.name, "verb": verb},
            )


party_map = Mapper(ContractParty, pb.ContractParty)
contract_map = Mapper(Contract, pb.Contract, nested={"parties": party_map})
