"""What the edge knows of the request in hand; travels in the ASGI scope from the outermost layer to the handler."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from starlette.types import Scope

from facet_gateway.edge.caller import Caller
from facet_gateway.problem import unauthenticated

_KEY = "facet.edge"


@dataclass(slots=True)
class EdgeContext:
    """One request.

    Attributes:
        request_id: from the client, or new; names the request in logs, audit and problems.
        trace_id: W3C trace id, 32 hex digits; all zero when nothing is traced.
        caller: who calls, once that is known.
        operation: name of the operation, once the path is matched.
    """

    request_id: str
    trace_id: str = "0" * 32
    caller: Caller | None = None
    operation: str = ""

    def signed_in(self) -> Caller:
        """The caller.

        Raises:
            Problem: 401, nobody is known to be calling.
        """
        if self.caller is None:
            raise unauthenticated("send a bearer token or an API key")
        return self.caller


def context_of(scope: Scope) -> EdgeContext:
    """The context of a request that has passed the outermost layer."""
    return cast("EdgeContext", scope[_KEY])


def attach(scope: Scope, context: EdgeContext) -> None:
    """Puts the context into a request's scope."""
    scope[_KEY] = context


def header(scope: Scope, name: bytes) -> str | None:
    """The first header of this lower-case name."""
    for key, value in cast("Iterable[tuple[bytes, bytes]]", scope["headers"]):
        if key == name:
            return value.decode("latin-1")
    return None


def headers(scope: Scope, name: bytes) -> list[str]:
    """Every header of this lower-case name."""
    listed = cast("Iterable[tuple[bytes, bytes]]", scope["headers"])
    return [value.decode("latin-1") for key, value in listed if key == name]
