"""Who is calling: the signed principal that the gateway issues and every service verifies."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

from facet_kit.errors import Forbidden, Unauthenticated
from facet_kit.permissions import any_covers, roles_grant

ALGORITHM = "Ed25519"
ISSUER = "facet-gateway"
AUDIENCE = "facet"
LIFETIME = timedelta(seconds=120)
LEEWAY_SECONDS = 30
HEADER = "x-facet-principal"


class PrincipalKind(StrEnum):
    """What sort of caller a principal is; row scope and field visibility depend on it."""

    STAFF = "STAFF"
    CUSTOMER = "CUSTOMER"
    PARTNER = "PARTNER"
    API_KEY = "API_KEY"
    SERVICE = "SERVICE"


@dataclass(frozen=True, slots=True)
class Principal:
    """One caller, for one call.

    `person_id` is the human who answers for the call, also behind an API key or a delegation: separation of duties
    compares persons. `department_ids` and `region_ids` are roots of the subtrees the caller may see; `scopes` narrows
    the roles' permissions (API keys). `at` sets the clock of the call (to load history, where backdating is allowed).
    """

    id: str
    kind: PrincipalKind
    person_id: str
    name: str = ""
    roles: frozenset[str] = field(default_factory=frozenset[str])
    department_id: str = ""
    region_id: str = ""
    department_ids: frozenset[str] = field(default_factory=frozenset[str])
    region_ids: frozenset[str] = field(default_factory=frozenset[str])
    full_scope: bool = False
    group_id: str = ""
    channel_id: str = ""
    scopes: tuple[str, ...] = ()
    at: datetime | None = None

    def may(self, permission: str) -> bool:
        """Whether roles, and scopes where there are any, grant the permission."""
        return roles_grant(self.roles, permission) and (
            not self.scopes or any_covers(self.scopes, permission)
        )

    def require(self, permission: str) -> None:
        """Raises Forbidden, naming the permission, unless the caller has it."""
        if not self.may(permission):
            raise Forbidden(
                "PERMISSION_MISSING",
                f"This needs the permission {permission}, which no role of yours grants. Ask an administrator for it.",
                metadata={"permission": permission},
            )

    @property
    def internal(self) -> bool:
        """Staff, their API keys and services: callers to whom customer and partner field lists do not apply."""
        return self.kind not in (PrincipalKind.CUSTOMER, PrincipalKind.PARTNER)


def service_principal(name: str) -> Principal:
    """The principal under which a service applies events and timers."""
    return Principal(
        id=f"service:{name}",
        kind=PrincipalKind.SERVICE,
        person_id=f"service:{name}",
        name=name,
        roles=frozenset({"system"}),
        full_scope=True,
    )


_TEXTS = ("person_id", "name", "department_id", "region_id", "group_id", "channel_id")
_SETS = ("roles", "department_ids", "region_ids")


class PrincipalSigner:
    """Issues principal tokens; only the gateway (and the local platform's seeding) holds the private key."""

    def __init__(self, private_jwk: str) -> None:
        self._key = OKPKey.import_key(json.loads(private_jwk))
        self._header = {"alg": ALGORITHM, "kid": self._key.thumbprint(), "typ": "facet-principal+jwt"}

    def sign(self, principal: Principal, *, now: datetime, lifetime: timedelta = LIFETIME) -> str:
        """A token for the principal, valid from `now` for `lifetime`."""
        claims: dict[str, object] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": principal.id,
            "kind": principal.kind.value,
            "iat": int(now.timestamp()),
            "exp": int((now + lifetime).timestamp()),
        }
        claims |= {name: value for name in _TEXTS if (value := getattr(principal, name))}
        claims |= {name: sorted(value) for name in _SETS if (value := getattr(principal, name))}
        if principal.full_scope:
            claims["full_scope"] = True
        if principal.scopes:
            claims["scopes"] = list(principal.scopes)
        if principal.at:
            claims["at"] = principal.at.timestamp()
        return jwt.encode(self._header, claims, self._key, algorithms=[ALGORITHM])


class PrincipalVerifier:
    """Checks principal tokens against the gateway's public keys; remembers verified tokens until they expire."""

    _REMEMBERED = 4096

    def __init__(self, jwks: str) -> None:
        self._keys = KeySet.import_key_set(json.loads(jwks))
        self._registry = jwt.JWTClaimsRegistry(
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": ISSUER},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
            sub={"essential": True},
        )
        self._verified: OrderedDict[str, tuple[Principal, float]] = OrderedDict()

    def verify(self, token: str | None) -> Principal:
        """The principal of a token.

        Raises:
            Unauthenticated: no token, a forged, expired or foreign one.
        """
        if not token:
            raise Unauthenticated(
                "PRINCIPAL_MISSING", "The call carries no principal. Call through the gateway."
            )
        now = datetime.now(UTC).timestamp()
        remembered = self._verified.get(token)
        if remembered and remembered[1] > now:
            return remembered[0]
        principal, expires = self._decode(token)
        self._verified[token] = (principal, expires)
        if len(self._verified) > self._REMEMBERED:
            self._verified.popitem(last=False)
        return principal

    def _decode(self, token: str) -> tuple[Principal, float]:
        try:
            decoded = jwt.decode(token, self._keys, algorithms=[ALGORITHM])
            self._registry.validate(decoded.claims)
            claims = decoded.claims
            texts: dict[str, Any] = {name: str(claims.get(name, "")) for name in _TEXTS}
            sets: dict[str, Any] = {name: frozenset(claims.get(name, ())) for name in _SETS}
            principal = Principal(
                id=str(claims["sub"]),
                kind=PrincipalKind(claims["kind"]),
                full_scope=bool(claims.get("full_scope", False)),
                scopes=tuple(claims.get("scopes", ())),
                at=datetime.fromtimestamp(claims["at"], UTC) if "at" in claims else None,
                **texts,
                **sets,
            )
            return principal, float(claims["exp"]) + LEEWAY_SECONDS
        except (JoseError, ValueError, KeyError, TypeError):
            raise Unauthenticated(
                "PRINCIPAL_INVALID",
                "The call's principal is forged, expired or not meant for Facet. Call through the gateway.",
            ) from None
