"""The unprivileged account that PostgreSQL runs under when the platform is started by root."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

_CANDIDATES = ("postgres", "nobody")
_FALLBACK_ID = 65534


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the operating system to whom a child process drops its rights."""

    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Gives the file or folder, with all it holds, to this account."""
        os.chown(path, self.uid, self.gid)
        for folder, folders, files in os.walk(path):
            for name in (*folders, *files):
                os.chown(Path(folder) / name, self.uid, self.gid, follow_symlinks=False)

    def can_enter(self, folder: Path) -> bool:
        """Whether the account may pass through every folder of the path."""
        check = subprocess.run(
            ["/bin/sh", "-c", 'test -x "$1"', "sh", str(folder)],
            user=self.uid,
            group=self.gid,
            extra_groups=[],
            cwd="/",
            check=False,
        )
        return check.returncode == 0


def unprivileged_account() -> Account | None:
    """The account to drop to, or None when this process has no root rights to drop."""
    if os.geteuid() != 0:
        return None
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            return Account(entry.pw_uid, entry.pw_gid)
    return Account(_FALLBACK_ID, _FALLBACK_ID)
