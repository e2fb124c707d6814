"""HTTP inside a process that serves other things too."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import uvicorn


class HttpServer(uvicorn.Server):
    """uvicorn in the process's own loop; signals belong to the process, not to the server."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leaves the process's handlers of SIGTERM and SIGINT in place, where uvicorn would set its own."""
        yield
