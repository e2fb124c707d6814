"""Every test belongs to a tier, and the summary counts what pytest reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from facet_local.capabilities import claims
from facet_local.testrun import Outcome, outcome_of, sum_up
from facet_local.tiers import TIERS, folders_of, strays

UNIT = TIERS[0]


def a_checkout(root: Path, *files: str) -> Path:
    """A checkout with these empty files."""
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def test_a_tier_runs_its_folder_in_every_member(tmp_path: Path) -> None:
    root = a_checkout(
        tmp_path,
        "services/sales/tests/unit/test_a.py",
        "libs/kit/tests/unit/test_b.py",
        "local/tests/unit/test_c.py",
    )
    found = {str(folder.relative_to(root)) for folder in folders_of(root, UNIT)}
    assert found == {"services/sales/tests/unit", "libs/kit/tests/unit", "local/tests/unit"}


def test_a_test_outside_of_every_tier_is_found(tmp_path: Path) -> None:
    root = a_checkout(tmp_path, "services/sales/tests/test_lost.py", "services/sales/tests/unit/test_a.py")
    assert [file.name for file in strays(root)] == ["test_lost.py"]


def test_counts_come_from_the_report(tmp_path: Path) -> None:
    report = tmp_path / "unit.xml"
    suite = '<testsuite name="pytest" tests="10" failures="2" errors="1" skipped="3"/>'
    report.write_text(f"<testsuites>{suite}</testsuites>", encoding="utf-8")
    assert outcome_of(UNIT, report, 1, 2.5) == Outcome("unit", passed=4, failed=3, skipped=3, seconds=2.5)


@pytest.mark.parametrize("code", [2, 3, 4, -9])
def test_a_run_that_broke_without_a_failed_test_is_a_failure(tmp_path: Path, code: int) -> None:
    assert outcome_of(UNIT, tmp_path / "none.xml", code, 1.0).failed == 1


def test_the_last_line_sums_up(capsys: pytest.CaptureFixture[str]) -> None:
    sum_up([Outcome("unit", 5, 0, 1, 1.0), Outcome("e2e", 2, 1, 0, 3.0)])
    assert capsys.readouterr().out.splitlines()[-1] == "7 passed, 1 failed"


def test_claimed_capabilities_are_read_from_the_marks(tmp_path: Path) -> None:
    file = tmp_path / "services/sales/tests/unit/test_orders.py"
    file.parent.mkdir(parents=True)
    file.write_text(
        "import pytest\n\n@pytest.mark.capability('SAL-12', 'SAL-13')\nasync def test_duties() -> None: ...\n",
        encoding="utf-8",
    )
    where = "services/sales/tests/unit/test_orders.py::test_duties"
    assert claims(tmp_path) == {"SAL-12": [where], "SAL-13": [where]}
