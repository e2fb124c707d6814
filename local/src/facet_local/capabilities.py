"""Which capabilities are claimed, and by which tests: read from the marks."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from facet_local.home import checkout
from facet_local.tiers import members

_MARK = "capability"


def claims(root: Path) -> dict[str, list[str]]:
    """For each capability id, the tests marked with it, as `path::test`, both sorted."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for member in (*members(root), root):
        for file in sorted((member / "tests").rglob("test_*.py")):
            for capability, test in _claims_in(file):
                found[capability].append(f"{file.relative_to(root)}::{test}")
    return dict(sorted(found.items()))


def _claims_in(file: Path) -> Iterator[tuple[str, str]]:
    tree = ast.parse(file.read_text(encoding="utf-8"), str(file))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                for capability in _ids(decorator):
                    yield capability, node.name


def _ids(decorator: ast.expr) -> Iterator[str]:
    """The ids in `@pytest.mark.capability("SAL-12", …)`."""
    if not isinstance(decorator, ast.Call) or not isinstance(decorator.func, ast.Attribute):
        return
    if decorator.func.attr == _MARK:
        for argument in decorator.args:
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield argument.value


def main() -> None:
    """Prints the table."""
    table = claims(checkout())
    for capability, tests in table.items():
        for index, test in enumerate(tests):
            print(f"{capability if index == 0 else '':<10} {test}")
    print(f"\n{len(table)} capabilities are claimed by {sum(map(len, table.values()))} marks.")


if __name__ == "__main__":
    main()
