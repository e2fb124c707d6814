"""What a program on this machine may know of the running platform; the loading of demo data is one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from facet_local.home import Home
from facet_local.jsonfile import Json, read_json, write_json


@dataclass(frozen=True, slots=True)
class RunningPlatform:
    """Addresses and the signing key of a platform whose services answer."""

    home: Home
    gateway: str
    """http://host:port"""
    services: Mapping[str, str]
    """host:port of each service's gRPC server, by service name"""
    databases: Mapping[str, str]
    """postgresql+asyncpg://… of each service, by service name; for looking, not for writing"""
    nats_url: str
    principal_key: str
    """the gateway's private key (JWK), which signs principals that services accept"""

    def write(self) -> None:
        """Keeps it in the home, readable by its owner only."""
        services: Json = dict(self.services)
        databases: Json = dict(self.databases)
        document: dict[str, Json] = {
            "gateway": self.gateway,
            "services": services,
            "databases": databases,
            "nats_url": self.nats_url,
            "principal_key": self.principal_key,
        }
        write_json(self.home.path / "platform.json", document)

    @classmethod
    def read(cls, home: Home) -> RunningPlatform:
        """The platform of the home. Raises LookupError when none has been started there."""
        document = read_json(home.path / "platform.json")
        services, databases = document.get("services"), document.get("databases")
        if not isinstance(services, dict) or not isinstance(databases, dict):
            raise LookupError(f"no platform was started in {home.path}: start it with `make run`")
        return cls(
            home=home,
            gateway=str(document["gateway"]),
            services={name: str(address) for name, address in services.items()},
            databases={name: str(url) for name, url in databases.items()},
            nats_url=str(document["nats_url"]),
            principal_key=str(document["principal_key"]),
        )
