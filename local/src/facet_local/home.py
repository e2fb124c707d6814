"""Where a platform keeps what it knows: `.facet/` with its data, logs, process ids, ports and secrets."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from facet_local.jsonfile import changing
from facet_local.ports import PortBook


class Home:
    """The folder of one platform; two platforms with different homes run side by side."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.ports = PortBook(self.path / "ports.json")

    @property
    def run_file(self) -> Path:
        """What a client needs to know of the running platform; there only while everything is ready."""
        return self.path / "run.json"

    @property
    def demo_file(self) -> Path:
        """Whether the demo enterprise is loaded, and the ids worth knowing in it."""
        return self.path / "demo.json"

    @property
    def control_file(self) -> Path:
        """Where the supervisor listens for orders, and the key that it asks for."""
        return self.path / "control.json"

    def log(self, name: str) -> Path:
        """The log file of a process."""
        return self.path / "logs" / f"{name}.log"

    def record(self, name: str) -> Path:
        """The file with the process id of a process."""
        return self.path / "pids" / f"{name}.json"

    def data(self, name: str) -> Path:
        """The folder in which a server keeps its data; it may be a link to one elsewhere."""
        return self.path / "data" / name

    def secret(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(24)) -> str:
        """The secret of that name, made on first use and kept in a file that only its owner can read."""
        with changing(self.path / "secrets.json") as kept:
            value = kept.get(name)
            if not isinstance(value, str):
                value = kept[name] = make()
            return value

    def forget_data(self) -> None:
        """Removes every server's data, also where it lies behind a link, and what was loaded into it."""
        for folder in self.path.glob("data/*"):
            if folder.is_symlink():
                target = folder.resolve()
                folder.unlink()
                shutil.rmtree(target, ignore_errors=True)
            else:
                shutil.rmtree(folder)
        self.demo_file.unlink(missing_ok=True)

    def remove(self) -> None:
        """Removes the whole folder; the platform must be stopped."""
        self.forget_data()
        shutil.rmtree(self.path, ignore_errors=True)


def checkout() -> Path:
    """The root of the checkout: the nearest folder above here that holds proto/ and services/."""
    for folder in (Path.cwd(), *Path.cwd().parents, *Path(__file__).resolve().parents):
        if (folder / "proto").is_dir() and (folder / "services").is_dir():
            return folder
    return Path.cwd()


def default_home() -> Home:
    """The home named by FACET_HOME, else `.facet` in the checkout."""
    named = os.environ.get("FACET_HOME")
    return Home(Path(named) if named else checkout() / ".facet")


def temporary_home() -> Home:
    """A new home for servers that live as long as a test; the caller removes it."""
    folder = Path(tempfile.mkdtemp(prefix="facet-"))
    folder.chmod(0o755)  # PostgreSQL must pass through it under another account when root runs the tests
    return Home(folder)
