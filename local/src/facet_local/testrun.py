"""Runs every tier of tests, or the named ones, and sums up: `python -m facet_local.testrun [tier …]`."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
import xml.etree.ElementTree as xml
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from facet_local.environment import child_environment
from facet_local.home import checkout
from facet_local.tiers import QUALITY, TIERS, Check, Tier, checks, folders_of, strays

_PARALLEL_CHECKS = 2
_TIER_SECONDS = 1200.0
_NOTHING_COLLECTED = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a tier."""

    tier: str
    passed: int
    failed: int
    skipped: int
    seconds: float


def run(names: Sequence[str]) -> int:
    """Runs the named tiers in their order, all when none is named; answers the exit code."""
    root = checkout()
    outcomes: list[Outcome] = []
    if not names or QUALITY in names:
        outcomes.append(_run_checks(root))
    outcomes.extend(_run_tier(root, tier) for tier in TIERS if not names or tier.name in names)
    sum_up(outcomes)
    return 1 if any(outcome.failed for outcome in outcomes) or not any(o.passed for o in outcomes) else 0


def _run_checks(root: Path) -> Outcome:
    _headline(QUALITY)
    begun = time.monotonic()
    with ThreadPoolExecutor(_PARALLEL_CHECKS) as pool:
        results = list(pool.map(_run_check, checks(root)))
    homeless = strays(root)
    for file in homeless:
        print(f"  FAIL  {file.relative_to(root)} lies in no folder that a tier runs")
    passed = sum(results)
    failed = len(results) - passed + len(homeless)
    return Outcome(QUALITY, passed, failed, 0, time.monotonic() - begun)


def _run_check(check: Check) -> bool:
    begun = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=check.folder,
        env=child_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    passed = done.returncode == 0
    mark = "ok  " if passed else "FAIL"
    output = "" if passed else f"\n{done.stdout.rstrip()}"
    print(f"  {mark}  {check.name:<30} {time.monotonic() - begun:6.1f} s{output}", flush=True)
    return passed


def _run_tier(root: Path, tier: Tier) -> Outcome:
    _headline(tier.name)
    begun = time.monotonic()
    folders = [str(folder.relative_to(root)) for folder in folders_of(root, tier)]
    report = root / ".facet" / "reports" / f"{tier.name}.xml"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.unlink(missing_ok=True)
    if not folders:
        return Outcome(tier.name, 0, 0, 0, 0.0)
    command = [sys.executable, "-m", "pytest", "-q", "--durations=5", f"--junitxml={report}", *folders]
    command += ["-n", str(tier.workers)] if tier.workers else []
    command += ["-o", "faulthandler_timeout=900", *tier.arguments]
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            timeout=_TIER_SECONDS,
            check=False,
        )
        code = done.returncode
    except subprocess.TimeoutExpired:
        print(f"{tier.name}: not finished after {_TIER_SECONDS:g} seconds")
        code = 1
    return outcome_of(tier, report, code, time.monotonic() - begun)


def outcome_of(tier: Tier, report: Path, code: int, seconds: float) -> Outcome:
    """Counts from pytest's report; a run that went wrong without a failed test is a failure of its own."""
    total = failed = skipped = 0
    if report.exists():
        for suite in xml.parse(report).getroot().iter("testsuite"):  # noqa: S314 -- pytest wrote it
            total += int(suite.get("tests", 0))
            failed += int(suite.get("failures", 0)) + int(suite.get("errors", 0))
            skipped += int(suite.get("skipped", 0))
    passed = max(0, total - failed - skipped)
    if code not in (0, _NOTHING_COLLECTED) and failed == 0:
        failed = 1
    return Outcome(tier.name, passed, failed, skipped, seconds)


def _headline(name: str) -> None:
    print(f"\n== {name} {'=' * (76 - len(name))}", flush=True)


def sum_up(outcomes: Sequence[Outcome]) -> None:
    """The table of tiers; the last line is one that tools look for."""
    print(f"\n{'tier':<14} {'passed':>8} {'failed':>8} {'skipped':>8} {'seconds':>9}")
    for one in outcomes:
        print(f"{one.tier:<14} {one.passed:>8} {one.failed:>8} {one.skipped:>8} {one.seconds:>9.1f}")
    seconds = sum(outcome.seconds for outcome in outcomes)
    passed, failed = sum(o.passed for o in outcomes), sum(o.failed for o in outcomes)
    print(f"{'all':<14} {passed:>8} {failed:>8} {sum(o.skipped for o in outcomes):>8} {seconds:>9.1f}\n")
    print(f"{passed} passed, {failed} failed", flush=True)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m facet_local.testrun", description=__doc__)
    names = (QUALITY, *(tier.name for tier in TIERS))
    parser.add_argument("tiers", nargs="*", metavar="tier", help=f"{', '.join(names)}; all without one")
    wanted: list[str] = parser.parse_args().tiers
    unknown = [name for name in wanted if name not in names]
    if unknown:
        parser.error(f"no tier is called {', '.join(unknown)}: there are {', '.join(names)}")
    return run(wanted)


if __name__ == "__main__":
    sys.exit(main())
