"""Loads the demo enterprise: master data first, then, once every service knows the customers, a year of history."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta

import asyncpg
import uvloop

from facet_local.demo.business import Business
from facet_local.demo.care import Care
from facet_local.demo.desk import Desk, moment
from facet_local.demo.enterprise import Account, Enterprise, Group, generate
from facet_local.demo.master import Master
from facet_local.demo.undertakings import Undertakings
from facet_local.running import RunningPlatform

# How many of the group accounts to tell, where fewer than all of them will do (tests).
_GROUPS = "FACET_DEMO_GROUPS"
_REPLICA_SECONDS = 300.0
_REPLICATED = ("sales", "project", "service-desk", "marketing", "analytics", "customer")

Progress = Callable[[str], None]


def load(platform: RunningPlatform, progress: Progress) -> dict[str, str]:
    """Tells the platform the whole enterprise and its last year; returns ids worth knowing.

    Raises:
        grpc.aio.AioRpcError: a service refused something; the history stays incomplete then.
        TimeoutError: the services did not learn of the customers in time.
    """
    return uvloop.run(_load(platform, progress))


async def _load(platform: RunningPlatform, progress: Progress) -> dict[str, str]:
    began = time.monotonic()
    enterprise = generate()
    wanted = int(os.environ.get(_GROUPS, len(enterprise.groups)))
    enterprise.groups = enterprise.groups[: max(1, wanted)]
    desk = Desk(platform.services, platform.principal_key)
    try:
        await _tell(platform, desk, enterprise, progress)
    finally:
        await desk.close()
    progress(f"{desk.calls} calls in {time.monotonic() - began:.0f} s")
    return {"group_id": desk.directory.customers[enterprise.groups[0].root.key]}


async def _tell(platform: RunningPlatform, desk: Desk, enterprise: Enterprise, progress: Progress) -> None:
    today = datetime.now(UTC).date()
    master = Master(desk, enterprise, moment(today - timedelta(days=365), 9))
    progress(f"organisation: {len(enterprise.people)} people")
    await master.organisation()
    progress("classification trees and products")
    await asyncio.gather(master.classification(), master.products())
    done: asyncio.Queue[None] = asyncio.Queue()
    await _with_progress(master.accounts(done), done, len(enterprise.groups), "groups", progress)
    accounts = sum(len(group.accounts) for group in enterprise.groups)
    await _replicated(platform, accounts)
    business, care = Business(desk, enterprise, today), Care(desk, enterprise, today)
    undertakings = Undertakings(desk, enterprise, today)
    await asyncio.gather(business.pipeline(), care.set_up(), undertakings.set_up())

    async def history(number: int, group: Group) -> None:
        async with asyncio.TaskGroup() as tasks:
            for account in group.accounts:
                tasks.create_task(year(group, account))
            tasks.create_task(undertakings.of_group(number, group))
        for account in group.accounts[:10]:
            await care.install(account)
        done.put_nowait(None)

    async def year(group: Group, account: Account) -> None:
        await business.year(group, account)
        await care.year(group, account)

    async def all_histories() -> None:
        async with asyncio.TaskGroup() as tasks:
            for number, group in enumerate(enterprise.groups):
                tasks.create_task(history(number, group))

    await _with_progress(all_histories(), done, len(enterprise.groups), "histories", progress)


async def _with_progress(
    work: Coroutine[None, None, None], done: asyncio.Queue[None], total: int, what: str, progress: Progress
) -> None:
    async def count() -> None:
        for number in range(1, total + 1):
            await done.get()
            if number % 10 == 0 or number == total:
                progress(f"{what}: {number} of {total}")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(work)
        tasks.create_task(count())


async def _replicated(platform: RunningPlatform, accounts: int) -> None:
    """Waits until every service's replica has all customers: history may refer to any of them."""
    async with asyncio.timeout(_REPLICA_SECONDS):
        for service in _REPLICATED:
            url = "postgresql://" + platform.databases[service].split("://", 1)[1]
            connection = await asyncpg.connect(url)
            try:
                while await connection.fetchval("SELECT count(*) FROM customer_ref") < accounts:  # noqa: ASYNC110
                    await asyncio.sleep(0.1)
            finally:
                await connection.close()
