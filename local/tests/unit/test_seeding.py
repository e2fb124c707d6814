"""The demo enterprise is loaded once; a loading that broke off is recognised."""

from __future__ import annotations

from pathlib import Path

from facet_local import seeding
from facet_local.home import Home
from facet_local.jsonfile import write_json


def test_a_new_home_has_no_enterprise(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert not seeding.is_loaded(home)
    assert not seeding.was_interrupted(home)
    assert seeding.group_id(home) == ""


def test_a_loading_that_broke_off_is_recognised(tmp_path: Path) -> None:
    home = Home(tmp_path)
    write_json(home.demo_file, {"state": "loading"})
    assert seeding.was_interrupted(home)
    assert not seeding.is_loaded(home)


def test_a_loaded_enterprise_is_not_loaded_again(tmp_path: Path) -> None:
    home = Home(tmp_path)
    write_json(home.demo_file, {"state": "loaded", "group_id": "group-1"})
    assert seeding.is_loaded(home)
    assert seeding.group_id(home) == "group-1"
