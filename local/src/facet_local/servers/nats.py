"""A NATS server with JetStream that flushes every message to disk before it acknowledges."""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path

from facet_local.daemon import Daemon, Launch
from facet_local.home import Home
from facet_local.jsonfile import write_atomically
from facet_local.ports import HOST
from facet_local.servers.installation import WheelMissing

_USER = "facet"
_CONFIGURATION = """\
listen: "{host}:{port}"
server_name: "facet-local"
max_payload: 4MB
authorization {{ user: "{user}", password: "{password}" }}
jetstream {{
  store_dir: "{store}"
  sync_interval: {sync_interval}
  max_memory_store: 256MB
  max_file_store: 20GB
}}
"""


class NatsServer(Daemon):
    """NATS on the loopback address, its streams in files below the home."""

    start_seconds = 30.0

    def __init__(self, home: Home, *, disposable: bool = False, name: str = "nats") -> None:
        super().__init__(name, home)
        self._disposable = disposable
        self._port = 0

    @property
    def port(self) -> int:
        """The TCP port; 0 before the first start."""
        return self._port

    @property
    def url(self) -> str:
        """Address for clients, with the password in it."""
        return f"nats://{_USER}:{self._password()}@{HOST}:{self._port}"

    def launch(self) -> Launch:
        """Writes the configuration; says how to start the server."""
        self._port = self._port or self.home.ports.claim(self.name)
        store = self.home.data(self.name)
        store.mkdir(parents=True, exist_ok=True)
        configuration = self.home.path / f"{self.name}.conf"
        write_atomically(
            configuration,
            _CONFIGURATION.format(
                host=HOST,
                port=self._port,
                user=_USER,
                password=self._password(),
                store=store,
                sync_interval='"10s"' if self._disposable else "always",
            ),
        )
        return Launch(
            [str(_program()), "--config", str(configuration)],
            environment={"PATH": os.defpath, "TZ": "UTC"},
            folder=store,
        )

    def is_ready(self) -> bool:
        """Ready when the server greets a client and says that JetStream is on."""
        try:
            with socket.create_connection((HOST, self._port), timeout=1.0) as connection:
                greeting = connection.makefile("rb").readline()
        except OSError:
            return False
        return greeting.startswith(b"INFO ") and b'"jetstream":true' in greeting

    def _password(self) -> str:
        return self.home.secret(f"{self.name}.client")


def _program() -> Path:
    """The program beside this environment's interpreter, else the one on PATH. Raises WheelMissing."""
    beside = Path(sys.executable).with_name("nats-server")
    if beside.exists():
        return beside
    found = shutil.which("nats-server")
    if found is None:
        raise WheelMissing("nats-server is not installed: run `make env`")
    return Path(found)
