"""Names the demo enterprise is made of: cities, industries, companies, people. Public lists are read where they are
found (FACET_REFERENCE_DATA, or a `shared/data/reference` beside the checkout); a small built-in list serves otherwise.
"""

from __future__ import annotations

import csv
import os
import tomllib
import unicodedata
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

_NAMES = tomllib.loads(files("facet_local.demo").joinpath("names.toml").read_text("utf-8"))
REGIONS: dict[str, tuple[str, ...]] = {name: tuple(cities) for name, cities in _NAMES["regions"].items()}


@dataclass(frozen=True, slots=True)
class Industry:
    """One node of the industry tree; the parent's code is empty at the top."""

    code: str
    name: str
    parent: str


@dataclass(frozen=True, slots=True)
class Reference:
    """Everything the generator draws names from, in a fixed order."""

    groups: tuple[str, ...]
    branch_kinds: tuple[str, ...]
    surnames: str
    given_names: tuple[str, ...]
    western_names: tuple[str, ...]
    industries: tuple[Industry, ...]


def read_reference() -> Reference:
    """The public lists where they are found, else the built-in ones."""
    companies, people = _NAMES["companies"], _NAMES["people"]
    groups, industries = companies["groups"], _built_in_industries()
    folder = _folder()
    if folder:
        groups, industries = _companies(folder) or groups, _industries(folder)
    return Reference(
        groups=(*groups[:54], *companies["international"]),
        branch_kinds=tuple(companies["branches"]),
        surnames=people["surnames"],
        given_names=tuple(people["given"]),
        western_names=tuple(people["western"]),
        industries=tuple(industries),
    )


def _folder() -> Path | None:
    named = os.environ.get("FACET_REFERENCE_DATA")
    checkout = Path(__file__).resolve().parents[4]
    candidates = [Path(named)] if named else [checkout.parent / "shared" / "data" / "reference"]
    return next((folder for folder in candidates if (folder / "gbt4754_2017.csv").is_file()), None)


def _companies(folder: Path) -> list[str]:
    """Short names of listed companies, without special-treatment marks and full-width letters."""
    names: list[str] = []
    with (folder / "a_share_companies.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            name = unicodedata.normalize("NFKC", row["name"]).replace(" ", "")
            if "ST" not in name and len(name) == 4 and not name.endswith(("A", "B")):
                names.append(name)
    return names[:: len(names) // 54] if len(names) >= 54 else []


def _industries(folder: Path) -> list[Industry]:
    """Sections and divisions of the national classification (two levels are enough to filter on)."""
    with (folder / "gbt4754_2017.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["level"]) <= 2]
    rows.sort(key=lambda row: (int(row["level"]), row["code"]))
    return [Industry(row["code"], row["name"], row["parent"] or "") for row in rows]


def _built_in_industries() -> list[Industry]:
    sections = _NAMES["industries"]
    nodes = [Industry(section["code"], section["name"], "") for section in sections]
    nodes += [Industry(code, name, s["code"]) for s in sections for code, name in s["divisions"]]
    return nodes
