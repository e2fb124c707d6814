"""Row scope, applied to every ORM statement over a scoped entity, so that no query can forget it (GTW-04, PLT-01).

A row is granted when any relation of its `Scope` connects it with the caller: department subtree, region subtree,
owner, account team, own channel (partners) or own group (customers). Without a relation there is no row.

A statement with the execution option `unscoped=True` sees every row. It is for keeping invariants that reach beyond the
caller's scope (uniqueness, paths of a moved subtree, copies of a parent's columns), never for an answer to a caller.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Table, Text, and_, false, func, or_, select, true
from sqlalchemy import cast as cast_sql
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql.base import ExecutableOption, ReadOnlyColumnCollection
from sqlalchemy.sql.elements import KeyedColumnElement

from facet_kit.database.base import Aggregate, Base, Scope
from facet_kit.principal import Principal, PrincipalKind

PRINCIPAL = "principal"  # key of session.info

_Columns = ReadOnlyColumnCollection[str, KeyedColumnElement[Any]]


class ScopedSession(Session):
    """A session that reads and changes only rows its principal may see. It refuses to work without a principal."""


def row_predicate(entity: type[Base], scope: Scope, principal: Principal) -> ColumnElement[bool]:
    """The condition under which a row of the entity belongs to the principal's scope."""
    if principal.full_scope:
        return true()
    columns = entity.__table__.c
    if principal.kind is PrincipalKind.CUSTOMER:
        return _in_group(columns, scope, principal.group_id)
    if principal.kind is PrincipalKind.PARTNER:
        granted = [_in_group(columns, scope, principal.group_id)]
        if scope.channel and principal.channel_id:
            granted.append(columns[scope.channel] == principal.channel_id)
        return or_(*granted)
    return _for_staff(columns, scope, principal)


def _in_group(columns: _Columns, scope: Scope, group_id: str) -> ColumnElement[bool]:
    if not scope.customer or not group_id:
        return false()
    ref = _customer_ref()
    return columns[scope.customer].in_(select(ref.c.customer_id).where(ref.c.group_id == group_id))


def _for_staff(columns: _Columns, scope: Scope, principal: Principal) -> ColumnElement[bool]:
    granted: list[ColumnElement[bool]] = []
    if scope.department and principal.department_ids:
        granted.append(_in_subtree(columns[scope.department], principal.department_ids))
    if scope.region and principal.region_ids:
        granted.append(_in_subtree(columns[scope.region], principal.region_ids))
    if scope.owner:
        granted.append(columns[scope.owner] == principal.person_id)
    if scope.customer:
        granted.append(columns[scope.customer].in_(_team_customers(principal.person_id)))
    return or_(*granted) if granted else false()


def _in_subtree(column: KeyedColumnElement[Any], roots: frozenset[str]) -> ColumnElement[bool]:
    org = Base.metadata.tables["org_ref"]
    wanted = sorted(roots)
    return or_(
        column.in_(wanted),
        column.in_(select(org.c.id).where(org.c.ancestor_ids.op("&&")(cast_sql(wanted, ARRAY(Text))))),
    )


def _team_customers(staff_id: str) -> Select[str]:
    """Customers of the account teams that the person is on; a team on a group covers the whole hierarchy."""
    team = Base.metadata.tables["team_ref"]
    ref = _customer_ref()
    mine = select(team.c.customer_id).where(team.c.staff_id == staff_id)
    return select(ref.c.customer_id).where(ref.c.ancestor_ids.op("&&")(func.array(mine.scalar_subquery())))


def _customer_ref() -> Table:
    return Base.metadata.tables["customer_ref"]


def apply_row_scope(state: ORMExecuteState) -> None:
    """Adds row scope, and the hiding of softly deleted rows, to an ORM statement; registered on ScopedSession."""
    if state.is_column_load or state.is_insert:
        return
    principal = cast("Principal | None", state.session.info.get(PRINCIPAL))
    if principal is None:
        raise RuntimeError(
            "a session without a principal reads nothing: open it through Database.unit_of_work"
        )
    include_deleted = bool(state.execution_options.get("include_deleted", False))
    unscoped = principal.full_scope or bool(state.execution_options.get("unscoped", False))
    options = _criteria(None if unscoped else principal, include_deleted, len(Base.registry.mappers))
    if options:
        state.statement = state.statement.options(*options)


@lru_cache(maxsize=512)
def _criteria(
    principal: Principal | None, include_deleted: bool, _mappers: int
) -> tuple[ExecutableOption, ...]:
    """The conditions on every entity, for a principal or (None) without scope; built once, they are on every statement.

    `_mappers`, how many entities are mapped, makes the answer anew when another module was imported.
    """
    options: list[ExecutableOption] = []
    for mapper in Base.registry.mappers:
        entity = mapper.class_
        conditions: list[ColumnElement[bool]] = []
        scope = entity.__scope__
        if scope is not None and principal is not None:
            conditions.append(row_predicate(entity, scope, principal))
        if issubclass(entity, Aggregate) and not include_deleted:
            conditions.append(entity.delete_time.is_(None))
        if conditions:
            options.append(with_loader_criteria(entity, and_(*conditions), include_aliases=True))
    return tuple(options)
