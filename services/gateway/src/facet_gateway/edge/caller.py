"""A caller whose identity is proven: the principal, the internal token for it, and the name of its scope."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from facet_kit.principal import LIFETIME, Principal, PrincipalSigner

# A token is renewed early enough that a call never arrives with one that is about to expire.
_RENEW_BEFORE = timedelta(seconds=45)


@dataclass(slots=True, eq=False)
class Caller:
    """One caller; the same object serves all requests of a caller whose rights have not changed."""

    principal: Principal
    signer: PrincipalSigner
    _token: str = ""
    _renew_at: datetime | None = None
    _scope_name: str = ""

    def token(self, now: datetime) -> str:
        """The signed principal for a call made now; signed anew only when the last one nears its end."""
        if self._renew_at is None or now >= self._renew_at:
            self._token = self.signer.sign(self.principal, now=now)
            self._renew_at = now + LIFETIME - _RENEW_BEFORE
        return self._token

    @property
    def scope_name(self) -> str:
        """Equal for callers who see the same rows and fields, different for all others.

        The person counts: ownership and account teams grant rows to single persons.
        """
        if not self._scope_name:
            principal = self.principal
            parts = [
                principal.kind.value,
                principal.person_id,
                *(
                    ",".join(sorted(group))
                    for group in (principal.roles, principal.department_ids, principal.region_ids)
                ),
                principal.group_id,
                principal.channel_id,
                ",".join(sorted(principal.scopes)),
                str(principal.full_scope),
            ]
            self._scope_name = hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
        return self._scope_name
