"""How other processes give the running platform orders: a local socket, open only to who can read its key."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import TypeAlias, cast

from facet_local.home import Home
from facet_local.jsonfile import Json, read_json, write_json
from facet_local.ports import HOST, find_free_port

Answer: TypeAlias = dict[str, Json]


class NotRunning(RuntimeError):
    """No platform runs in this home."""


class Refused(RuntimeError):
    """The platform could not do what was asked; the message says why."""


class ControlServer:
    """Listens for orders in a thread; each order is an object with `do` and, where it needs one, `name`."""

    def __init__(self, home: Home, obey: Callable[[Mapping[str, Json]], Answer]) -> None:
        self._home = home
        self._obey = obey

    def open(self) -> None:
        """Begins to listen, and writes down where."""
        key, port = secrets.token_hex(32), find_free_port()
        listener = Listener((HOST, port), authkey=key.encode())
        threading.Thread(target=self._listen, args=(listener,), name="control", daemon=True).start()
        write_json(self._home.control_file, {"port": port, "key": key})

    def close(self) -> None:
        """Is found no more."""
        self._home.control_file.unlink(missing_ok=True)

    def _listen(self, listener: Listener) -> None:
        while True:
            try:
                connection = listener.accept()
            except (AuthenticationError, OSError, EOFError):
                continue
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        with connection:
            try:
                order = json.loads(connection.recv_bytes())
                answer = self._obey(order)
            except EOFError:
                return
            except (LookupError, ValueError, RuntimeError, OSError) as error:
                answer: Answer = {"error": str(error)}
            try:
                connection.send_bytes(json.dumps(answer).encode())
            except OSError:
                return  # who asked is gone


def order(home: Home, **what: Json) -> Answer:
    """Sends the order to the platform of the home and answers its answer. Raises NotRunning, Refused."""
    where = read_json(home.control_file)
    port, key = where.get("port"), where.get("key")
    if not isinstance(port, int) or not isinstance(key, str):
        raise NotRunning(f"no platform runs in {home.path}: start it with `make run`")
    try:
        with Client((HOST, port), authkey=key.encode()) as connection:
            connection.send_bytes(json.dumps(what).encode())
            answer = cast("Answer", json.loads(connection.recv_bytes()))
    except (OSError, EOFError, AuthenticationError) as error:
        raise NotRunning(f"no platform answers in {home.path}: start it with `make run`") from error
    if "error" in answer:
        raise Refused(str(answer["error"]))
    return answer
