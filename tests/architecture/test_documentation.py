"""What the documentation says of settings is what the code reads, and its links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from facet_local.settings_table import DOCUMENT, document

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def test_the_table_of_settings_is_the_one_in_the_code() -> None:
    kept = (ROOT / DOCUMENT).read_text(encoding="utf-8")
    assert kept == document(), "make it anew: .venv/bin/python -m facet_local.settings_table"


def test_every_setting_says_what_it_means() -> None:
    rows = [line for line in document().splitlines() if line.startswith("| `")]
    assert len(rows) > 30
    assert not [row for row in rows if row.endswith("|  |")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]
