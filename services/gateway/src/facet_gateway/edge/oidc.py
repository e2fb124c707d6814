"""Bearer tokens of OpenID Connect issuers: which are trusted, with which keys, and what a token must say.

Only asymmetric algorithms are known here, and keys come only from the key sets of the issuers in the settings: whatever
a token says about keys of its own (`jku`, `jwk`, `x5u`, …) is ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol, cast

import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.util import urlsafe_b64decode

from facet_gateway.edge.cache import AgedCache
from facet_gateway.problem import Problem, unauthenticated
from facet_kit.clock import Clock

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA", "Ed25519")
_TYPES = frozenset({"jwt", "at+jwt", "application/at+jwt"})
_LEEWAY_SECONDS = 30
_MAX_TOKEN = 8192
_REMEMBERED = 10_000


class KeySource(Protocol):
    """Where an issuer's public keys come from."""

    async def keys(self, *, unknown_kid: bool) -> KeySet:
        """The keys; `unknown_kid` says that a token names a key that the last answer did not have.

        Raises:
            Problem: 503, there are no keys to be had.
        """
        ...


@dataclass(frozen=True, slots=True)
class Issuer:
    """A trusted issuer.

    Attributes:
        url: must equal the token's `iss`.
        audience: must be in the token's `aud`.
        subject_claim: claim that names the person in Facet's directory, `sub` or `email`.
    """

    url: str
    audience: str
    subject_claim: str
    source: KeySource


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a valid token speaks of."""

    issuer: str
    subject: str
    expires_at: float


class TokenVerifier:
    """Verifies bearer tokens of the trusted issuers; a verified token is remembered for a minute at most."""

    def __init__(self, issuers: Sequence[Issuer], clock: Clock) -> None:
        self._issuers = {issuer.url: issuer for issuer in issuers}
        self._clock = clock
        self._verified: AgedCache[str, Identity] = AgedCache(_REMEMBERED)

    async def verify(self, token: str) -> Identity:
        """The identity that the token proves.

        Raises:
            Problem: 401, the token proves nothing; 503, the issuer's keys cannot be had.
        """
        remembered = self._verified.get(token, max_age=60)
        if remembered is not None and remembered.expires_at > self._clock.now().timestamp():
            return remembered
        identity = await self._verify(token)
        self._verified.put(token, identity)
        return identity

    async def _verify(self, token: str) -> Identity:
        if len(token) > _MAX_TOKEN:
            raise _refused("it is too long")
        head, claims = _peek(token)
        _check_header(head)
        issuer = self._issuers.get(str(claims.get("iss")))
        if issuer is None:
            raise _refused("its issuer is not trusted here")
        keys = await issuer.source.keys(unknown_kid=False)
        kid = head.get("kid")
        if kid is not None and all(key.kid != kid for key in keys.keys):
            keys = await issuer.source.keys(unknown_kid=True)
        try:
            proven = jwt.decode(token, keys, algorithms=list(ALGORITHMS)).claims
        except (JoseError, ValueError, KeyError, TypeError):
            raise _refused("its signature is not by a key of its issuer") from None
        return _identity(proven, issuer, self._clock.now())


def _peek(token: str) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Header and claims before anything is proven; only to find the issuer's keys."""
    parts = token.split(".")
    try:
        header, claims = (orjson.loads(urlsafe_b64decode(part.encode("ascii"))) for part in parts[:2])
    except (ValueError, UnicodeEncodeError):
        raise _refused("it is no JSON web token") from None
    if len(parts) != 3 or not isinstance(header, dict) or not isinstance(claims, dict):
        raise _refused("it is no JSON web token")
    return cast("Mapping[str, object]", header), cast("Mapping[str, object]", claims)


def _check_header(head: Mapping[str, object]) -> None:
    if head.get("alg") not in ALGORITHMS:
        raise _refused(f"its algorithm is not one of {', '.join(ALGORITHMS)}")
    if str(head.get("typ", "jwt")).lower() not in _TYPES:
        raise _refused("it is not an access token")
    if "crit" in head:
        raise _refused("it demands extensions that are not known here")


def _identity(claims: Mapping[str, object], issuer: Issuer, now: datetime) -> Identity:
    registry = jwt.JWTClaimsRegistry(
        now=int(now.timestamp()),
        leeway=_LEEWAY_SECONDS,
        iss={"essential": True, "value": issuer.url},
        aud={"essential": True, "value": issuer.audience},
        exp={"essential": True},
        sub={"essential": True},
    )
    try:
        registry.validate(dict(claims))
    except (JoseError, ValueError, TypeError) as error:
        raise _refused(f"it is expired, too early, or not meant for Facet ({error})") from None
    # What Keycloak, Cognito and the OpenID specification put into tokens that are no access tokens.
    if (
        claims.get("typ", "Bearer") != "Bearer"
        or claims.get("token_use", "access") != "access"
        or "at_hash" in claims
    ):
        raise _refused("it is not an access token")
    subject = claims.get(issuer.subject_claim)
    if not isinstance(subject, str) or not subject:
        raise _refused(f"it has no {issuer.subject_claim}")
    if issuer.subject_claim == "email" and claims.get("email_verified") is not True:
        raise _refused("its e-mail address is not verified")
    return Identity(issuer.url, subject, float(cast("float", claims["exp"])))


def _refused(why: str) -> Problem:
    problem = unauthenticated(f"the bearer token is refused: {why}", "INVALID_TOKEN")
    problem.headers = {"WWW-Authenticate": 'Bearer realm="facet", error="invalid_token"'}
    return problem
