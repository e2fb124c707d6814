"""Answers the unified view: prepared bytes for callers who see everything, a slice of their own for all others.

Decides nothing about rows and fields: the services do, when they are asked with the caller's own principal.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from facet_gateway.edge.cache import AgedCache
from facet_gateway.edge.caller import Caller
from facet_gateway.problem import Problem, from_error, unavailable
from facet_gateway.redis_access import RedisAway
from facet_gateway.view.document import Part, ViewDocument, document
from facet_gateway.view.fanout import FanOut, Gathered
from facet_gateway.view.plan import Slot, ViewPlan
from facet_gateway.view.sections import Source
from facet_gateway.view.store import SectionStore, Stored, StoredSlice, is_complete
from facet_kit.clock import Clock
from facet_kit.errors import NotFound

_HOUR: Final = "%Y-%m-%dT%H"  # how versions, which are RFC 3339 times, begin
_ACCOUNT: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class _Found:
    """What an answer can be made of: prepared sections, and what was gathered for this read."""

    stored: Stored = field(default_factory=lambda: Stored({}, {}))
    gathered: Gathered = field(default_factory=Gathered)


class ViewReader:
    """Reads views.

    Args:
        itself: the gateway as a caller who sees everything, in whose name shared answers are prepared.
        clock: says which hour it is.
    """

    def __init__(
        self, plan: ViewPlan, store: SectionStore, fan_out: FanOut, itself: Caller, clock: Clock
    ) -> None:
        self._plan = plan
        self._store = store
        self._fan_out = fan_out
        self._itself = itself
        self._clock = clock
        self._renewals: set[asyncio.Task[Gathered]] = set()
        self._flights: AgedCache[tuple[str, str], Gathered] = AgedCache(1)

    async def read(self, caller: Caller, account: str, wanted: str) -> ViewDocument:
        """The view of an account as the caller sees it.

        Args:
            wanted: names of sections, separated by commas; "" for all.

        Raises:
            Problem: 404, there is no such account for this caller; 422, a section is unknown; 503, nothing is
                prepared and nobody can be asked.
        """
        slots = self._plan.choose(wanted, caller.principal)
        if not _ACCOUNT.fullmatch(account):
            raise _no_such(account)
        shared = caller.principal.full_scope and caller.principal.internal
        found = await (self._shared(account, slots) if shared else self._slice(caller, account))
        parts = [part for slot in slots if (part := _part(slot, found)) is not None]
        return document(account, "full" if shared else "partial", parts)

    async def _shared(self, account: str, slots: Sequence[Slot]) -> _Found:
        """For callers who see everything: one round trip, and no parsing, when all is prepared."""
        try:
            stored = await self._store.read(account, slots)
        except RedisAway:
            stored = Stored({}, {})
        missing = {slot.source for slot in slots if slot.allowed and slot.origin not in stored.versions}
        known = any(origin.service == self._plan.authority.service for origin in stored.versions)
        if known and not missing:
            self._renew(account, slots, stored)
            return _Found(stored)
        if not known:
            missing.add(self._plan.authority)
        gathered = await self.prepare(account, missing)
        self._refuse_unseen(account, gathered, known=bool(stored.versions))
        return _Found(stored, gathered)

    def _renew(self, account: str, slots: Sequence[Slot], stored: Stored) -> None:
        """Asks again, behind the reader's back, for what was prepared in an earlier hour: some figures change with the
        day and without an event (what is overdue). The reader is not kept waiting, and a service that is away costs
        nothing but the attempt.
        """
        hour = self._clock.now().strftime(_HOUR).encode("ascii")
        aged = {slot.source for slot in slots if stored.versions.get(slot.origin, hour)[: len(hour)] < hour}
        if aged:
            renewal = asyncio.create_task(self.prepare(account, aged))
            self._renewals.add(renewal)
            renewal.add_done_callback(self._renewals.discard)

    async def prepare(self, account: str, sources: set[Source]) -> Gathered:
        """Asks for shared answers and stores them; whoever wants the same meanwhile waits for the same asking."""
        ordered = [source for source in self._plan.sources if source in sources]
        key = (account, ",".join(source.service for source in ordered))
        return await self._flights.shared(key, lambda: self._prepare(account, ordered))

    async def _prepare(self, account: str, sources: Sequence[Source]) -> Gathered:
        gathered = await self._fan_out.gather(self._itself, account, sources)
        names = {source.service: [section.name for section in source.sections] for source in sources}
        if not self._is_unseen(gathered):
            with suppress(RedisAway):
                for origin, answer in gathered.answers.items():
                    await self._store.write(account, origin, names[origin.service], answer)
        return gathered

    async def _slice(self, caller: Caller, account: str) -> _Found:
        """For narrower scopes: the slice made before, as long as nothing of the account has changed since."""
        try:
            kept = await self._store.read_slice(account, caller.scope_name)
        except RedisAway:
            kept = StoredSlice(b"", None, Stored({}, {}))
        if kept.holds:
            if not kept.stored.versions:
                raise _no_such(account)
            return _Found(kept.stored)
        sources = [source for source in self._plan.sources if caller.principal.may(source.permission)]
        key = (account, caller.scope_name)
        gathered = await self._flights.shared(key, lambda: self._fan_out.gather(caller, account, sources))
        await self._keep(caller, account, kept.basis, gathered)
        self._refuse_unseen(account, gathered, known=bool(kept.stored.versions))
        return _Found(kept.stored, gathered)

    async def _keep(self, caller: Caller, account: str, basis: bytes, gathered: Gathered) -> None:
        """Keeps a slice where a change of the account will be noticed; else sees to it that the next one will be."""
        if gathered.failed or not basis:
            return
        unseen = self._is_unseen(gathered)
        with suppress(RedisAway):
            if is_complete(basis):
                answers = {} if unseen else gathered.answers
                await self._store.write_slice(account, caller.scope_name, basis, answers)
            elif not unseen:
                await self.prepare(account, set(self._plan.sources))

    def _is_unseen(self, gathered: Gathered) -> bool:
        """Whether the owner of customers has said that the caller sees no such account."""
        authority = self._plan.authority.service
        asked = [origin for origin in self._plan.origins if origin.service == authority]
        return any(origin in gathered.unknown for origin in asked) and not any(
            origin in gathered.answers or origin in gathered.failed for origin in asked
        )

    def _refuse_unseen(self, account: str, gathered: Gathered, *, known: bool) -> None:
        """Unknown and foreign accounts are the same 404. While the owner of customers is away, what was prepared
        before and what others answer decides.
        """
        if self._is_unseen(gathered):
            raise _no_such(account)
        if known or gathered.answers:
            return
        if gathered.unknown:
            raise _no_such(account)
        raise unavailable(
            "VIEW_UNAVAILABLE", "no service can be asked about this customer at present; try again"
        )


def _part(slot: Slot, found: _Found) -> Part | None:
    """The section of a slot; None for one that its owner leaves out."""
    origin, up = slot.origin, slot.upstream.up
    if not slot.allowed:
        reason = f"your roles do not grant the permission {slot.source.permission}"
        return Part(slot.name, origin.service, origin.cell, up, reason=reason)
    answer = found.gathered.answers.get(origin)
    if answer is not None:
        fragment, version = answer.fragments.get(slot.section, b""), answer.version
    else:
        fragment, version = found.stored.fragments.get(slot, b""), found.stored.versions.get(origin, b"")
    if fragment:
        return Part(slot.name, origin.service, origin.cell, up, fragment, version)
    if origin in found.gathered.failed:
        return Part(slot.name, origin.service, origin.cell, up, reason=found.gathered.failed[origin])
    if origin in found.gathered.unknown:
        reason = f"the {origin.service} service knows nothing of this customer yet"
        return Part(slot.name, origin.service, origin.cell, up, reason=reason)
    return None


def _no_such(account: str) -> Problem:
    return from_error(NotFound("Customer", account))
