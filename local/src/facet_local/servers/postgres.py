"""A PostgreSQL 18 server of its own, in C.UTF-8 so that trigrams of Chinese names exist."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from pathlib import Path

from facet_local.accounts import Account, unprivileged_account
from facet_local.daemon import Daemon, Launch, StartFailed
from facet_local.home import Home
from facet_local.ports import HOST, accepts
from facet_local.servers.installation import postgres_programs, reachable_folder

_SUPERUSER = "facet"
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # no path limit to run into, no stale socket files
    "shared_buffers": "256MB",
    "max_connections": "300",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "synchronous_commit": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1000",
    "log_checkpoints": "off",
}
# For servers whose data nobody needs after a test. Not for messaging tests, which crash servers on purpose.
_DISPOSABLE_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum_naptime": "10min",
}


class PostgresServer(Daemon):
    """PostgreSQL on the loopback address; root starts it under another account, as PostgreSQL demands."""

    stop_signal = signal.SIGINT  # fast shutdown: sessions are ended, data is flushed

    def __init__(self, home: Home, *, disposable: bool = False, name: str = "postgres") -> None:
        super().__init__(name, home)
        self._disposable = disposable
        self._data = home.data(name)
        self._port = 0

    @property
    def port(self) -> int:
        """The TCP port; 0 before the first start."""
        return self._port

    @property
    def url(self) -> str:
        """Address of the administrator's database `postgres`, with the password in it."""
        return f"postgresql://{_SUPERUSER}:{self._password()}@{HOST}:{self._port}/postgres"

    def launch(self) -> Launch:
        """Makes the cluster on first use; says how to start the server."""
        account = unprivileged_account()
        programs = postgres_programs(account)
        self._data = reachable_folder(self.home.data(self.name), account)
        if not (self._data / "PG_VERSION").exists():
            self._initialise(programs, account)
        self._port = self._port or self.home.ports.claim(self.name)
        settings = _SETTINGS | (_DISPOSABLE_SETTINGS if self._disposable else {})
        flags = [f"--{name}={value}" for name, value in settings.items()]
        return Launch(
            [str(programs / "postgres"), "-D", str(self._data), "-p", str(self._port), *flags],
            environment=_environment(),
            account=account,
            folder=self._data,
        )

    def is_ready(self) -> bool:
        """Ready when this very server wrote so into its lock file, and the port answers."""
        try:
            lines = (self._data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except (FileNotFoundError, PermissionError):
            return False
        ready = len(lines) > 7 and lines[0] == str(self.pid) and lines[7].strip() == "ready"
        return ready and accepts(self._port)

    def _password(self) -> str:
        return self.home.secret(f"{self.name}.superuser")

    def _initialise(self, programs: Path, account: Account | None) -> None:
        for leftover in self._data.iterdir():
            raise StartFailed(f"{self._data} holds {leftover.name} but no cluster: run `make clean`")
        with tempfile.TemporaryDirectory(prefix="facet-") as folder:
            secret = Path(folder) / "password"
            secret.write_text(self._password(), encoding="utf-8")
            secret.chmod(0o600)
            if account is not None:
                account.own(Path(folder))
            made = subprocess.run(
                [
                    str(programs / "initdb"),
                    f"--pgdata={self._data}",
                    "--encoding=UTF8",
                    "--locale=C.UTF-8",
                    f"--username={_SUPERUSER}",
                    f"--pwfile={secret}",
                    "--auth=scram-sha-256",
                    "--no-instructions",
                    *(["--no-sync"] if self._disposable else []),
                ],
                env=_environment(),
                cwd="/",
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                capture_output=True,
                text=True,
                check=False,
            )
        if made.returncode != 0:
            raise StartFailed(f"initdb ended with code {made.returncode}\n{made.stdout}{made.stderr}")


def _environment() -> dict[str, str]:
    """Nothing of the caller's: PG* variables or a locale of his must not reach the server."""
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
