"""Departments and regions that a record names must be known."""

from __future__ import annotations

import pytest

from facet_kit.database.session import Database
from facet_kit.entry import known_unit
from facet_kit.errors import Invalid
from facet_kit.refs import OrgRef

from .widgets import REQUEST, staff


async def test_a_unit_is_known_by_id_and_kind(database: Database) -> None:
    async with database.system_sessions() as session:
        session.add(OrgRef(id="north", kind="region", name="North", ancestor_ids=["north"]))
        await session.commit()
    async with database.unit_of_work(staff("ann"), REQUEST, read_only=True) as ctx:
        assert await known_unit(ctx, "north", "region", field="widget.region_id") == "north"
        assert await known_unit(ctx, "", "region", field="widget.region_id") == ""
        with pytest.raises(Invalid) as refused:
            await known_unit(ctx, "north", "department", field="widget.department_id")
    assert refused.value.reason == "DEPARTMENT_UNKNOWN"
    assert [violation.field for violation in refused.value.violations] == ["widget.department_id"]
