"""TCP ports of this machine: free ones are found, and remembered so that a second start uses the same."""

from __future__ import annotations

import random
import socket
from pathlib import Path

from facet_local.jsonfile import changing

HOST = "127.0.0.1"

# Below the range from which Linux and macOS take the source ports of outgoing connections: a port of ours
# cannot be taken by a client while its server restarts, and a client cannot connect to itself.
_FIRST, _LAST = 20_000, 32_000
_ATTEMPTS = 200


def is_free(port: int) -> bool:
    """Whether a server could listen on the port of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def accepts(port: int) -> bool:
    """Whether a server listens on the port of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((HOST, port)) == 0


def find_free_port(taken: frozenset[int] = frozenset()) -> int:
    """A port that nobody listens on and that is not among `taken`.

    Raises OSError when the machine has none.
    """
    chooser = random.SystemRandom()
    for _ in range(_ATTEMPTS):
        port = chooser.randint(_FIRST, _LAST)
        if port not in taken and is_free(port):
            return port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


class PortBook:
    """The ports of one platform by name, kept in a file of its home."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def claim(self, name: str, *, preferred: int | None = None) -> int:
        """The port remembered under the name if it is free, else the preferred one, else any free one."""
        with changing(self._path) as book:
            known = {key: port for key, port in book.items() if isinstance(port, int)}
            others = frozenset(port for key, port in known.items() if key != name)
            for candidate in (known.get(name), preferred):
                if candidate is not None and candidate not in others and is_free(candidate):
                    book[name] = candidate
                    return candidate
            port = book[name] = find_free_port(others)
            return port
