"""The edge's look at API keys: from a secret to the caller it stands for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker

from facet_gateway.edge.cache import AgedCache
from facet_gateway.edge.caller import Caller
from facet_gateway.edge.directory import Directory
from facet_gateway.keys.model import ApiKey
from facet_gateway.keys.policy import hash_of, looks_like_secret
from facet_gateway.problem import Problem, unauthenticated, unavailable
from facet_kit.clock import Clock
from facet_kit.principal import PrincipalKind

_FRESH_SECONDS = 5.0
_LAST_KNOWN_SECONDS = 600.0
_ISSUER: Final = "facet:api-keys"


@dataclass(frozen=True, slots=True)
class KnownKey:
    """What the edge remembers of a key; `id` is "" for a secret that opens nothing."""

    id: str
    subject: str = ""
    scopes: tuple[str, ...] = ()
    ends: datetime | None = None


class ApiKeyRing:
    """Finds callers by secret. A revoked key stops working within five seconds, and at once where the event arrives."""

    def __init__(
        self, sessions: async_sessionmaker[AsyncSession], directory: Directory, clock: Clock
    ) -> None:
        self._sessions = sessions
        self._directory = directory
        self._clock = clock
        self._known: AgedCache[str, KnownKey] = AgedCache(10_000)
        self._callers: AgedCache[str, tuple[Caller, Caller]] = AgedCache(10_000)

    async def caller(self, secret: str) -> Caller:
        """The caller behind a secret: its maker, narrowed to the key's scopes.

        Raises:
            Problem: 401, the key opens nothing; 503, nobody can say at present.
        """
        if not looks_like_secret(secret):
            raise _refused()
        digest = hash_of(secret)
        key = self._known.get(digest, max_age=_FRESH_SECONDS)
        if key is None:
            key = await self._known.shared(digest, lambda: self._look_up(digest))
        if not key.id or (key.ends is not None and key.ends <= self._clock.now()):
            raise _refused()
        maker = await self._directory.caller(_ISSUER, key.subject)
        if maker.principal.kind is not PrincipalKind.STAFF:
            raise _refused()
        return self._narrowed(key, maker)

    def forget(self, key_id: str) -> None:
        """The key changed: ask again at the next request."""
        self._known.expire(lambda key: key.id == key_id)

    def _narrowed(self, key: KnownKey, maker: Caller) -> Caller:
        made = self._callers.get(key.id, max_age=_LAST_KNOWN_SECONDS)
        if made is not None and made[0] is maker:
            return made[1]
        principal = replace(
            maker.principal, id=f"api-key:{key.id}", kind=PrincipalKind.API_KEY, scopes=key.scopes
        )
        caller = Caller(principal, maker.signer)
        self._callers.put(key.id, (maker, caller))
        return caller

    async def _look_up(self, digest: str) -> KnownKey:
        try:
            async with self._sessions() as session:
                found = (
                    await session.execute(select(ApiKey).where(ApiKey.secret_hash == digest))
                ).scalar_one_or_none()
        except (SQLAlchemyError, OSError, TimeoutError) as error:
            known = self._known.get(digest, max_age=_LAST_KNOWN_SECONDS)
            if known is not None:
                return known
            raise unavailable(
                "KEYS_UNAVAILABLE", "API keys cannot be checked at present; try again"
            ) from error
        if found is None or not found.works(self._clock.now()):
            return KnownKey("")
        return KnownKey(found.id, found.subject, tuple(found.scopes), found.expire_time)


def _refused() -> Problem:
    return unauthenticated("the API key is unknown, revoked or expired", "INVALID_API_KEY")
