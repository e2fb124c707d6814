"""Bearer tokens: which prove something and which do not."""

from __future__ import annotations

import base64
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OKPKey, RSAKey

from facet_gateway.edge.dev_issuer import DevIssuer
from facet_gateway.edge.oidc import Issuer, TokenVerifier
from facet_gateway.problem import Problem
from facet_kit.clock import FixedClock

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = "https://issuer.example"


class Keys:
    def __init__(self, *keys: Any) -> None:
        self._keys = KeySet.import_key_set({"keys": [key.as_dict(private=False) for key in keys]})
        self.asked_for_unknown = 0

    async def keys(self, *, unknown_kid: bool) -> KeySet:
        self.asked_for_unknown += unknown_kid
        return self._keys


def a_key(kind: str) -> tuple[Any, str]:
    match kind:
        case "RS256":
            key: Any = RSAKey.generate_key(2048)
        case "ES256":
            key = ECKey.generate_key("P-256")
        case _:
            key = OKPKey.generate_key("Ed25519")
    made = type(key).import_key(key.as_dict(private=True) | {"kid": key.thumbprint()})
    return made, kind


def claims(**changed: Any) -> dict[str, Any]:
    at = int(NOW.timestamp())
    return {"iss": URL, "aud": "facet", "sub": "li@facet.example", "iat": at, "exp": at + 600} | changed


def verifier(*keys: Any, subject_claim: str = "sub") -> TokenVerifier:
    return TokenVerifier([Issuer(URL, "facet", subject_claim, Keys(*keys))], FixedClock(NOW))


def signed(key: Any, algorithm: str, body: dict[str, Any], **header: Any) -> str:
    return jwt.encode({"alg": algorithm, "kid": key.kid} | header, body, key, algorithms=[algorithm])


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA", "Ed25519"])
async def test_asymmetric_signatures_of_the_issuer_prove_who_it_is(algorithm: str) -> None:
    key, _ = a_key(algorithm)
    identity = await verifier(key).verify(signed(key, algorithm, claims(), typ="at+jwt"))
    assert (identity.issuer, identity.subject) == (URL, "li@facet.example")


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": int((NOW - timedelta(minutes=2)).timestamp())},
        {"nbf": int((NOW + timedelta(minutes=2)).timestamp())},
        {"iss": "https://other.example"},
        {"aud": "other"},
        {"aud": ["other", "another"]},
        {"sub": ""},
        {"exp": "soon"},
        {"typ": "Refresh"},
        {"token_use": "id"},
        {"at_hash": "x"},
    ],
)
async def test_claims_that_do_not_fit_are_refused(changed: dict[str, Any]) -> None:
    key, _ = a_key("ES256")
    with pytest.raises(Problem) as refused:
        await verifier(key).verify(signed(key, "ES256", claims(**changed)))
    assert refused.value.status == 401


@pytest.mark.parametrize(
    "header", [{"typ": "id+jwt"}, {"typ": "facet-principal+jwt"}, {"crit": ["x"], "x": 1}]
)
async def test_tokens_of_another_type_are_refused(header: dict[str, Any]) -> None:
    key, _ = a_key("ES256")
    parts = signed(key, "ES256", claims()).split(".")
    parts[0] = encoded({"alg": "ES256", "kid": key.kid} | header)
    with pytest.raises(Problem):
        await verifier(key).verify(".".join(parts))


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


async def test_the_public_key_is_no_shared_secret() -> None:
    key, _ = a_key("RS256")
    unsigned = f"{encoded({'alg': 'HS256', 'kid': key.kid})}.{encoded(claims())}"
    signature = hmac.digest(key.as_pem(private=False), unsigned.encode(), "sha256")
    token = f"{unsigned}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"
    with pytest.raises(Problem):
        await verifier(key).verify(token)


@pytest.mark.parametrize("algorithm", ["none", "None", "HS256", "PS256", ""])
async def test_other_algorithms_are_refused(algorithm: str) -> None:
    key, _ = a_key("RS256")
    token = f"{encoded({'alg': algorithm, 'kid': key.kid})}.{encoded(claims())}.{encoded('x')}"
    with pytest.raises(Problem):
        await verifier(key).verify(token)


async def test_keys_that_a_token_brings_along_are_ignored() -> None:
    trusted, _ = a_key("ES256")
    forged, _ = a_key("ES256")
    header = {"jwk": forged.as_dict(private=False), "jku": "https://evil.example/jwks"}
    for kid in (forged.kid, trusted.kid):
        parts = signed(forged, "ES256", claims()).split(".")
        parts[0] = encoded({"alg": "ES256", "kid": kid} | header)
        with pytest.raises(Problem):
            await verifier(trusted).verify(".".join(parts))


async def test_an_unknown_key_id_makes_the_keys_be_asked_for_once_more() -> None:
    trusted, _ = a_key("ES256")
    rotated, _ = a_key("ES256")
    source = Keys(trusted)
    tokens = TokenVerifier([Issuer(URL, "facet", "sub", source)], FixedClock(NOW))
    with pytest.raises(Problem):
        await tokens.verify(signed(rotated, "ES256", claims()))
    assert source.asked_for_unknown == 1


@pytest.mark.parametrize("text", ["", "x", "a.b", "a.b.c.d", "é.é.é", "." * 10, "x" * 10_000])
async def test_what_is_no_token_is_refused(text: str) -> None:
    key, _ = a_key("ES256")
    with pytest.raises(Problem) as refused:
        await verifier(key).verify(text)
    assert refused.value.status == 401


async def test_an_e_mail_address_counts_only_when_verified() -> None:
    key, _ = a_key("ES256")
    by_mail = verifier(key, subject_claim="email")
    sent = claims(email="li@facet.example", email_verified=True)
    assert (await by_mail.verify(signed(key, "ES256", sent))).subject == "li@facet.example"
    with pytest.raises(Problem):
        await by_mail.verify(signed(key, "ES256", sent | {"email_verified": False}))


async def test_tokens_of_the_development_issuer_outlive_a_restart() -> None:
    clock = FixedClock(NOW)
    token = DevIssuer("http://127.0.0.1:8080", clock, "secret").token("li@facet.example")
    restarted = DevIssuer("http://127.0.0.1:8080", clock, "secret")
    other = DevIssuer("http://127.0.0.1:8080", clock, "another secret")
    trusting = TokenVerifier([Issuer(restarted.url, "facet", "sub", restarted)], clock)
    assert (await trusting.verify(token)).subject == "li@facet.example"
    with pytest.raises(Problem):
        await TokenVerifier([Issuer(other.url, "facet", "sub", other)], clock).verify(token)
