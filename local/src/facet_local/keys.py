"""The keys of one platform: of the gateway for principals, and for page tokens."""

from __future__ import annotations

import json

from joserfc.jwk import OKPKey

from facet_local.home import Home


def principal_key(home: Home) -> str:
    """The gateway's private Ed25519 key as a JWK (JSON); made on first use."""
    return home.secret("principal.key", _new_signing_key)


def principal_jwks(home: Home) -> str:
    """The public half as a JWK set (JSON), by which services verify principals."""
    key = OKPKey.import_key(json.loads(principal_key(home)))
    return json.dumps({"keys": [key.as_dict(private=False)]})


def page_token_key(home: Home) -> str:
    """The secret that signs page tokens."""
    return home.secret("page.token.key")


def _new_signing_key() -> str:
    key = OKPKey.generate_key("Ed25519")
    return json.dumps({**key.as_dict(private=True), "kid": key.thumbprint(), "use": "sig"})
