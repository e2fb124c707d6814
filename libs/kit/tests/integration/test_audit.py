"""The audit trail against PostgreSQL: what is captured, and that tampering is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text

from facet_contracts.facet.platform.v1.resources_pb import OperationState
from facet_kit.audit import AuditEntry, AuditHead, audit_read, plain, record, write_audit
from facet_kit.audit_chain import VerifyResult, seal, seal_all, verify
from facet_kit.database.session import Database
from facet_kit.errors import Conflict

from .widgets import REQUEST, Widget, WidgetPart, a_widget, staff


@pytest_asyncio.fixture
async def audited(clean: Database) -> AsyncGenerator[Database]:
    async with clean.engine.begin() as connection:
        for table in (WidgetPart, AuditEntry, AuditHead):
            await connection.execute(delete(table))
    yield clean
    async with clean.engine.begin() as connection:
        await connection.execute(delete(WidgetPart))


async def entries(database: Database) -> list[AuditEntry]:
    async with database.system_sessions() as session:
        return list((await session.execute(select(AuditEntry).order_by(AuditEntry.seq))).scalars())


async def a_chain(database: Database, length: int) -> None:
    async with database.unit_of_work(staff(), REQUEST) as ctx:
        for number in range(length):
            record(
                ctx, "note", resource="thing", resource_id=str(number), after={"number": number, "half": 0.5}
            )
    async with database.engine.begin() as connection:
        await seal_all(connection)


async def verified(database: Database, *, start: int = 1, limit: int = 20_000) -> VerifyResult:
    async with database.engine.begin() as connection:
        return await verify(connection, start=start, limit=limit)


async def execute(database: Database, statement: str) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text(statement))


@pytest.mark.capability("PLT-05")
async def test_a_write_leaves_who_what_before_and_after(audited: Database) -> None:
    async with audited.unit_of_work(staff("ann"), REQUEST) as ctx:
        ctx.add(widget := a_widget(name="Old", size=1, secret="hidden"))
    async with audited.unit_of_work(staff("bob"), REQUEST) as ctx:
        changed = await ctx.get(Widget, widget.id)
        changed.name, changed.size = "New", 1
        changed.state = OperationState.DONE
    created, updated = await entries(audited)
    assert (created.action, created.resource, created.resource_id) == ("create", "widget", widget.id)
    assert created.before is None
    assert created.after is not None
    assert created.after["state"] == "RUNNING"
    assert "secret" not in created.after
    assert "version" not in created.after
    assert updated.before == {"name": "Old", "state": "RUNNING"}
    assert updated.after == {"name": "New", "state": "DONE"}
    assert (updated.person_id, updated.principal_kind, updated.roles) == ("bob", "STAFF", ["administrator"])
    assert (updated.reason, updated.via, updated.request_id) == ("a test", "test", "r-1")


async def test_several_flushes_make_one_entry(audited: Database) -> None:
    async with audited.unit_of_work(staff(), REQUEST) as ctx:
        ctx.add(widget := a_widget(name="One"))
        await ctx.flush()
        widget.name = "Two"
        await ctx.flush()
    async with audited.unit_of_work(staff(), REQUEST) as ctx:
        widget = await ctx.get(Widget, widget.id)
        for name in ("Three", "Four"):
            widget.name = name
            await ctx.flush()
    created, updated = await entries(audited)
    assert created.after is not None
    assert created.after["name"] == "Two"
    assert (updated.before, updated.after) == ({"name": "Two"}, {"name": "Four"})


async def test_a_change_taken_back_leaves_no_entry(audited: Database) -> None:
    async with audited.unit_of_work(staff(), REQUEST) as ctx:
        ctx.add(widget := a_widget(name="Same"))
    async with audited.unit_of_work(staff(), REQUEST) as ctx:
        widget = await ctx.get(Widget, widget.id)
        widget.name = "Other"
        await ctx.flush()
        widget.name = "Same"
    assert [entry.action for entry in await entries(audited)] == ["create"]


async def test_a_deletion_keeps_what_was_there(audited: Database) -> None:
    async with audited.unit_of_work(staff(), REQUEST) as ctx:
        ctx.add(widget := a_widget(name="Gone"))
    async with audited.unit_of_work(staff(), REQUEST) as ctx:
        await ctx.session.delete(await ctx.get(Widget, widget.id))
    deleted = (await entries(audited))[-1]
    assert (deleted.action, deleted.after) == ("delete", None)
    assert deleted.before is not None
    assert deleted.before["name"] == "Gone"


async def test_rows_inside_an_aggregate_are_audited_too(audited: Database) -> None:
    async with audited.unit_of_work(staff(), REQUEST) as ctx:
        ctx.add(widget := a_widget())
        await ctx.flush()
        ctx.add(WidgetPart(id="p-1", widget_id=widget.id, label="wheel"))
    part = (await entries(audited))[-1]
    assert (part.resource, part.resource_id) == ("widget_part", "p-1")
    assert part.after == {"id": "p-1", "widget_id": widget.id, "label": "wheel"}


async def test_a_refused_call_leaves_no_entry(audited: Database) -> None:
    async def refused_call() -> None:
        async with audited.unit_of_work(staff(), REQUEST) as ctx:
            ctx.add(a_widget())
            await ctx.flush()
            record(ctx, "note", resource="thing", resource_id="1")
            raise Conflict("NO", "no")

    with pytest.raises(Conflict):
        await refused_call()
    assert await entries(audited) == []


async def test_reads_of_sensitive_fields_are_noted_for_each_resource(audited: Database) -> None:
    async with audited.unit_of_work(staff(), REQUEST) as ctx:
        await audit_read(ctx, "contact", ["c1", "c2"], ["phone", "birthday", "phone"])
        assert await write_audit(ctx) == 2
    found = await entries(audited)
    assert [(entry.action, entry.resource_id, entry.after) for entry in found] == [
        ("read", id, {"fields": ["birthday", "phone"]}) for id in ("c1", "c2")
    ]


@pytest.mark.capability("PLT-05")
async def test_a_read_leaves_its_entry_and_changes_nothing(audited: Database) -> None:
    async with audited.unit_of_work(staff(), REQUEST, read_only=True) as ctx:
        ctx.add(a_widget())
        await ctx.flush()
        await audit_read(ctx, "contact", ["c1"], ["phone"])
    assert [(entry.action, entry.resource_id) for entry in await entries(audited)] == [("read", "c1")]
    async with audited.system_sessions() as session:
        assert (await session.execute(select(Widget))).all() == []


@pytest.mark.capability("PLT-05")
async def test_an_untouched_chain_is_intact_and_names_its_head(audited: Database) -> None:
    await a_chain(audited, 5)
    found = await verified(audited)
    assert found.intact
    assert (found.checked_count, found.head_position, found.next_position) == (5, 5, 0)
    await a_chain(audited, 2)
    longer = await verified(audited, start=6)
    assert longer.intact
    assert (longer.checked_count, longer.head_position) == (2, 7)


async def test_a_long_chain_is_verified_in_steps(audited: Database) -> None:
    await a_chain(audited, 7)
    first = await verified(audited, limit=3)
    assert (first.intact, first.checked_count, first.next_position) == (True, 3, 4)
    last = await verified(audited, start=first.next_position)
    assert (last.intact, last.checked_count, last.next_position) == (True, 4, 0)


async def test_an_empty_chain_is_intact(audited: Database) -> None:
    assert (await verified(audited)).intact


@pytest.mark.capability("PLT-05")
@pytest.mark.parametrize(
    ("tampering", "position", "problem"),
    [
        ("UPDATE audit_entries SET after = '{\"number\": 9}' WHERE position = 3", 3, "was changed"),
        ("UPDATE audit_entries SET person_id = 'eve' WHERE position = 1", 1, "was changed"),
        (
            "UPDATE audit_entries SET create_time = create_time + interval '1 us' WHERE position = 4",
            4,
            "changed",
        ),
        ("UPDATE audit_entries SET prev_hash = hash WHERE position = 2", 2, "does not continue"),
        ("DELETE FROM audit_entries WHERE position = 3", 3, "is missing"),
        ("DELETE FROM audit_entries WHERE position = 5", 5, "is missing"),
        ("DELETE FROM audit_entries", 1, "is missing"),
        ("UPDATE audit_head SET position = 4", 4, "end of the chain"),
        ("UPDATE audit_entries SET position = 6 WHERE position = 5", 5, "is missing"),
    ],
)
async def test_tampering_is_found_where_it_happened(
    audited: Database, tampering: str, position: int, problem: str
) -> None:
    await a_chain(audited, 5)
    await execute(audited, tampering)
    found = await verified(audited)
    assert not found.intact
    assert found.broken_position == position
    assert problem in found.problem


async def test_an_entry_that_commits_late_is_sealed_later(audited: Database) -> None:
    async with audited.unit_of_work(staff(), REQUEST) as slow:
        record(slow, "note", resource="thing", resource_id="slow")
        await write_audit(slow)
        await a_chain(audited, 2)
    async with audited.engine.begin() as connection:
        assert await seal(connection) == 1
    by_seq = await entries(audited)
    assert by_seq[0].resource_id == "slow"
    assert [entry.position for entry in by_seq] == [3, 1, 2]
    assert (await verified(audited)).intact


async def test_replicas_that_seal_at_once_make_one_chain(audited: Database) -> None:
    async def work(name: str) -> None:
        for number in range(10):
            async with audited.unit_of_work(staff(), REQUEST) as ctx:
                record(ctx, "note", resource=name, resource_id=str(number))
            async with audited.engine.begin() as connection:
                await seal(connection)

    await asyncio.gather(*(work(name) for name in "abc"))
    async with audited.engine.begin() as connection:
        await seal_all(connection)
    found = await verified(audited)
    assert found.intact
    assert found.checked_count == 30


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc\u534e", max_size=3), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text("xyz", min_size=1, max_size=3), json, max_size=3))
async def test_whatever_was_noted_verifies_after_its_way_through_the_database(
    audited: Database, values: dict[str, object]
) -> None:
    async with audited.unit_of_work(staff(), REQUEST) as ctx:
        record(ctx, "note", resource="thing", resource_id="1", before=values, after=values)
    async with audited.engine.begin() as connection:
        await seal_all(connection)
    assert (await verified(audited)).intact


def test_values_are_noted_as_json() -> None:
    assert plain({"state": OperationState.DONE, 1: (b"abc",)}) == {"state": "DONE", "1": ["3 bytes"]}
