"""The service history through the real pipeline."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from protobuf.wkt import FieldMask, Timestamp
from sqlalchemy import text

from facet_contracts.facet.service_desk.v1 import events_pb as events
from facet_contracts.facet.service_desk.v1 import record_service_pb as rpc
from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_kit.errors import Forbidden, Invalid, NotFound, Stale
from facet_kit.testing.principals import a_principal

if TYPE_CHECKING:
    from conftest import Desk

NINE = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def stamp(hours: float) -> Timestamp:
    return Timestamp.from_datetime(NINE + timedelta(hours=hours))


async def test_a_record_tells_what_was_done_where(desk: Desk) -> None:
    customer = await desk.service.given_customer(region_id="r")
    asset = await desk.asset(customer)
    ticket = await desk.ticket(customer, asset_id=asset.id)
    record = await desk.record(
        customer, asset_id=asset.id, ticket_id=ticket.id, end_time=stamp(2), work_done="Seal"
    )
    assert (record.asset_id, record.ticket_id, record.region_id) == (asset.id, ticket.id, "r")
    got = await desk.call("get_service_record", rpc.GetServiceRecordRequest(service_record_id=record.id))
    assert got == record
    told = [e.service_record for e in await desk.service.events(events.ServiceRecordCreated)]
    assert record in told


async def test_an_engineer_records_his_own_work(desk: Desk) -> None:
    engineer = await desk.service.given_staff()
    customer = await desk.service.given_customer(region_id="r")
    agent = a_principal("service_agent", id=engineer.staff_id, region_ids={"r"})
    assert (await desk.record(customer, agent, engineer_id="")).engineer_id == engineer.staff_id


async def test_a_record_refers_to_things_of_its_own_customer(desk: Desk) -> None:
    one, other = await desk.service.given_customer(), await desk.service.given_customer()
    asset, ticket = await desk.asset(one), await desk.ticket(one)
    for fields in ({"asset_id": asset.id}, {"ticket_id": ticket.id}, {"engineer_id": "nobody"}):
        with pytest.raises(Invalid) as refused:
            await desk.record(other, **fields)
        assert refused.value.violations[0].field == f"service_record.{next(iter(fields))}"


async def test_work_does_not_end_before_it_begins(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    with pytest.raises(Invalid):
        await desk.record(customer, end_time=stamp(-1))
    record = await desk.record(customer)

    async def update(*paths: str, etag: str = record.etag, **fields: Any) -> pb.ServiceRecord:
        request = rpc.UpdateServiceRecordRequest(
            service_record=pb.ServiceRecord(id=record.id, **fields),
            update_mask=FieldMask(paths=list(paths)),
            etag=etag,
        )
        return await desk.call("update_service_record", request)

    with pytest.raises(Invalid):
        await update(end_time=stamp(-1))
    with pytest.raises(Invalid):
        await update("start_time")
    done = await update(end_time=stamp(3), work_done="New bearing")
    assert (done.work_done, done.end_time) == ("New bearing", stamp(3))
    with pytest.raises(Stale):
        await update(work_done="Old bearing")


async def test_the_history_is_listed_by_customer_asset_and_engineer_latest_first(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    asset = await desk.asset(customer)
    engineer = await desk.service.given_staff()
    records = [
        await desk.record(
            customer, start_time=stamp(hour), asset_id=asset.id if hour else "", engineer_id=engineer.staff_id
        )
        for hour in (1, 0, 2, 3)
    ]
    in_order = [records[3].id, records[2].id, records[0].id, records[1].id]

    async def history(**fields: Any) -> list[str]:
        found: list[str] = []
        token = ""
        while True:
            request = rpc.ListServiceRecordsRequest(page_size=2, page_token=token, **fields)
            page = await desk.call("list_service_records", request)
            found += [record.id for record in page.service_records]
            token = page.next_page_token
            if not token:
                return found

    assert await history(filter=f'customer_id = "{customer.customer_id}"') == in_order
    assert await history(filter=f'engineer_id = "{engineer.staff_id}"') == in_order
    assert await history(filter=f'asset_id = "{asset.id}"') == in_order[:3]
    assert await history(filter=f'asset_id = "{asset.id}"', order_by="start_time") == in_order[2::-1]


@pytest.mark.parametrize("column", ["customer_id", "asset_id", "engineer_id"])
async def test_a_page_of_the_history_is_read_from_an_index(desk: Desk, column: str) -> None:
    async with desk.service.session() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        await session.execute(text("SET LOCAL enable_bitmapscan = off"))
        plan = await session.execute(
            text(
                f"EXPLAIN SELECT * FROM service_records WHERE {column} = 'x' AND delete_time IS NULL "
                "AND (start_time, id) < (now(), 'x') ORDER BY start_time DESC, id DESC LIMIT 51"
            )
        )
        lines = "\n".join(plan.scalars())
    assert f"Index Scan Backward using ix_service_records_{column}" in lines
    assert "Sort" not in lines


async def test_an_empty_scope_sees_no_record_and_an_engineer_his_own(desk: Desk) -> None:
    engineer = await desk.service.given_staff()
    record = await desk.record(
        await desk.service.given_customer(region_id="r"), engineer_id=engineer.staff_id
    )
    nobody = a_principal("service_agent")
    assert (
        list(
            (await desk.call("list_service_records", rpc.ListServiceRecordsRequest(), nobody)).service_records
        )
        == []
    )
    with pytest.raises(NotFound):
        await desk.call(
            "get_service_record", rpc.GetServiceRecordRequest(service_record_id=record.id), nobody
        )
    himself = a_principal("service_agent", id=engineer.staff_id)
    mine = await desk.call("list_service_records", rpc.ListServiceRecordsRequest(), himself)
    assert [each.id for each in mine.service_records] == [record.id]


async def test_a_customers_user_does_not_read_the_service_history(desk: Desk) -> None:
    user = a_principal("customer", group_id="g")
    with pytest.raises(Forbidden):
        await desk.call("list_service_records", rpc.ListServiceRecordsRequest(), user)
