"""A built-in issuer for one machine and for tests: anybody may have a token for any subject. Never on by default.

It speaks enough of OpenID Connect for clients that use discovery, and signs with a key of its own.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

import orjson
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from facet_gateway.problem import unparseable
from facet_gateway.transcoding import json_body
from facet_kit.clock import Clock

PATH: Final = "/dev/issuer"
_LIFETIME = timedelta(hours=12)
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class DevIssuer:
    """Issues and vouches for its own tokens.

    Args:
        base_url: where the gateway is reached; the issuer's name is made from it.
        secret: what its key is derived from, so that tokens outlive restarts.
    """

    audience: Final = "facet"

    def __init__(self, base_url: str, clock: Clock, secret: str) -> None:
        self.url = base_url.rstrip("/") + PATH
        self._clock = clock
        self._key = _derived_key(secret)
        self._keys = KeySet.import_key_set({"keys": [self._key.as_dict(private=False)]})

    async def keys(self, *, unknown_kid: bool) -> KeySet:
        """Its own keys; there is never another one to look for."""
        return self._keys

    def token(self, subject: str) -> str:
        """A token for a subject, good for twelve hours."""
        now = int(self._clock.now().timestamp())
        header = {"alg": "ES256", "kid": self._key.kid, "typ": "at+jwt"}
        claims: dict[str, object] = {
            "iss": self.url,
            "aud": self.audience,
            "sub": subject,
            "iat": now,
            "exp": now + int(_LIFETIME.total_seconds()),
        }
        return jwt.encode(header, claims, self._key, algorithms=["ES256"])

    def routes(self) -> list[Route]:
        """Discovery document, key set, and the token endpoint: `POST {"subject": …}`."""
        return [
            Route(f"{PATH}/.well-known/openid-configuration", self._configuration),
            Route(f"{PATH}/jwks", self._jwks),
            Route(f"{PATH}/token", self._token, methods=["POST"]),
        ]

    async def _configuration(self, _request: Request) -> Response:
        return _json(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/jwks",
                "token_endpoint": f"{self.url}/token",
                "response_types_supported": ["token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["ES256"],
            }
        )

    async def _jwks(self, _request: Request) -> Response:
        return _json(self._keys.as_dict(private=False))

    async def _token(self, request: Request) -> Response:
        json_body.check_content_type(request.headers.get("content-type"), None)
        body = json_body.parse(await request.body(), max_depth=2)
        subject = body.get("subject") if isinstance(body, dict) else None
        if not isinstance(subject, str) or not 0 < len(subject) <= 200:
            raise unparseable("SUBJECT_MISSING", 'send {"subject": "<e-mail address or portal subject>"}')
        return _json(
            {
                "access_token": self.token(subject),
                "token_type": "Bearer",
                "expires_in": int(_LIFETIME.total_seconds()),
            }
        )


def _derived_key(secret: str) -> ECKey:
    number = int.from_bytes(hashlib.sha256(b"facet development issuer\0" + secret.encode()).digest())
    private = ec.derive_private_key(number % (_P256_ORDER - 1) + 1, ec.SECP256R1())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    key = ECKey.import_key(pem)
    return ECKey.import_key(pem, {"use": "sig", "alg": "ES256", "kid": key.thumbprint()})


def _json(value: object) -> Response:
    return Response(orjson.dumps(value), media_type="application/json", headers={"Cache-Control": "no-store"})
