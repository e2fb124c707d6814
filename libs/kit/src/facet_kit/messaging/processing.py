"""What happens to an event that arrived, from whichever side: applied, kept in order, buried, replayed."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from facet_kit.clock import Clock
from facet_kit.ids import Ids
from facet_kit.messaging.deadletters import DISCARDED, REPLAYED, DeadLetters
from facet_kit.messaging.envelope import from_headers
from facet_kit.messaging.handlers import Handlers
from facet_kit.messaging.inbox import Contexts, Delivery, Inbox, RetryPolicy
from facet_kit.messaging.ordering import OrderedInbox


class Processing:
    """The events of one consuming service. Works without NATS, so that any role of a service can replay."""

    def __init__(
        self,
        consumer: str,
        handlers: Handlers,
        *,
        sessions: async_sessionmaker[AsyncSession],
        contexts: Contexts,
        clock: Clock,
        ids: Ids,
        policy: RetryPolicy | None = None,
    ) -> None:
        self.consumer = consumer
        self.sessions = sessions
        self.policy = policy or RetryPolicy()
        self._inbox = Inbox(consumer, handlers, sessions=sessions, contexts=contexts, clock=clock)
        self._dead_letters = DeadLetters(consumer, sessions, clock, ids)
        self._ordered = OrderedInbox(self._inbox, self._dead_letters, self.policy)
        self.routes = self._inbox.routes

    async def handle(self, deliveries: Sequence[Delivery]) -> None:
        """Applies events exactly once: in one transaction, those of ordered aggregates each in its own.

        Raises:
            Exception: what a handler raised; the caller delivers all of them again, later or one by one.
        """
        plain = [delivery for delivery in deliveries if not self.routes.in_order(delivery.meta)]
        if plain:
            await self._inbox.apply(plain)
        for delivery in deliveries:
            if self.routes.in_order(delivery.meta):
                await self._ordered.apply(delivery)

    async def bury(self, delivery: Delivery, error: BaseException, attempts: int) -> None:
        """Puts the event among the dead letters, so that it stands in nobody's way."""
        await self._dead_letters.bury(delivery, error, attempts)

    async def replay(self, dead_letter_id: str) -> None:
        """Handles the event of a dead letter again, here and now.

        Raises:
            NotFound: there is no such dead letter.
            Conflict: it was replayed or discarded already.
            Exception: what the handler raised; the dead letter stays open with the new error.
        """
        row = await self._dead_letters.open_letter(dead_letter_id)
        delivery = Delivery(from_headers(row.subject, row.headers), row.payload)
        try:
            if self.routes.in_order(delivery.meta):
                await self._ordered.apply_anyway(delivery)
            else:
                await self._inbox.apply([delivery])
        except Exception as error:
            await self._dead_letters.bury(delivery, error, 1)
            raise
        await self._dead_letters.settle(row.id, REPLAYED)

    async def discard(self, dead_letter_id: str) -> None:
        """Gives the event up; what waited behind it goes on.

        Raises:
            NotFound: there is no such dead letter.
            Conflict: it was replayed or discarded already.
        """
        row = await self._dead_letters.open_letter(dead_letter_id)
        await self._dead_letters.settle(row.id, DISCARDED)

    async def release_overdue(self) -> None:
        """Takes the parked events that have waited long enough."""
        if self.routes.any_ordered:
            await self._ordered.release_overdue()
