"""Replicas that every service keeps of customers, organisation, account teams and staff (fed by events).

Row scope, summaries and reports read them. `store_…` functions write them: the handlers here, and the customer service
itself within the transaction of a change, so that it reads its own writes.
"""

from typing import Any, cast

from sqlalchemy import Index, Table, delete, inspect
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.customer.v1.resources_pb import (
    AccountTeamMember,
    Customer,
    Department,
    Region,
    Staff,
)
from facet_kit.database.base import Base, Scope


class CustomerRef(Base):
    """What other services need to know of a customer to scope, group and label their own rows."""

    __tablename__ = "customer_ref"
    __scope__ = Scope()
    __table_args__ = (
        Index("ix_customer_ref_ancestor_ids", "ancestor_ids", postgresql_using="gin"),
        Index("ix_customer_ref_node_ids", "node_ids", postgresql_using="gin"),
    )

    customer_id: Mapped[str] = mapped_column(primary_key=True)
    group_id: Mapped[str] = mapped_column(index=True)
    ancestor_ids: Mapped[list[str]]
    """Root of the group … the customer itself."""
    name: Mapped[str]
    kind: Mapped[str]
    roles: Mapped[list[str]]
    department_id: Mapped[str] = mapped_column(default="", index=True)
    region_id: Mapped[str] = mapped_column(default="", index=True)
    owner_id: Mapped[str] = mapped_column(default="", index=True)
    key_account: Mapped[bool] = mapped_column(default=False)
    relationship_strategy: Mapped[str] = mapped_column(default="")
    lifecycle_stage: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="")
    merged_into: Mapped[str] = mapped_column(default="")
    node_ids: Mapped[list[str]] = mapped_column(default=list)
    """Classification nodes assigned, and all their ancestors, so that one containment test answers `descendants()`."""


class OrgRef(Base):
    """A department or region with the way to its root."""

    __tablename__ = "org_ref"
    __table_args__ = (Index("ix_org_ref_ancestor_ids", "ancestor_ids", postgresql_using="gin"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    """"department" or "region"."""
    name: Mapped[str]
    ancestor_ids: Mapped[list[str]]


class TeamRef(Base):
    """A place on a customer's account team; on a group's root it covers the whole hierarchy."""

    __tablename__ = "team_ref"

    staff_id: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[str] = mapped_column(primary_key=True, index=True)


class StaffRef(Base):
    """A member of staff, for names, home department and region."""

    __tablename__ = "staff_ref"

    staff_id: Mapped[str] = mapped_column(primary_key=True)
    display_name: Mapped[str]
    department_id: Mapped[str] = mapped_column(default="")
    region_id: Mapped[str] = mapped_column(default="")
    roles: Mapped[list[str]] = mapped_column(default=list)
    manager_id: Mapped[str] = mapped_column(default="")
    active: Mapped[bool] = mapped_column(default=True)


async def store_customer(session: AsyncSession, customer: Customer) -> None:
    """Writes the replica of a customer."""
    await _upsert(
        session,
        CustomerRef,
        customer_id=customer.id,
        group_id=customer.group_id or customer.id,
        ancestor_ids=list(customer.ancestor_ids) or [customer.id],
        name=customer.display_name,
        kind=customer.kind.name,
        roles=[role.name for role in customer.roles],
        department_id=customer.department_id,
        region_id=customer.region_id,
        owner_id=customer.owner_id,
        key_account=customer.key_account,
        relationship_strategy=customer.relationship_strategy.name,
        lifecycle_stage=customer.lifecycle_stage.name,
        status=customer.status.name,
        merged_into=customer.merged_into,
        node_ids=sorted({*customer.node_ids, *customer.node_ancestor_ids}),
    )


async def store_department(session: AsyncSession, department: Department) -> None:
    """Writes the replica of a department."""
    await _store_org(session, department, "department")


async def store_region(session: AsyncSession, region: Region) -> None:
    """Writes the replica of a region."""
    await _store_org(session, region, "region")


async def _store_org(session: AsyncSession, unit: Department | Region, kind: str) -> None:
    ancestors = list(unit.ancestor_ids)
    if unit.id not in ancestors:
        ancestors.append(unit.id)
    await _upsert(session, OrgRef, id=unit.id, kind=kind, name=unit.display_name, ancestor_ids=ancestors)


async def store_staff(session: AsyncSession, staff: Staff) -> None:
    """Writes the replica of a member of staff."""
    await _upsert(
        session,
        StaffRef,
        staff_id=staff.id,
        display_name=staff.display_name,
        department_id=staff.department_id,
        region_id=staff.region_id,
        roles=list(staff.roles),
        manager_id=staff.manager_id,
        active=staff.active,
    )


async def store_team_member(session: AsyncSession, member: AccountTeamMember) -> None:
    """Writes the replica of a place on an account team."""
    statement = insert(TeamRef).values(staff_id=member.staff_id, customer_id=member.customer_id)
    await session.execute(statement.on_conflict_do_nothing())


async def remove_team_member(session: AsyncSession, member: AccountTeamMember) -> None:
    """Takes a place on an account team back."""
    await session.execute(
        delete(TeamRef).where(TeamRef.staff_id == member.staff_id, TeamRef.customer_id == member.customer_id)
    )


async def _upsert(session: AsyncSession, entity: type[Base], **values: Any) -> None:
    keys = [column.name for column in inspect(entity).primary_key]
    # Into the table, not the entity: replicas are written often, and the ORM's own insert costs several times as much.
    statement = insert(cast(Table, entity.__table__)).values(**values)
    changes = {name: statement.excluded[name] for name in values if name not in keys}
    await session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes))
