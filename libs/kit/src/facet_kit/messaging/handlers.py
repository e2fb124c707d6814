"""Which function handles which event, and what it needs of the order of events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from protobuf import Message

from facet_kit.messaging.envelope import EventMeta, EventType, event_type

if TYPE_CHECKING:
    from facet_kit.context import Ctx

M = TypeVar("M", bound=Message[Any])


@dataclass(frozen=True, slots=True)
class Registration:
    """One function's interest in one event."""

    event: EventType
    handle: Callable[[Ctx, Message[Any], EventMeta], Awaitable[None]]
    name: str
    ordered: bool
    additive: bool
    sources: tuple[str, ...]


class Handlers:
    """The event handlers of a feature; a service merges those of its features."""

    def __init__(self, *parts: Handlers) -> None:
        self._registrations = [registration for part in parts for registration in part]

    def __iter__(self) -> Iterator[Registration]:
        return iter(self._registrations)

    def on(
        self, event: type[M], *, ordered: bool = False, additive: bool = False, sources: Sequence[str] = ()
    ) -> Callable[
        [Callable[[Ctx, M, EventMeta], Awaitable[None]]], Callable[[Ctx, M, EventMeta], Awaitable[None]]
    ]:
        """Lets the function handle the event; effects and the mark that it was handled commit together.

        By default the event carries state: it is ignored when this function has already seen a newer event of
        the same aggregate. `additive` (counts, ledgers): every event is applied once, whatever the order.
        `ordered`: the events of the aggregate are applied in version order, a gap is waited for.
        `sources` names the publishers of a shared event.

        Raises:
            ValueError: no event, a shared event without `sources`, or `ordered` together with `additive`.
        """
        kind = event_type(event)
        publishers = (kind.service,) if kind.service else tuple(sources)
        if not publishers or (kind.service and sources):
            raise ValueError(f"{kind.type_name}: name its sources exactly if any service may publish it")
        if ordered and additive:
            raise ValueError(
                f"{kind.type_name}: ordered handlers see each event once, in order; drop `additive`"
            )

        def register(
            function: Callable[[Ctx, M, EventMeta], Awaitable[None]],
        ) -> Callable[[Ctx, M, EventMeta], Awaitable[None]]:
            handle = cast("Callable[[Ctx, Message[Any], EventMeta], Awaitable[None]]", function)
            name = f"{function.__module__}.{function.__qualname__}"
            self._registrations.append(Registration(kind, handle, name, ordered, additive, publishers))
            return function

        return register


class Routes:
    """The handlers of a service by subject."""

    def __init__(self, handlers: Handlers) -> None:
        self._by_subject: dict[str, list[Registration]] = defaultdict(list)
        self._ordered: set[str] = set()
        for registration in handlers:
            for source in registration.sources:
                self._by_subject[registration.event.subject(source)].append(registration)
                if registration.ordered:
                    self._ordered.add(f"{source}.{registration.event.aggregate}")

    def __getitem__(self, subject: str) -> Sequence[Registration]:
        return self._by_subject.get(subject, ())

    @property
    def any_ordered(self) -> bool:
        """Whether some handler keeps the order, so that events may be parked."""
        return bool(self._ordered)

    def in_order(self, meta: EventMeta) -> bool:
        """Whether the events of this aggregate are handled in version order."""
        return meta.version > 0 and f"{meta.source}.{meta.aggregate}" in self._ordered

    def subjects(self) -> dict[str, list[str]]:
        """What to subscribe to, by publisher: only who gets all events of an aggregate sees a gap."""
        wanted: dict[str, set[str]] = defaultdict(set)
        for subject in self._by_subject:
            _, source, aggregate, _ = subject.split(".")
            ordered = f"{source}.{aggregate}" in self._ordered
            wanted[source].add(f"facet.{source}.{aggregate}.*" if ordered else subject)
        return {source: sorted(subjects) for source, subjects in sorted(wanted.items())}
