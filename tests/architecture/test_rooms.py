"""Every service has the same rooms, files fit a screen or two, and the shared rules of the code hold by reading it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("customer", "sales", "project", "service-desk", "marketing", "analytics")
ROOMS = {"model.py", "policy.py", "service.py", "api.py", "events.py", "__init__.py"}
BANNED_NAMES = ("utils", "helpers", "manager", "info", "misc", "common")
LONGEST = 400


def package(service: str) -> Path:
    return ROOT / "services" / service / "src" / f"facet_{service.replace('-', '_')}"


def sources() -> Iterator[Path]:
    for top in ("libs", "services", "local"):
        for path in (ROOT / top).rglob("*.py"):
            if not {"tests", "versions", "facet", "google", "buf"} & set(path.relative_to(ROOT).parts):
                yield path


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_its_composition_root_settings_and_summary(service: str) -> None:
    for room in ("main.py", "settings.py"):
        assert (package(service) / room).is_file(), room
    assert (package(service) / "summary.py").is_file() or (package(service) / "summary").is_dir()
    assert list((package(service) / "migrations" / "versions").glob("*.py"))


@pytest.mark.parametrize("service", SERVICES)
def test_a_feature_with_an_api_has_a_service_behind_it(service: str) -> None:
    features = [folder for folder in package(service).iterdir() if (folder / "api.py").is_file()]
    assert features
    for feature in features:
        assert (feature / "service.py").is_file() or (feature / "service").is_dir(), feature


@pytest.mark.parametrize("service", SERVICES)
def test_nothing_but_the_composition_root_imports_it(service: str) -> None:
    module = f"facet_{service.replace('-', '_')}.main"
    importers = [path for path in package(service).rglob("*.py") if module in path.read_text("utf-8")]
    assert importers == []


def test_files_fit_a_screen_or_two() -> None:
    long = {str(path.relative_to(ROOT)): count for path in sources() if (count := _lines(path)) > LONGEST}
    assert not long


def _lines(path: Path) -> int:
    return len(path.read_text("utf-8").splitlines())


def test_files_are_named_after_what_is_in_them() -> None:
    vague = [path for path in sources() if path.stem in BANNED_NAMES]
    assert not vague


def test_every_module_says_what_lives_there() -> None:
    silent = [
        str(path.relative_to(ROOT))
        for path in sources()
        if path.read_text("utf-8").strip() and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert not silent


def test_the_time_comes_from_the_clock() -> None:
    allowed = {"clock.py", "principal.py"}
    readers = [
        str(path.relative_to(ROOT))
        for path in sources()
        if path.name not in allowed
        and ("services" in path.parts or "kit" in path.parts)
        and re.search(r"datetime\.(now|utcnow|today)\(|date\.today\(", path.read_text("utf-8"))
        and "testing" not in path.parts
    ]
    assert not readers


def test_nothing_is_left_open() -> None:
    open_ends = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in sources()
        if (
            match := re.search(
                r"\b(TODO|FIXME|XXX|HACK)\b|raise NotImplementedError", path.read_text("utf-8")
            )
        )
    ]
    assert not open_ends


def test_the_kit_holds_no_word_of_a_domain() -> None:
    """Customers, organisation and teams are the exception: every service scopes its rows by their replicas."""
    words = re.compile(
        r"\b(order|invoice|ticket|campaign|opportunity|contract_number|milestone|loyalty)s?\b", re.I
    )
    files = [path for path in sources() if "kit" in path.parts]
    spoken = [
        str(path.relative_to(ROOT))
        for path in files
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and words.search(re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", node.name))
        and not node.name.lower().startswith(("order", "in_order", "_order"))
        and "paging" not in path.name
    ]
    assert not spoken
