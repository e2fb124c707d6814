"""Tokens are fetched again before they expire, and everybody's address is printed."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

from facet_local import welcome
from facet_local.home import Home
from facet_local.jsonfile import write_json
from facet_local.signins import PEOPLE, half_spent


def a_token(*, age: float, life: float) -> str:
    """An unsigned token that was issued `age` seconds ago for `life` seconds."""
    issued = time.time() - age
    claims = json.dumps({"iat": issued, "exp": issued + life}).encode()
    return f"e30.{base64.urlsafe_b64encode(claims).decode().rstrip('=')}.signature"


def test_a_young_token_is_kept() -> None:
    assert not half_spent({"executive": a_token(age=10, life=3600)})


def test_one_token_past_half_of_its_life_is_enough_to_renew() -> None:
    tokens = {"executive": a_token(age=10, life=3600), "finance": a_token(age=1900, life=3600)}
    assert half_spent(tokens)


def test_the_welcome_names_the_address_the_people_and_a_call_that_can_be_pasted(tmp_path: Path) -> None:
    home = Home(tmp_path)
    tokens = {role: f"token-of-{role}" for role in PEOPLE}
    write_json(home.run_file, {"gateway": "http://127.0.0.1:8080", "tokens": dict(tokens), "group_id": "g-1"})
    text = welcome.text(home)
    assert all(subject in text for subject in PEOPLE.values())
    assert "curl -s 'http://127.0.0.1:8080/v1/customers/g-1/unifiedView'" in text
    assert "Bearer token-of-key_account_manager" in text
