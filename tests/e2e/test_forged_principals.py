"""Inside, nothing trusts the network: every service refuses every call whose principal the gateway did not sign."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from joserfc.jwk import OKPKey
from protobuf import DescMethod

from facet_contracts.descriptors import services
from facet_kit.principal import HEADER, Principal, PrincipalKind, PrincipalSigner
from facet_local.running import RunningPlatform as Addresses

from .conftest import RunningPlatform

SERVICES = ("customer", "sales", "project", "service-desk", "marketing", "analytics")
LORD = Principal(
    id="service:intruder",
    kind=PrincipalKind.SERVICE,
    person_id="service:intruder",
    roles=frozenset({"system", "administrator"}),
    full_scope=True,
)


def methods_of(service: str) -> Iterator[DescMethod]:
    """Its own methods, and those that every service serves."""
    own = (service.replace("-", "_"), "platform")
    for declared in services():
        if declared.type_name.split(".")[1] in own:
            yield from declared.methods


def token(platform: RunningPlatform, way: str) -> str | None:
    """A principal as an intruder in the network could make it."""
    genuine = json.loads(Addresses.read(platform.home).principal_key)
    forger = OKPKey.generate_key("Ed25519").as_dict(private=True) | {"kid": genuine.get("kid", "")}
    now = datetime.now(UTC)
    match way:
        case "of a key of his own":
            return PrincipalSigner(json.dumps(forger)).sign(LORD, now=now)
        case "that has expired":
            return PrincipalSigner(json.dumps(genuine)).sign(LORD, now=now - timedelta(hours=1))
        case "without a signature":
            header, claims, _ = PrincipalSigner(json.dumps(forger)).sign(LORD, now=now).split(".")
            padded = header + "=" * (-len(header) % 4)
            unsigned = json.loads(base64.urlsafe_b64decode(padded)) | {"alg": "none"}
            return f"{base64.urlsafe_b64encode(json.dumps(unsigned).encode()).decode().rstrip('=')}.{claims}."
        case _:
            return None


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "way", ["of a key of his own", "that has expired", "without a signature", "that is missing"]
)
def test_every_method_refuses_a_principal(platform: RunningPlatform, service: str, way: str) -> None:
    forged = token(platform, way)
    metadata = ((HEADER, forged),) if forged else ()
    answers: dict[str, grpc.StatusCode] = {}
    with grpc.insecure_channel(platform.grpc_address(service)) as channel:
        for method in methods_of(service):
            name = f"/{method.parent.type_name}/{method.name}"
            try:
                channel.unary_unary(name)(b"", metadata=metadata, timeout=10)
                answers[name] = grpc.StatusCode.OK
            except grpc.RpcError as error:
                answers[name] = error.code()
    assert len(answers) > 5
    assert {name: code for name, code in answers.items() if code is not grpc.StatusCode.UNAUTHENTICATED} == {}
