"""Files shared by several processes are never seen half written, and no change is lost."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from facet_local.home import Home
from facet_local.jsonfile import changing, read_json, write_json


def test_a_missing_or_broken_file_reads_as_empty(tmp_path: Path) -> None:
    assert read_json(tmp_path / "none.json") == {}
    (tmp_path / "broken.json").write_text('{"a":', encoding="utf-8")
    assert read_json(tmp_path / "broken.json") == {}


def test_parallel_changes_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "shared.json"

    def add(number: int) -> None:
        with changing(path) as document:
            document[str(number)] = number

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    assert len(read_json(path)) == 40


def test_only_the_owner_reads_what_is_written(tmp_path: Path) -> None:
    path = tmp_path / "secrets.json"
    write_json(path, {"a": "b"})
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_secret_is_made_once(tmp_path: Path) -> None:
    first = Home(tmp_path).secret("database.sales")
    assert Home(tmp_path).secret("database.sales") == first
    assert Home(tmp_path).secret("database.customer") != first


def test_forgetting_the_data_removes_it_also_behind_a_link(tmp_path: Path) -> None:
    home, elsewhere = Home(tmp_path / "home"), tmp_path / "elsewhere"
    elsewhere.mkdir()
    home.data("nats").mkdir(parents=True)
    home.data("postgres").symlink_to(elsewhere)
    write_json(home.demo_file, {"state": "loading"})
    home.forget_data()
    assert not elsewhere.exists()
    assert not list(home.data("nats").parent.iterdir())
    assert not home.demo_file.exists()
