"""Customers: the party master with its rules, and the history of lifecycle stages. Contacts and teams are elsewhere."""

from collections.abc import Collection
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import ARRAY, BigInteger, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.customer.v1 import events_pb as events
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_contracts.facet.customer.v1.resources_pb import (
    CustomerKind,
    CustomerRole,
    CustomerStatus,
    LifecycleStage,
    RelationshipStrategy,
)
from facet_customer.customers.policy import FIRST_STAGE, may_follow, next_stages
from facet_customer.trees import TreeNode
from facet_kit.database.base import Aggregate, Base, CustomFields, Scope, enum_column, enum_type
from facet_kit.errors import Conflict, Invalid
from facet_kit.mapping import Mapper
from facet_kit.search import Searchable, search_indexes


class Customer(TreeNode, Searchable, CustomFields, Aggregate):
    """A party the enterprise deals with. One record whatever its roles (CUS-01), organisation or person (CUS-22)."""

    __tablename__ = "customers"
    __scope__ = Scope(customer="id", channel="id")
    __table_args__ = (
        Index(
            "uq_customers_tax_id",
            "tax_id",
            unique=True,
            postgresql_where=text("tax_id <> '' AND delete_time IS NULL AND status <> 'MERGED'"),
        ),
        Index("ix_customers_ancestor_ids", "ancestor_ids", postgresql_using="gin"),
        Index("ix_customers_node_ids", "node_ids", postgresql_using="gin"),
        Index("ix_customers_node_ancestor_ids", "node_ancestor_ids", postgresql_using="gin"),
        Index("ix_customers_create_time_id", "create_time", "id"),
        Index("ix_customers_update_time_id", "update_time", "id"),
        Index("ix_customers_display_name_id", "display_name", "id"),
        Index("ix_customers_lifecycle_stage_time_id", "lifecycle_stage_time", "id"),
        *search_indexes("customers"),
    )

    display_name: Mapped[str]
    alias: Mapped[str] = mapped_column(default="")
    kind: Mapped[CustomerKind] = enum_column(CustomerKind)
    roles: Mapped[list[CustomerRole]] = mapped_column(ARRAY(enum_type(CustomerRole)))
    group_id: Mapped[str] = mapped_column(index=True)
    department_id: Mapped[str] = mapped_column(default="", index=True)
    region_id: Mapped[str] = mapped_column(default="", index=True)
    owner_id: Mapped[str] = mapped_column(default="", index=True)
    key_account: Mapped[bool] = mapped_column(default=False)
    relationship_strategy: Mapped[RelationshipStrategy] = enum_column(
        RelationshipStrategy, default=RelationshipStrategy.UNSPECIFIED
    )
    lifecycle_stage: Mapped[LifecycleStage] = enum_column(LifecycleStage, default=FIRST_STAGE)
    lifecycle_stage_time: Mapped[datetime]
    status: Mapped[CustomerStatus] = enum_column(CustomerStatus, default=CustomerStatus.ACTIVE)
    merged_into: Mapped[str] = mapped_column(default="")
    node_ids: Mapped[list[str]] = mapped_column(default=list)
    node_ancestor_ids: Mapped[list[str]] = mapped_column(default=list)
    tax_id: Mapped[str] = mapped_column(default="")
    phones: Mapped[list[str]] = mapped_column(default=list)
    emails: Mapped[list[str]] = mapped_column(default=list)
    website: Mapped[str] = mapped_column(default="")
    country_code: Mapped[str] = mapped_column(default="")
    province: Mapped[str] = mapped_column(default="")
    city: Mapped[str] = mapped_column(default="")
    street_address: Mapped[str] = mapped_column(default="")
    postal_code: Mapped[str] = mapped_column(default="")
    employee_count: Mapped[int] = mapped_column(default=0)
    annual_revenue_amount: Mapped[Decimal | None]
    annual_revenue_currency: Mapped[str] = mapped_column(default="")
    credit_limit_amount: Mapped[Decimal | None]
    credit_limit_currency: Mapped[str] = mapped_column(default="")
    birth_date: Mapped[date | None]
    source: Mapped[str] = mapped_column(default="")
    description: Mapped[str] = mapped_column(default="")

    def check(self) -> None:
        """Raises Invalid, naming the fields, unless the record is complete and free of contradictions."""
        wrong: list[tuple[str, str]] = []
        if not self.display_name.strip():
            wrong.append(("customer.display_name", "must not be empty"))
        if not self.roles:
            wrong.append(("customer.roles", "a customer has at least one role"))
        if self.kind is CustomerKind.PERSON:
            if self.employee_count:
                wrong.append(("customer.employee_count", "a person has no employees; leave it out"))
        elif self.birth_date:
            wrong.append(("customer.birth_date", "an organisation has no date of birth; leave it out"))
        if (self.credit_limit_amount or 0) < 0:
            wrong.append(("customer.credit_limit", "must not be negative"))
        if wrong:
            raise Invalid.many(wrong, reason="CUSTOMER_INVALID")

    def make_findable(self) -> None:
        """Renews what search finds the customer by (CUS-06)."""
        self.index_search(
            [self.display_name, self.alias], phones=self.phones, emails=[*self.emails, self.tax_id]
        )

    def created(self) -> None:
        """Announces the new customer."""
        self.record(lambda: events.CustomerCreated(customer=customer_map.to_message(self)))

    def updated(self, changed: Collection[str]) -> None:
        """Announces changed fields."""
        names = sorted(changed)
        self.record(lambda: events.CustomerUpdated(customer=customer_map.to_message(self), changed=names))

    def moved(self, previous: list[str]) -> None:
        """Takes over the group of its new place and announces it; `previous` is the path before."""
        self.group_id = self.root_id
        if (previous[-2] if len(previous) > 1 else "") != self.parent_id:  # not merely taken along
            self.record(
                lambda: events.CustomerMoved(
                    customer=customer_map.to_message(self),
                    previous_group_id=previous[0],
                    previous_ancestor_ids=previous,
                )
            )
        self.updated({"parent_id", "group_id", "ancestor_ids"})

    def change_stage(
        self, stage: LifecycleStage, *, reason: str, changed_by: str, now: datetime, change_id: str
    ) -> "LifecycleChange":
        """Moves to another stage and returns the entry of the history (CUS-13).

        Raises:
            Invalid: there is no way from the present stage to that one.
            Conflict: the record is out of use.
        """
        self.require_status(CustomerStatus.ACTIVE, "changeLifecycleStage")
        if not may_follow(self.lifecycle_stage, stage):
            ways = ", ".join(each.name for each in next_stages(self.lifecycle_stage))
            # The wish itself is wrong, whoever asks and when: a value of the request that cannot be (422).
            raise Invalid(
                "ILLEGAL_TRANSITION",
                f"A customer goes from {self.lifecycle_stage.name} to {ways} only, not to {stage.name}.",
                field="stage",
                metadata={
                    "state": self.lifecycle_stage.name,
                    "verb": "changeLifecycleStage",
                    "allowed": ways,
                },
            )
        change = LifecycleChange(
            id=change_id,
            customer_id=self.id,
            from_stage=self.lifecycle_stage,
            to_stage=stage,
            reason=reason,
            changed_by=changed_by,
            change_time=now,
            seconds_in_stage=max(0, int((now - self.lifecycle_stage_time).total_seconds())),
        )
        self.lifecycle_stage, self.lifecycle_stage_time = stage, now
        self.record(
            lambda: events.CustomerLifecycleStageChanged(
                customer=customer_map.to_message(self), change=lifecycle_change_map.to_message(change)
            )
        )
        self.updated({"lifecycle_stage"})
        return change

    def transfer(self, owner_id: str, *, reason: str) -> None:
        """Gives the customer to another owner.

        Raises:
            Conflict: that person owns it already.
        """
        if self.owner_id == owner_id:
            raise Conflict(
                "OWNER_UNCHANGED",
                f"Customer {self.id!r} belongs to {owner_id!r} already. Name another owner.",
                metadata={"owner_id": owner_id},
            )
        previous, self.owner_id = self.owner_id, owner_id
        self.record(
            lambda: events.CustomerOwnerTransferred(
                customer=customer_map.to_message(self), previous_owner_id=previous, reason=reason
            )
        )
        self.updated({"owner_id"})

    def deactivate(self) -> None:
        """Takes the record out of use.

        Raises:
            Conflict: it is not in use.
        """
        self.require_status(CustomerStatus.ACTIVE, "deactivate")
        self.status = CustomerStatus.INACTIVE
        self.updated({"status"})

    def reactivate(self) -> None:
        """Takes the record into use again.

        Raises:
            Conflict: it is in use, or merged into another one.
        """
        self.require_status(CustomerStatus.INACTIVE, "reactivate")
        self.status = CustomerStatus.ACTIVE
        self.updated({"status"})

    def require_status(self, status: CustomerStatus, verb: str) -> None:
        """Raises Conflict unless the record has the status that the verb needs."""
        if self.status is not status:
            raise Conflict(
                "ILLEGAL_TRANSITION",
                f"{verb} needs a customer that is {status.name}; {self.id!r} is {self.status.name}.",
                metadata={"state": self.status.name, "verb": verb},
            )

    def classify(self, node_ids: Collection[str], node_ancestor_ids: Collection[str]) -> bool:
        """Takes over the nodes of today and all nodes above them; announces them and returns whether any changed."""
        direct, above = sorted(node_ids), sorted({*node_ids, *node_ancestor_ids})
        before = set(self.node_ids)
        changed = {
            name
            for name, value in (("node_ids", direct), ("node_ancestor_ids", above))
            if getattr(self, name) != value
        }
        if not changed:
            return False
        self.node_ids, self.node_ancestor_ids = direct, above
        added, removed = sorted(set(direct) - before), sorted(before - set(direct))
        if added or removed:
            self.record(
                lambda: events.CustomerClassified(
                    customer=customer_map.to_message(self), added_node_ids=added, removed_node_ids=removed
                )
            )
        self.updated(changed)
        return True


class LifecycleChange(Base):
    """One change of a customer's stage. Read through its customer, whose scope it has."""

    __tablename__ = "lifecycle_changes"
    __scope__ = None
    __table_args__ = (
        Index("ix_lifecycle_changes_customer_id_change_time", "customer_id", "change_time", "id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(ForeignKey("customers.id"))
    from_stage: Mapped[LifecycleStage] = enum_column(LifecycleStage)
    to_stage: Mapped[LifecycleStage] = enum_column(LifecycleStage)
    reason: Mapped[str] = mapped_column(default="")
    changed_by: Mapped[str]
    change_time: Mapped[datetime]
    seconds_in_stage: Mapped[int] = mapped_column(BigInteger)


customer_map = Mapper(Customer, pb.Customer)
lifecycle_change_map = Mapper(LifecycleChange, pb.LifecycleChange)
