"""Orders reach the running platform only from who can read its key."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from facet_local.control import Answer, ControlServer, NotRunning, Refused, order
from facet_local.home import Home
from facet_local.jsonfile import Json, changing


def obey(what: Mapping[str, Json]) -> Answer:
    """Echoes, or refuses."""
    if what["do"] == "refuse":
        raise LookupError("there is no such program")
    return {"done": what["do"]}


@pytest.fixture
def control(home: Home) -> Iterator[ControlServer]:
    """A server that echoes."""
    server = ControlServer(home, obey)
    server.open()
    yield server
    server.close()


@pytest.mark.usefixtures("control")
def test_an_order_is_answered(home: Home) -> None:
    assert order(home, do="status") == {"done": "status"}


@pytest.mark.usefixtures("control")
def test_a_refusal_says_why(home: Home) -> None:
    with pytest.raises(Refused, match="no such program"):
        order(home, do="refuse")


@pytest.mark.usefixtures("control")
def test_a_wrong_key_is_turned_away_and_the_right_one_served_afterwards(home: Home) -> None:
    with changing(home.control_file) as document:
        right, document["key"] = document["key"], "guessed"
    with pytest.raises(NotRunning):
        order(home, do="status")
    with changing(home.control_file) as document:
        document["key"] = right
    assert order(home, do="status") == {"done": "status"}


def test_without_a_platform_the_caller_is_told_how_to_start_one(home: Home) -> None:
    with pytest.raises(NotRunning, match="make run"):
        order(home, do="status")
