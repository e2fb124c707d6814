"""The services and the gateway as processes of their own: their environment, their ports, their readiness."""

from __future__ import annotations

import http.client
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from facet_local.catalogue import GATEWAY, package_of
from facet_local.daemon import Daemon, Launch
from facet_local.environment import child_environment
from facet_local.home import Home
from facet_local.ports import HOST

_PREFERRED_GATEWAY_PORT = 8080


@dataclass(frozen=True, slots=True)
class Backing:
    """What every service process is told of the platform."""

    nats_url: str
    redis_url: str
    principal_jwks: str
    page_token_key: str

    def variables(self) -> dict[str, str]:
        """As FACET_… variables."""
        return {
            "FACET_NATS_URL": self.nats_url,
            "FACET_REDIS_URL": self.redis_url,
            "FACET_PRINCIPAL_JWKS": self.principal_jwks,
            "FACET_PAGE_TOKEN_KEY": self.page_token_key,
            "FACET_HOST": HOST,
        }


class _PythonProcess(Daemon):
    """`python -m facet_<package>.main`, ready when /readyz says so."""

    stop_seconds = 20.0  # longer than a service's own drain

    def __init__(self, name: str, home: Home, variables: Mapping[str, str], http_port: int) -> None:
        super().__init__(name, home)
        self._variables = variables
        self.http_port = http_port

    def launch(self) -> Launch:
        """Says how to start the process."""
        return Launch(
            [sys.executable, "-m", f"{package_of(self.name)}.main"],
            environment=child_environment(**self._variables),
            folder=Path(self.home.path),
        )

    def is_ready(self) -> bool:
        """Ready when the process says that its dependencies answer."""
        connection = http.client.HTTPConnection(HOST, self.http_port, timeout=2.0)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class ServiceProcess(_PythonProcess):
    """One of the six services, in the role `all`."""

    def __init__(self, name: str, home: Home, backing: Backing, database_url: str) -> None:
        self.grpc_port = home.ports.claim(f"{name}.grpc")
        http_port = home.ports.claim(f"{name}.http")
        variables = backing.variables() | {
            "FACET_DATABASE_URL": database_url,
            "FACET_GRPC_PORT": str(self.grpc_port),
            "FACET_HTTP_PORT": str(http_port),
            "FACET_ROLE": "all",
            "FACET_BACKDATING": "true",  # the demo enterprise has a history
        }
        super().__init__(name, home, variables, http_port)

    @property
    def grpc_address(self) -> str:
        """host:port of the gRPC server."""
        return f"{HOST}:{self.grpc_port}"

    @property
    def http_url(self) -> str:
        """Address of /livez and /readyz."""
        return f"http://{HOST}:{self.http_port}"


class GatewayProcess(_PythonProcess):
    """The gateway, with the built-in issuer of sign-ins switched on."""

    def __init__(
        self,
        home: Home,
        backing: Backing,
        *,
        database_url: str,
        private_key: str,
        upstreams: Mapping[str, str],
    ) -> None:
        port = home.ports.claim(f"{GATEWAY}.http", preferred=_PREFERRED_GATEWAY_PORT)
        variables = backing.variables() | {
            "FACET_DATABASE_URL": database_url,
            "FACET_HTTP_PORT": str(port),
            "FACET_UPSTREAMS": json.dumps({"default": dict(upstreams)}),
            "FACET_PRINCIPAL_KEY": private_key,
            "FACET_DEV_ISSUER": "true",
        }
        super().__init__(GATEWAY, home, variables, port)

    @property
    def url(self) -> str:
        """What clients call."""
        return f"http://{HOST}:{self.http_port}"
