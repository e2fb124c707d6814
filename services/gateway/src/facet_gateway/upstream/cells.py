"""Which services there are, cell by cell, and which of them answers a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from protobuf import Message

from facet_gateway.problem import Problem
from facet_gateway.transcoding.operation import PLATFORM, Operation
from facet_gateway.upstream.breaker import Breaker, BreakerPolicy
from facet_gateway.upstream.client import Upstream


class Cells:
    """Every upstream by cell and service.

    Departments or regions may run their own services; each such set is a cell. Commands and plain reads go to the
    first cell; the unified view asks all of them.
    """

    def __init__(
        self, addresses: Mapping[str, Mapping[str, str]], policy: BreakerPolicy | None = None
    ) -> None:
        self._cells = {
            cell: {
                service: Upstream(service, cell, address, Breaker(policy))
                for service, address in services.items()
            }
            for cell, services in addresses.items()
        }

    def __iter__(self) -> Iterator[Upstream]:
        for services in self._cells.values():
            yield from services.values()

    @property
    def home(self) -> Mapping[str, Upstream]:
        """The services of the first cell."""
        return next(iter(self._cells.values()), {})

    def named(self, service: str) -> Upstream:
        """The upstream of a service in the home cell.

        Raises:
            Problem: 404, there is no such service.
        """
        upstream = self.home.get(service)
        if upstream is None:
            known = ", ".join(sorted(self.home))
            raise Problem(404, "NO_SUCH_SERVICE", f"there is no service {service[:60]!r}; there are {known}")
        return upstream

    def everywhere(self, service: str) -> list[Upstream]:
        """The upstreams of a service in all cells that have it."""
        return [services[service] for services in self._cells.values() if service in services]

    def owner(self, operation: Operation, request: Message) -> Upstream:
        """The upstream that answers an operation.

        What every service answers (dead letters, audit, operations) goes to the service that the request names: in
        its `service` field, or as prefix of an operation's id, `sales-0198…`.

        Raises:
            Problem: 404, there is no such service.
        """
        if operation.service != PLATFORM:
            return self.named(operation.service)
        named = getattr(request, "service", "")
        if isinstance(named, str) and named:
            return self.named(named)
        for variable in operation.template.variables:
            identifier = getattr(request, variable[-1], "")
            for service in sorted(self.home, key=len, reverse=True):
                if isinstance(identifier, str) and identifier.startswith(f"{service}-"):
                    return self.named(service)
        raise Problem(
            404, "NO_SUCH_SERVICE", "no service owns this; its id begins with the name of its service"
        )

    async def close(self) -> None:
        """Closes every channel."""
        for upstream in self:
            await upstream.close()
