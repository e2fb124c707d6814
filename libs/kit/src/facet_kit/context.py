"""What a use case receives: caller, unit of work, clock, ids, and ways to announce facts. Nothing is global."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from protobuf import Message
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.interfaces import ORMOption

from facet_kit.clock import Clock, FixedClock, SystemClock
from facet_kit.database.base import Aggregate, Base
from facet_kit.errors import Invalid, NotFound, PreconditionMissing, Stale
from facet_kit.ids import Ids, created_at_ms
from facet_kit.messaging import outbox
from facet_kit.principal import Principal
from facet_kit.refs import CustomerRef

E = TypeVar("E", bound=Aggregate)

# A customer made moments ago may still be on its way to this service's replica; its id tells its age.
_REPLICA_PATIENCE_SECONDS = 3.0
_FRESH_MS = 30_000
_HISTORY_GRACE = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class RequestInfo:
    """The call around a use case: for audit, idempotency and page tokens."""

    request_id: str = ""
    via: str = ""
    idempotency_key: str = ""
    reason: str = ""
    page_token_key: bytes = b""


@dataclass(slots=True)
class Ctx:
    """The first argument of every use case."""

    service: str
    principal: Principal
    session: AsyncSession
    clock: Clock
    ids: Ids
    request: RequestInfo = field(default_factory=RequestInfo)
    published: list[tuple[Message[Any], str, int]] = field(
        default_factory=list[tuple[Message[Any], str, int]]
    )
    touched: set[str] = field(default_factory=set[str])

    async def get(
        self,
        entity: type[E],
        id: str,
        *,
        etag: str | None = None,
        for_update: bool = False,
        options: Sequence[ORMOption] = (),
    ) -> E:
        """The entity with this id, within the caller's row scope.

        Pass the request's `etag` wherever a shared record is changed. `for_update` locks the row until commit.

        Raises:
            NotFound: unknown, deleted or outside the scope.
            PreconditionMissing: `etag` is empty.
            Stale: `etag` names another state than the present one.
        """
        query = select(entity).where(entity.id == id).options(*options)
        if for_update:
            query = query.with_for_update().execution_options(populate_existing=True)
        found = (await self.session.execute(query)).scalar_one_or_none()
        name = entity.__name__
        if found is None:
            raise NotFound(name, id)
        if etag is not None:
            check_etag(found, etag)
        return found

    async def customer(self, customer_id: str, *, field: str = "customer_id") -> CustomerRef:
        """The replica of a customer in the caller's scope.

        Raises:
            Invalid: no such customer for this caller; names `field`.
        """
        query = select(CustomerRef).where(CustomerRef.customer_id == customer_id)
        found = (await self.session.execute(query)).scalar_one_or_none()
        patience = _REPLICA_PATIENCE_SECONDS if self._is_fresh(customer_id) else 0.0
        while found is None and patience > 0:
            await asyncio.sleep(0.02)
            patience -= 0.02
            found = (await self.session.execute(query)).scalar_one_or_none()
        if found is None:
            raise Invalid(
                "CUSTOMER_UNKNOWN",
                f"There is no customer {customer_id!r} that you may see. Search for it, or ask its owner for access.",
                field=field,
            )
        return found

    def _is_fresh(self, id: str) -> bool:
        made = created_at_ms(id)
        return made is not None and SystemClock().now().timestamp() * 1000 - made < _FRESH_MS

    def add(self, entity: Base) -> None:
        """Puts a new entity under the unit of work; an aggregate without an id gets one."""
        if isinstance(entity, Aggregate):
            if not entity.id:
                entity.id = self.ids.new()
            entity.create_time = entity.update_time = self.clock.now()
        self.session.add(entity)

    async def flush(self) -> None:
        """Writes pending changes; then version, etag and defaults are final. A use case that changes things ends so."""
        from facet_kit.custom_fields.settling import settle_custom_fields  # which itself works on a Ctx

        await settle_custom_fields(self)
        await self.session.flush()

    def publish(self, event: Message[Any], *, aggregate_id: str, version: int) -> None:
        """Announces a fact that no aggregate recorded itself."""
        self.published.append((event, aggregate_id, version))

    async def schedule(self, timer: Message[Any], *, deliver_at: datetime, key: str) -> None:
        """Writes a timer event for `deliver_at`; one with the same key replaces the one that has not fired yet."""
        if isinstance(self.clock, FixedClock):
            # History is being loaded: what has to happen before this timer may not have been told yet.
            deliver_at = max(deliver_at, SystemClock().now() + _HISTORY_GRACE)
        await outbox.schedule(self, timer, deliver_at=deliver_at, key=key)

    async def cancel(self, key: str) -> None:
        """Takes back the timer with this key, if it has not fired yet."""
        await outbox.cancel(self, key)

    def touch_account(self, *customer_ids: str) -> None:
        """Says that this service's sections of these customers changed; one event per transaction tells the gateway."""
        self.touched.update(customer_ids)


def check_etag(entity: Aggregate, etag: str) -> None:
    """Compares the etag that a caller saw with the entity's state.

    Raises:
        PreconditionMissing: the caller named none.
        Stale: the entity has changed since.
    """
    name = type(entity).__name__
    if not etag:
        raise PreconditionMissing(name, entity.id)
    if etag.strip('"').removeprefix("W/").strip('"') != entity.etag:
        raise Stale(name, entity.id)
