"""What an API key may carry."""

from __future__ import annotations

import pytest

from facet_gateway.keys.policy import hash_of, looks_like_secret, new_secret, prefix_of, uncovered


def test_secrets_are_long_different_and_recognisable() -> None:
    secrets = {new_secret() for _ in range(100)}
    assert len(secrets) == 100
    assert all(looks_like_secret(secret) and secret.startswith(prefix_of(secret)) for secret in secrets)
    assert len({hash_of(secret) for secret in secrets}) == 100


@pytest.mark.parametrize(
    "text", ["", "fct_", "fct_short", "abc_" + "A" * 43, "fct_" + "A" * 44, "fct_" + "é" * 43]
)
def test_other_texts_are_no_secrets(text: str) -> None:
    assert not looks_like_secret(text)


@pytest.mark.parametrize(
    ("scope", "role", "covered"),
    [
        ("sales.orders.read", "executive", True),
        ("*.*.read", "executive", True),
        ("sales.orders.approve", "executive", False),
        ("*.*.*", "executive", False),
        ("sales.*.*", "administrator", True),
        ("sales.orders.read", "no such role", False),
    ],
)
def test_a_scope_is_covered_by_the_makers_permissions_only(scope: str, role: str, covered: bool) -> None:
    assert (uncovered([scope], [role]) == []) is covered


def test_the_makers_own_scopes_narrow_what_he_can_give() -> None:
    assert uncovered(["sales.orders.read"], ["administrator"], ["customer.*.*"]) == ["sales.orders.read"]
