"""Names as the contracts, the database and the API spell them."""

from __future__ import annotations

import re

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """`createTime` → `create_time`, `OrderLine` → `order_line`."""
    return _HUMP.sub("_", name).lower()


def resource_name(entity: type) -> str:
    """How audit and custom fields call the resource that a class stands for: `OrderLine` → `order_line`."""
    return snake_case(entity.__name__)
