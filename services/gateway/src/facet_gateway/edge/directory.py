"""From a proven subject to a principal: asks the customer service, and lives on what it last said when that is away."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from time import monotonic
from typing import Final

from facet_contracts.facet.customer.v1.directory_service_pb import ResolvePrincipalRequest
from facet_contracts.facet.customer.v1.resources_pb import PrincipalKind as RecordKind
from facet_contracts.facet.customer.v1.resources_pb import PrincipalRecord
from facet_gateway.edge.cache import AgedCache
from facet_gateway.edge.caller import Caller
from facet_gateway.problem import Problem, unauthenticated
from facet_gateway.redis_access import RedisAccess, RedisAway
from facet_gateway.upstream.client import Upstream
from facet_kit.clock import Clock
from facet_kit.principal import HEADER, Principal, PrincipalKind, PrincipalSigner, service_principal

_RESOLVE: Final = "/facet.customer.v1.DirectoryService/ResolvePrincipal"
_FRESH_SECONDS = 5.0
_LAST_KNOWN_SECONDS = 3600.0
_TIMEOUT_SECONDS = 2.0
_KINDS = {
    RecordKind.STAFF: PrincipalKind.STAFF,
    RecordKind.CUSTOMER: PrincipalKind.CUSTOMER,
    RecordKind.PARTNER: PrincipalKind.PARTNER,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """What the directory says of a subject.

    Attributes:
        payload: the record as it came.
        caller: made of the record; None for nobody and for a person who may not sign in.
        confirmed: when the directory last said so, on the monotonic clock.
    """

    payload: bytes
    caller: Caller | None
    confirmed: float


class Directory:
    """Resolves subjects. A change of rights is in force within five seconds, and at once where events arrive."""

    def __init__(
        self, upstream: Callable[[], Upstream], redis: RedisAccess, signer: PrincipalSigner, clock: Clock
    ) -> None:
        self._upstream = upstream
        self._redis = redis
        self._signer = signer
        self._clock = clock
        self._itself = Caller(service_principal("gateway"), signer)
        self._entries: AgedCache[tuple[str, str], Entry] = AgedCache(20_000)

    async def caller(self, issuer: str, subject: str) -> Caller:
        """The caller behind a subject.

        Raises:
            Problem: 401, nobody has this subject or the person may not sign in; 503, nobody can say at present.
        """
        key = (issuer, subject.casefold())
        entry = self._entries.get(key, max_age=_FRESH_SECONDS)
        if entry is None:
            entry = await self._entries.shared(key, lambda: self._refresh(key))
        if entry.caller is None:
            raise unauthenticated("the directory knows no active person with this sign-in", "UNKNOWN_SUBJECT")
        return entry.caller

    def forget(self, person_id: str) -> None:
        """Something about the person changed: ask again at the next request."""
        self._entries.expire(
            lambda entry: entry.caller is None or entry.caller.principal.person_id == person_id
        )

    async def _refresh(self, key: tuple[str, str]) -> Entry:
        issuer, subject = key
        request = ResolvePrincipalRequest(issuer=issuer, subject=subject)
        metadata = ((HEADER, self._itself.token(self._clock.now())),)
        try:
            reply = await self._upstream().call(
                _RESOLVE, request.to_binary(), seconds=_TIMEOUT_SECONDS, metadata=metadata, retry=True
            )
        except Problem as problem:
            if problem.status == 404 and problem.reason != "NO_SUCH_SERVICE":
                return Entry(b"", None, monotonic())
            if problem.status < 500:
                raise
            return await self._last_known(key, problem)
        await self._remember(key, reply.payload)
        known = self._entries.get(key, max_age=_LAST_KNOWN_SECONDS)
        if known is not None and known.payload == reply.payload:
            return replace(known, confirmed=monotonic())
        return self._entry(subject, reply.payload, monotonic())

    async def _last_known(self, key: tuple[str, str], problem: Problem) -> Entry:
        """What was known less than an hour ago: in this process, or in Redis."""
        known = self._entries.get(key, max_age=_LAST_KNOWN_SECONDS)
        if known is None or known.caller is None:
            known = await self._recall(key)
        if known is None or monotonic() - known.confirmed > _LAST_KNOWN_SECONDS:
            raise problem
        return known

    def _entry(self, subject: str, payload: bytes, confirmed: float) -> Entry:
        principal = _principal(PrincipalRecord.from_binary(payload), subject)
        return Entry(payload, Caller(principal, self._signer) if principal is not None else None, confirmed)

    async def _remember(self, key: tuple[str, str], payload: bytes) -> None:
        with suppress(RedisAway):
            await self._redis.run(
                lambda redis: redis.set(_redis_key(key), payload, ex=int(_LAST_KNOWN_SECONDS))
            )

    async def _recall(self, key: tuple[str, str]) -> Entry | None:
        """What any gateway process remembered in Redis; its time to live tells how long ago that was."""
        name = _redis_key(key)
        with suppress(RedisAway):
            payload = await self._redis.run(lambda redis: redis.get(name))
            left = await self._redis.run(lambda redis: redis.ttl(name))
            if isinstance(payload, bytes) and left > 0:
                return self._entry(key[1], payload, monotonic() - (_LAST_KNOWN_SECONDS - left))
        return None


def _principal(record: PrincipalRecord, subject: str) -> Principal | None:
    kind = _KINDS.get(record.kind)
    if kind is None or not record.active:
        return None
    return Principal(
        id=subject,
        kind=kind,
        person_id=record.person_id,
        name=record.display_name,
        roles=frozenset(record.roles),
        department_id=record.department_id,
        region_id=record.region_id,
        department_ids=frozenset(record.department_ids),
        region_ids=frozenset(record.region_ids),
        full_scope=record.full_scope,
        group_id=record.group_id,
        channel_id=record.channel_id,
    )


def _redis_key(key: tuple[str, str]) -> str:
    return "facet:directory:" + hashlib.sha256("\x1f".join(key).encode()).hexdigest()
