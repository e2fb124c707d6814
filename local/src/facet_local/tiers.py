"""The tiers of the test run: which checks and which test folders belong to each."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_DESCRIPTORS = "libs/contracts/src/facet_contracts/facet.binpb"

# A package whose module has another name, which its metadata do not tell.
_MODULE_NAMES = ("--package-module-name-map", "protobuf-py=protobuf")
# Its plugin imports itself into every session at the end, which only the tests of the contracts need.
_WITHOUT_SCHEMATHESIS = ("-p", "no:schemathesis")


@dataclass(frozen=True, slots=True)
class Check:
    """A tool that finds fault with the code or does not; it counts as one test."""

    name: str
    command: Sequence[str]
    folder: Path


@dataclass(frozen=True, slots=True)
class Tier:
    """Tests that run together: those in folders of the given names, below any `tests` folder."""

    name: str
    folders: Sequence[str]
    workers: int = 2
    arguments: Sequence[str] = _WITHOUT_SCHEMATHESIS


QUALITY = "quality"
TIERS = (
    Tier("unit", ("unit",)),
    Tier("integration", ("integration",)),
    Tier("messaging", ("messaging",)),
    Tier("contract", ("contract", "architecture"), arguments=()),
    Tier("e2e", ("e2e",), workers=0),  # one platform for all
)


def members(root: Path) -> list[Path]:
    """The folders of the workspace that are packages of their own."""
    return [*sorted(root.glob("libs/*")), *sorted(root.glob("services/*")), root / "local"]


def checks(root: Path) -> list[Check]:
    """The tools that must find nothing."""
    programs = Path(sys.executable).parent

    def tool(name: str, *arguments: str) -> list[str]:
        return [str(programs / name), *arguments]

    return [
        Check("types", tool("pyright"), root),
        Check("format", tool("ruff", "format", "--check", "--quiet", "."), root),
        Check("lint", tool("ruff", "check", "--quiet", "."), root),
        Check("imports", tool("lint-imports"), root),
        Check("contracts", tool("buf", "lint", _DESCRIPTORS, "--config", "buf.yaml"), root),
        *(
            Check(f"dependencies {member.name}", tool("deptry", "src", *_MODULE_NAMES), member)
            for member in members(root)
            if (member / "src").is_dir()
        ),
    ]


def folders_of(root: Path, tier: Tier) -> list[Path]:
    """The folders with tests of the tier."""
    return [folder for tests in _tests(root) for name in tier.folders if (folder := tests / name).is_dir()]


def strays(root: Path) -> list[Path]:
    """Test files that no tier would run."""
    known = [folder for tier in TIERS for folder in folders_of(root, tier)]
    files = [file for tests in _tests(root) for file in tests.rglob("test_*.py")]
    return [file for file in files if not any(file.is_relative_to(folder) for folder in known)]


def _tests(root: Path) -> list[Path]:
    return [folder for member in (*members(root), root) if (folder := member / "tests").is_dir()]
