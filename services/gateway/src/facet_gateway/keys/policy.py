"""What an API key may carry, and how its secret is made and recognised. Pure."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from typing import Final

from facet_kit.permissions import any_covers, role_table

_MARK: Final = "fct_"
_SECRET_BYTES: Final = 32
_PREFIX_LENGTH: Final = 10
_SECRET_LENGTH: Final = len(_MARK) + 43  # 32 bytes in unpadded base64


def new_secret() -> str:
    """A fresh secret of 256 random bits, marked so that scanners of leaked text can recognise it."""
    return _MARK + secrets.token_urlsafe(_SECRET_BYTES)


def looks_like_secret(text: str) -> bool:
    """Whether the text has the form of a secret; anything else is not worth a look-up."""
    return len(text) == _SECRET_LENGTH and text.startswith(_MARK) and text.isascii()


def hash_of(secret: str) -> str:
    """What is stored of a secret. A plain hash suffices: 256 random bits cannot be guessed, salted or not."""
    return hashlib.sha256(secret.encode()).hexdigest()


def prefix_of(secret: str) -> str:
    """The part of a secret that may be shown, to tell keys apart."""
    return secret[:_PREFIX_LENGTH]


def uncovered(scopes: Iterable[str], roles: Iterable[str], own_scopes: Iterable[str] = ()) -> list[str]:
    """The scopes that go beyond what the roles, and the scopes of the caller himself, grant."""
    table = role_table()
    patterns = [pattern for role in roles for pattern in table.get(role, ())]
    own = tuple(own_scopes)
    return [
        scope for scope in scopes if not any_covers(patterns, scope) or (own and not any_covers(own, scope))
    ]
