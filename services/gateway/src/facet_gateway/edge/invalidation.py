"""Forgets what the edge remembers of people and keys as soon as an event says that it changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from facet_kit.messaging.streams import connect

log = structlog.get_logger(__name__)

Forget = Callable[[str], None]
_SUBJECT_HEADER: Final = "ce-subject"


class Invalidation:
    """Listens to the live events, without a consumer: what is missed is asked anew within seconds anyway.

    Args:
        forget: what to do with the id of the changed thing, by subject, for example `facet.customer.staff.*`.
    """

    def __init__(self, nats_url: str, forget: Mapping[str, Forget]) -> None:
        self._url = nats_url
        self._forget = forget
        self._client: Client | None = None

    async def start(self) -> None:
        """Connects, as soon as there is a server, and listens; NATS renews the subscriptions by itself."""
        self._client = await connect(self._url, "facet-gateway-edge")
        for subject, forget in self._forget.items():
            await self._client.subscribe(subject, cb=_listener(forget))

    async def close(self) -> None:
        """Stops listening."""
        if self._client is not None and not self._client.is_closed:
            await self._client.close()


def _listener(forget: Forget) -> Callable[[Msg], Awaitable[None]]:
    async def heard(message: Msg) -> None:
        if changed := (message.headers or {}).get(_SUBJECT_HEADER):
            forget(changed)

    return heard
