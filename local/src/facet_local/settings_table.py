"""Writes docs/configuration.md out of the settings classes: `python -m facet_local.settings_table`."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterable, Iterator

from facet_kit.settings import KitSettings
from facet_local.catalogue import DATABASE_OWNERS, package_of
from facet_local.home import checkout

DOCUMENT = "docs/configuration.md"
_REQUIRED = "*required*"
_HEAD = """\
# Configuration

<!-- Made by `python -m facet_local.settings_table` out of the settings classes; do not edit. -->

A process is configured by environment variables and nothing else; what is missing or does not fit ends it at its start,
with the name of the variable. `make run` sets all of them for the processes it starts.
"""


def document() -> str:
    """The whole page."""
    parts = [
        _HEAD,
        "## Every service and the gateway\n",
        *_table(KitSettings, KitSettings.model_fields),
    ]
    for service in DATABASE_OWNERS:
        settings = _settings_of(service)
        added = [name for name in settings.model_fields if _differs(settings, name)]
        parts.append(f"\n## {service}\n")
        parts += _table(settings, added) if added else ["Nothing beyond what every service has."]
    return "\n".join(parts) + "\n"


def _settings_of(service: str) -> type[KitSettings]:
    """The settings class that a service's settings module defines."""
    module = importlib.import_module(f"{package_of(service)}.settings")
    return next(
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, KitSettings) and each.__module__ == module.__name__
    )


def _differs(settings: type[KitSettings], name: str) -> bool:
    """Whether the service adds the setting, or gives it another default or meaning."""
    own, common = settings.model_fields[name], KitSettings.model_fields.get(name)
    return common is None or (common.default, common.description) != (own.default, own.description)


def _table(settings: type[KitSettings], names: Iterable[str]) -> Iterator[str]:
    prefix = settings.model_config.get("env_prefix", "")
    yield "| variable | default | meaning |"
    yield "|---|---|---|"
    for name in names:
        field = settings.model_fields[name]
        default = _REQUIRED if field.is_required() else f"`{_shown(field.default)}`"
        meaning = (field.description or "").replace("|", "\\|")
        yield f"| `{(prefix + name).upper()}` | {default} | {meaning} |"


def _shown(default: object) -> str:
    return default if isinstance(default, str) and default else json.dumps(default)


def main() -> int:
    """Writes the page."""
    (checkout() / DOCUMENT).write_text(document(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
