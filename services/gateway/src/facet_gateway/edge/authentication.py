"""From a request's credentials to its caller."""

from __future__ import annotations

from typing import Final, Protocol

from starlette.types import Scope

from facet_gateway.edge.caller import Caller
from facet_gateway.edge.context import headers
from facet_gateway.edge.directory import Directory
from facet_gateway.edge.oidc import TokenVerifier
from facet_gateway.problem import unauthenticated, unparseable

API_KEY_HEADER: Final = b"x-api-key"


class KeyRing(Protocol):
    """Finds the caller behind an API key."""

    async def caller(self, secret: str) -> Caller:
        """The caller.

        Raises:
            Problem: 401, the key is unknown, revoked or expired; 503, nobody can say at present.
        """
        ...


class Authenticator:
    """Accepts one credential per request: a bearer token or an API key."""

    def __init__(self, tokens: TokenVerifier, keys: KeyRing, directory: Directory) -> None:
        self._tokens = tokens
        self._keys = keys
        self._directory = directory

    async def authenticate(self, scope: Scope) -> Caller:
        """The caller.

        Raises:
            Problem: 400, several credentials; 401, none or one that proves nothing; 503, nobody can say at present.
        """
        authorizations = headers(scope, b"authorization")
        secrets = headers(scope, API_KEY_HEADER)
        if len(authorizations) + len(secrets) > 1:
            raise unparseable("AMBIGUOUS_CREDENTIALS", "send one credential: a bearer token or an API key")
        if secrets:
            return await self._keys.caller(secrets[0])
        if not authorizations:
            raise unauthenticated("send a bearer token or an API key")
        scheme, _, token = authorizations[0].partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise unauthenticated("the Authorization header must read: Bearer <token>")
        identity = await self._tokens.verify(token.strip())
        return await self._directory.caller(identity.issuer, identity.subject)
