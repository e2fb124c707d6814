"""Asks the owners for their sections, all at once, each within its time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from protobuf import Registry

from facet_gateway.edge.caller import Caller
from facet_gateway.problem import Problem, unavailable
from facet_gateway.upstream.cells import Cells
from facet_gateway.upstream.client import Upstream
from facet_gateway.view.plan import Origin
from facet_gateway.view.sections import Answer, Source, render, request_for
from facet_kit.clock import Clock
from facet_kit.principal import HEADER


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the owners said: answers, why there is none, and who knows no such account or shows nothing of it."""

    answers: dict[Origin, Answer] = field(default_factory=dict)
    failed: dict[Origin, str] = field(default_factory=dict)
    unknown: set[Origin] = field(default_factory=set)


class FanOut:
    """Asks sources in all cells that have them.

    Args:
        deadline: seconds an owner has to answer.
    """

    def __init__(self, cells: Cells, registry: Registry, clock: Clock, *, deadline: float) -> None:
        self._cells = cells
        self._registry = registry
        self._clock = clock
        self._deadline = deadline

    async def gather(self, caller: Caller, account: str, sources: Iterable[Source]) -> Gathered:
        """What `caller` sees of an account."""
        asked = [
            (source, upstream) for source in sources for upstream in self._cells.everywhere(source.service)
        ]
        gathered = Gathered()
        async with asyncio.TaskGroup() as asking:
            for source, upstream in asked:
                asking.create_task(self._collect(gathered, caller, account, source, upstream))
        return gathered

    async def _collect(
        self, gathered: Gathered, caller: Caller, account: str, source: Source, upstream: Upstream
    ) -> None:
        origin = Origin(upstream.cell, source.service)
        try:
            gathered.answers[origin] = await self.ask(caller, account, source, upstream)
        except Problem as problem:
            if problem.status == 404:
                gathered.unknown.add(origin)
            else:
                gathered.failed[origin] = problem.detail

    async def ask(self, caller: Caller, account: str, source: Source, upstream: Upstream) -> Answer:
        """One source's answer.

        Raises:
            Problem: 404, the source shows the caller no such account; else the owner is away or failed.
        """
        if not upstream.up:
            raise unavailable(
                "UPSTREAM_UNAVAILABLE", f"the {source.service} service does not answer at present"
            )
        metadata = [(HEADER, caller.token(self._clock.now())), ("x-facet-via", "unified-view")]
        reply = await upstream.call(
            source.rpc, request_for(account), seconds=self._deadline, metadata=metadata, retry=True
        )
        return render(source, upstream.cell, reply.payload, self._registry)
