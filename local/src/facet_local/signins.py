"""Sign-ins for six people of the demo enterprise, as tokens of the gateway's built-in issuer."""

from __future__ import annotations

import base64
import http.client
import json
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

from facet_local.waiting import TooLate, wait_until

PEOPLE = {
    "executive": "executive@facet.example",
    "key_account_manager": "kam@facet.example",
    "sales_rep": "rep@facet.example",
    "finance": "finance@facet.example",
    "service_agent": "agent@facet.example",
    "customer": "customer@facet.example",
}
_PATIENCE_SECONDS = 30.0


class NoSignIn(RuntimeError):
    """The gateway gave no token for a person."""


def sign_in(gateway: str, subject: str) -> str:
    """A token for the person with that e-mail address. Raises NoSignIn with the gateway's reason."""
    request = urllib.request.Request(  # noqa: S310 -- the address is the platform's own, http on loopback
        f"{gateway}/dev/issuer/token",
        data=json.dumps({"subject": subject}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return str(json.load(response)["access_token"])
    except urllib.error.HTTPError as error:
        with error:
            raise NoSignIn(f"no sign-in for {subject}: {error.code} {error.read().decode()[:500]}") from error
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise NoSignIn(f"no sign-in for {subject}: {error}") from error


def sign_everybody_in(gateway: str) -> dict[str, str]:
    """Tokens by role of all six people. Raises NoSignIn when one of them gets none within half a minute."""
    tokens: dict[str, str] = {}
    refusal = NoSignIn("nobody asked yet")

    def everybody_has_one() -> bool:
        nonlocal refusal
        try:
            for role, subject in PEOPLE.items():
                tokens[role] = tokens.get(role) or sign_in(gateway, subject)
        except NoSignIn as error:
            refusal = error
            return False
        return True

    try:
        wait_until(everybody_has_one, seconds=_PATIENCE_SECONDS, what="a sign-in for each person")
    except TooLate:
        raise refusal from None
    return tokens


def half_spent(tokens: Mapping[str, str]) -> bool:
    """Whether half of the life of some token is over, so that all had better be fetched again."""
    now = time.time()
    lives = [_life(token) for token in tokens.values()]
    return any(now > begin + (end - begin) / 2 for begin, end in lives)


def _life(token: str) -> tuple[float, float]:
    """When the token was issued and when it expires, in seconds since 1970; unverified."""
    payload = token.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return float(claims.get("iat", 0)), float(claims.get("exp", 0))
