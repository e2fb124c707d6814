"""An issuer's public keys over HTTP: OpenID Connect discovery, then its key set, cached."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import aiohttp
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from facet_gateway.problem import unavailable

log = structlog.get_logger(__name__)

_FRESH_SECONDS = 600.0
# How often an unknown key id may make the key set be fetched again: anybody can invent key ids.
_REFETCH_SECONDS = 30.0
_TIMEOUT = aiohttp.ClientTimeout(total=5)
_MAX_BYTES = 512 * 1024


class DiscoveredKeys:
    """The key set of one issuer. When the issuer is away, the last known keys stay good."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._keys: KeySet | None = None
        self._tried_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def keys(self, *, unknown_kid: bool) -> KeySet:
        """The keys, fetched when they are missing, old, or lack the one that a token names.

        Raises:
            Problem: 503, the issuer cannot be reached and no keys are known yet.
        """
        if self._keys is not None and not self._due(unknown_kid):
            return self._keys
        async with self._fetching:
            if self._keys is None or self._due(unknown_kid):
                self._tried_at = monotonic()
                try:
                    self._keys = await self._fetch()
                except (
                    aiohttp.ClientError,
                    TimeoutError,
                    ValueError,
                    KeyError,
                    TypeError,
                    JoseError,
                ) as error:
                    log.warning("issuer_keys_not_fetched", issuer=self._issuer, error=repr(error))
        if self._keys is None:
            raise unavailable("ISSUER_UNAVAILABLE", "the sign-in service cannot be reached; try again")
        return self._keys

    def _due(self, unknown_kid: bool) -> bool:
        return monotonic() - self._tried_at > (_REFETCH_SECONDS if unknown_kid else _FRESH_SECONDS)

    async def _fetch(self) -> KeySet:
        async with aiohttp.ClientSession(timeout=_TIMEOUT) as session:
            configuration = await _json(
                session, self._issuer.rstrip("/") + "/.well-known/openid-configuration"
            )
            if configuration["issuer"] != self._issuer:
                raise ValueError("the issuer's configuration names another issuer")
            keys = await _json(session, str(configuration["jwks_uri"]))
        usable = [key for key in keys["keys"] if key.get("use", "sig") == "sig" and key.get("kty") != "oct"]
        return KeySet.import_key_set({"keys": usable})


async def _json(session: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    async with session.get(url, allow_redirects=False) as response:
        response.raise_for_status()
        if response.status != 200 or (response.content_length or 0) > _MAX_BYTES:
            raise ValueError(f"{url} answered {response.status}")
        return await response.json(content_type=None)
