"""Build hook: generates the package's Python from the repository's proto/ before the wheel is made."""

import sys
from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))
from codegen import generate


class ContractsBuildHook(BuildHookInterface):
    """Runs the code generation for every build, editable ones included."""

    def initialize(self, version: str, build_data: dict) -> None:
        here = Path(self.root)
        generate(proto=here.parents[1] / "proto", package=here / "src" / "facet_contracts")
