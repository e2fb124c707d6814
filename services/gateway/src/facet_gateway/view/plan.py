"""Which sections an answer has: what the caller asked for, of what his permissions open, in every cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from facet_gateway.problem import invalid
from facet_gateway.upstream.cells import Cells
from facet_gateway.upstream.client import Upstream
from facet_gateway.view.sections import Source
from facet_kit.errors import Violation
from facet_kit.principal import Principal


class Origin(NamedTuple):
    """A service of a cell, as the origin of an answer."""

    cell: str
    service: str


@dataclass(frozen=True, slots=True, eq=False)
class Slot:
    """One section of one cell.

    Attributes:
        name: in the answer.
        section: its name in every cell.
        allowed: whether the caller may see the source at all.
    """

    name: str
    section: str
    source: Source
    upstream: Upstream
    allowed: bool = True

    @property
    def origin(self) -> Origin:
        """Whose answer the section is part of."""
        return Origin(self.upstream.cell, self.source.service)


class ViewPlan:
    """All slots there are, and the choice among them.

    Args:
        authority: name of the service that decides whether an account exists and who sees it.
    """

    def __init__(self, sources: Sequence[Source], cells: Cells, authority: str) -> None:
        self.sources = [source for source in sources if cells.everywhere(source.service)]
        self.authority = next(source for source in self.sources if source.service == authority)
        home = next(iter(cells.everywhere(authority))).cell
        self.slots: Sequence[Slot] = [
            Slot(
                name=section.name if upstream.cell == home else f"{section.name}@{upstream.cell}",
                section=section.name,
                source=source,
                upstream=upstream,
            )
            for source in self.sources
            for section in source.sections
            for upstream in cells.everywhere(source.service)
        ]
        self.origins = list(dict.fromkeys(slot.origin for slot in self.slots))
        self.names = frozenset(slot.section for slot in self.slots)
        self._chosen: dict[tuple[str, frozenset[str]], Sequence[Slot]] = {}

    def choose(self, wanted: str, principal: Principal) -> Sequence[Slot]:
        """The slots of an answer.

        Args:
            wanted: names of sections, separated by commas; "" for all that the caller may see.

        Raises:
            Problem: 422, a name is no section.
        """
        opened = frozenset(source.service for source in self.sources if principal.may(source.permission))
        chosen = self._chosen.get((wanted, opened))
        if chosen is None:
            chosen = self._choose(wanted, opened)
            if len(self._chosen) < 1000:
                self._chosen[(wanted, opened)] = chosen
        return chosen

    def _choose(self, wanted: str, opened: frozenset[str]) -> Sequence[Slot]:
        names = {name for name in wanted.split(",") if name}
        unknown = sorted(names - self.names)
        if unknown:
            known = ", ".join(sorted(self.names))
            raise invalid(
                *(Violation("sections", f"{name} is no section; there are {known}") for name in unknown)
            )
        slots: list[Slot] = []
        for slot in self.slots:
            allowed = slot.source.service in opened
            if slot.section in names or (not names and allowed):
                slots.append(slot if allowed else replace(slot, allowed=False))
        return slots
