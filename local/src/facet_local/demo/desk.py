"""Calls the services as the people of the enterprise, each at the moment it happened: history goes through the same use
cases as any other call, only the clock of each call is set.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import grpc
from protobuf import Message

from facet_kit.principal import HEADER, Principal, PrincipalKind, PrincipalSigner
from facet_local.demo.enterprise import Person

M = TypeVar("M", bound=Message[Any])
Rpc = Callable[..., Awaitable[M]]
_SHANGHAI = ZoneInfo("Asia/Shanghai")
_CALL_SECONDS = 30.0
_ATTEMPTS = 6


@dataclass(slots=True)
class Directory:
    """The services' ids of what the generator knows by key."""

    staff: dict[str, str] = field(default_factory=dict)
    departments: dict[str, str] = field(default_factory=dict)
    regions: dict[str, str] = field(default_factory=dict)
    nodes: dict[str, str] = field(default_factory=dict)
    products: dict[str, str] = field(default_factory=dict)
    customers: dict[str, str] = field(default_factory=dict)
    contacts: dict[str, str] = field(default_factory=dict)


class Desk:
    """Whoever acts, acts from here. `calls` counts what was done."""

    def __init__(self, addresses: Mapping[str, str], principal_key: str, *, parallel: int = 12) -> None:
        self.directory = Directory()
        self.calls = 0
        self._signer = PrincipalSigner(principal_key)
        self._channels = {name: grpc.aio.insecure_channel(address) for name, address in addresses.items()}
        self._room = asyncio.Semaphore(parallel)

    def client(self, service: str, stub: Callable[[grpc.aio.Channel], Any]) -> Any:
        """A stub of a service."""
        return stub(self._channels[service])

    async def act(self, rpc: Rpc[M], request: Message[Any], *, by: Person | None, at: datetime) -> M:
        """One call by a person (None: the platform's own set-up) at a moment.

        Raises:
            grpc.aio.AioRpcError: the service refused; a service that is not there yet is tried again first.
        """
        token = self._signer.sign(self._principal(by, at), now=datetime.now(UTC))
        metadata = ((HEADER, token), ("x-facet-via", "demo"))
        async with self._room:
            for attempt in range(_ATTEMPTS):
                try:
                    answer = await rpc(request, metadata=metadata, timeout=_CALL_SECONDS)
                    self.calls += 1
                    return answer
                except grpc.aio.AioRpcError as error:
                    if error.code() is not grpc.StatusCode.UNAVAILABLE or attempt == _ATTEMPTS - 1:
                        raise
                    await asyncio.sleep(0.2 * 2**attempt)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _principal(self, person: Person | None, at: datetime) -> Principal:
        if person is None:
            kind, id, roles = PrincipalKind.SERVICE, "service:demo", frozenset({"system"})
            return Principal(id=id, kind=kind, person_id=id, name="demo", roles=roles, full_scope=True, at=at)
        id = self.directory.staff[person.key]
        return Principal(
            id=id,
            kind=PrincipalKind.STAFF,
            person_id=id,
            name=person.name,
            roles=frozenset({person.role}),
            department_id=self.directory.departments[person.department],
            region_id=self.directory.regions[person.city],
            full_scope=True,  # the generator lets people deal with their own customers only
            at=at,
        )

    async def close(self) -> None:
        """Closes the channels."""
        for channel in self._channels.values():
            await channel.close()


def moment(day: date, hour: int, minute: int = 0) -> datetime:
    """A time of day in the enterprise's head office (Asia/Shanghai), as UTC."""
    return datetime.combine(day, time(hour, minute), _SHANGHAI).astimezone(UTC)


def workday(day: date) -> date:
    """The day itself, or the Monday after a weekend."""
    return day + timedelta(days=max(0, 7 - day.weekday())) if day.weekday() >= 5 else day
