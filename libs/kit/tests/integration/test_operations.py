"""Long-running operations: their course, and who sees them."""

from __future__ import annotations

import pytest

from facet_contracts.facet.platform.v1.resources_pb import OperationState
from facet_kit import operations
from facet_kit.database.session import Database
from facet_kit.errors import Conflict, NotFound
from facet_kit.operations import OperationRow
from facet_kit.principal import Principal

from .widgets import REQUEST, staff

ANN = staff("ann", full_scope=False)


async def started(database: Database) -> str:
    async with database.unit_of_work(ANN, REQUEST) as ctx:
        return operations.start(ctx, "import_widgets", total=3, metadata={"file": "a.csv"}).id


async def seen(database: Database, id: str, principal: Principal = ANN) -> OperationRow:
    async with database.unit_of_work(principal, REQUEST, read_only=True) as ctx:
        operation = await operations.get(ctx, id)
        ctx.session.expunge(operation)
        return operation


async def test_an_operation_runs_and_ends_with_its_result(database: Database) -> None:
    id = await started(database)
    assert id.startswith("kit-")
    async with database.unit_of_work(staff("worker"), REQUEST) as ctx:
        await operations.progress(ctx, id, done=2)
    running = await seen(database, id)
    assert (running.state, running.done_count, running.total_count) == (OperationState.RUNNING, 2, 3)
    async with database.unit_of_work(staff("worker"), REQUEST) as ctx:
        await operations.finish(ctx, id, {"imported": 3})
    done = await seen(database, id)
    assert (done.state, done.result, done.details) == (
        OperationState.DONE,
        {"imported": 3},
        {"file": "a.csv"},
    )


async def test_a_failure_says_why(database: Database) -> None:
    id = await started(database)
    async with database.unit_of_work(staff("worker"), REQUEST) as ctx:
        await operations.fail(ctx, id, reason="FILE_BROKEN", message="Line 3 has no name.")
    failed = await seen(database, id)
    assert (failed.state, failed.error_reason) == (OperationState.FAILED, "FILE_BROKEN")


async def test_what_has_ended_does_not_change(database: Database) -> None:
    id = await started(database)
    async with database.unit_of_work(staff("worker"), REQUEST) as ctx:
        await operations.finish(ctx, id)
        for change in (
            operations.finish(ctx, id),
            operations.fail(ctx, id, reason="LATE", message="late"),
            operations.progress(ctx, id, done=3),
        ):
            with pytest.raises(Conflict):
                await change


async def test_an_operation_is_seen_by_who_started_it_and_by_full_scope(database: Database) -> None:
    id = await started(database)
    assert (await seen(database, id, staff("boss"))).id == id
    for stranger, wanted in ((staff("bob", full_scope=False), id), (ANN, "kit-unknown")):
        with pytest.raises(NotFound):
            await seen(database, wanted, stranger)
