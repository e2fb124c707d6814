"""The installed base through the real pipeline, and what deliveries add to it (SVC-05)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from protobuf.wkt import FieldMask
from sqlalchemy import select

from facet_contracts.facet.sales.v1.events_pb import OrderReceived
from facet_contracts.facet.sales.v1.resources_pb import Order, OrderLine
from facet_contracts.facet.service_desk.v1 import asset_service_pb as rpc
from facet_contracts.facet.service_desk.v1 import events_pb as events
from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_contracts.facet.service_desk.v1.resources_pb import AssetState
from facet_kit.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionMissing, Stale
from facet_kit.testing.principals import a_principal
from facet_service_desk.assets.model import Asset

if TYPE_CHECKING:
    from conftest import Desk


def verb(kind: type[Any], asset: pb.Asset, **fields: Any) -> Any:
    return kind(**({"asset_id": asset.id, "etag": asset.etag} | fields))


def an_order(desk: Desk, customer_id: str, *lines: OrderLine, **fields: Any) -> Order:
    values = {"id": desk.service.ids.new(), "customer_id": customer_id, "receipt_date": "2026-03-02"} | fields
    return Order(**values, lines=list(lines))


def a_line(id: str = "1", quantity: str = "2", **fields: Any) -> OrderLine:
    values = {
        "product_id": "p",
        "model_code": "CH-200",
        "product_name": "Chiller",
        "quantity": quantity,
        "shipped_quantity": quantity,
        "serviceable": True,
    } | fields
    return OrderLine(id=id, **values)


async def base(desk: Desk, order: Order) -> list[Asset]:
    async with desk.service.session() as session:
        query = (
            select(Asset).where(Asset.order_id == order.id).order_by(Asset.order_line_id, Asset.unit_number)
        )
        return list((await session.execute(query)).scalars())


async def test_an_asset_is_in_service_once_it_is_installed(desk: Desk) -> None:
    customer = await desk.service.given_customer(region_id="r")
    asset = await desk.asset(customer, serial_number="S-1", model_code="A-1")
    assert (asset.state, asset.quantity, asset.region_id) == (AssetState.DELIVERED, 1, "r")
    asset = await desk.call("install_asset", verb(rpc.InstallAssetRequest, asset, install_date="2026-03-02"))
    assert (asset.state, asset.install_date) == (AssetState.IN_SERVICE, "2026-03-02")
    assert (asset.warranty_start_date, asset.serial_number) == ("2026-03-02", "S-1")
    asset = await desk.call("retire_asset", verb(rpc.RetireAssetRequest, asset, reason="worn out"))
    assert asset.state is AssetState.RETIRED
    told = [
        type(e).__name__
        for e in await desk.service.events()
        if getattr(e, "asset", None) and e.asset.id == asset.id
    ]
    assert told == ["AssetCreated", "AssetInstalled", "AssetRetired"]
    for rpc_name, kind in (
        ("install_asset", rpc.InstallAssetRequest),
        ("retire_asset", rpc.RetireAssetRequest),
    ):
        with pytest.raises(Conflict) as refused:
            await desk.call(rpc_name, verb(kind, asset))
        assert refused.value.reason == "ILLEGAL_TRANSITION"


async def test_a_serial_number_is_given_once_a_model(desk: Desk) -> None:
    one, other = await desk.service.given_customer(), await desk.service.given_customer(region_id="far")
    await desk.asset(one, model_code="B-1", serial_number="S-1")
    assert (await desk.asset(other, model_code="B-2", serial_number="S-1")).id
    with pytest.raises(Conflict) as refused:
        await desk.asset(other, model_code="B-1", serial_number="S-1")
    assert refused.value.reason == "SERIAL_NUMBER_TAKEN"
    twin = await desk.asset(other, model_code="B-1", serial_number="S-2")
    request = rpc.UpdateAssetRequest(asset=pb.Asset(id=twin.id, serial_number="S-1"), etag=twin.etag)
    with pytest.raises(Conflict):
        await desk.call("update_asset", request)


async def test_a_serial_number_taken_out_of_the_callers_sight_is_taken(desk: Desk) -> None:
    far = await desk.service.given_customer(region_id="far")
    near = await desk.service.given_customer(region_id="near")
    await desk.asset(far, model_code="C-1", serial_number="S-1")
    agent = a_principal("service_agent", region_ids={"near"})
    with pytest.raises(Conflict):
        await desk.asset(near, agent, model_code="C-1", serial_number="S-1")


async def test_an_update_keeps_the_record_consistent(desk: Desk) -> None:
    asset = await desk.asset(await desk.service.given_customer(), install_date="2026-03-02")
    assert asset.state is AssetState.IN_SERVICE

    async def update(*, mask: tuple[str, ...] = (), etag: str = asset.etag, **fields: Any) -> pb.Asset:
        request = rpc.UpdateAssetRequest(
            asset=pb.Asset(id=asset.id, **fields), update_mask=FieldMask(paths=list(mask)), etag=etag
        )
        return await desk.call("update_asset", request)

    with pytest.raises(Invalid, match="warranty"):
        await update(warranty_start_date="2026-03-02", warranty_end_date="2026-03-01")
    with pytest.raises(Invalid, match="2026-02-30"):
        await update(warranty_end_date="2026-02-30")
    with pytest.raises(Invalid):
        await update(mask=("customer_id",))
    with pytest.raises(PreconditionMissing):
        await update(location="roof", etag="")
    changed = await update(location="roof")
    assert (changed.location, changed.install_date) == ("roof", "2026-03-02")
    with pytest.raises(Stale):
        await update(location="cellar")
    told = [e for e in await desk.service.events(events.AssetUpdated) if e.asset.id == asset.id]
    assert [list(e.changed_fields) for e in told] == [["location"]]


async def test_a_lot_has_no_serial_number(desk: Desk) -> None:
    with pytest.raises(Invalid) as refused:
        await desk.asset(await desk.service.given_customer(), quantity=20, serial_number="S")
    assert refused.value.reason == "LOT_SERIAL_NUMBER"


async def test_a_received_order_makes_an_asset_of_every_unit_of_serviceable_lines(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    order = an_order(
        desk,
        customer.customer_id,
        a_line("1", "2"),
        a_line("2", "80", model_code="VALVE"),
        a_line("3", "5", serviceable=False),
        a_line("4", "7", shipped_quantity="1"),
        department_id="d",
        region_id="r",
    )
    await desk.service.deliver(OrderReceived(order=order))
    made = await base(desk, order)
    assert [(a.order_line_id, a.unit_number, a.quantity) for a in made] == [
        ("1", 1, 1),
        ("1", 2, 1),
        ("2", 0, 80),
        ("4", 1, 1),
    ]
    first = made[0]
    assert (first.customer_id, first.department_id, first.region_id) == (customer.customer_id, "d", "r")
    assert first.state is AssetState.DELIVERED
    assert str(first.warranty_start_date), str(first.warranty_end_date) == ("2026-03-02", "2027-03-01")
    told = [e for e in await desk.service.events(events.AssetCreated) if e.asset.order_id == order.id]
    assert len(told) == 4


async def test_an_order_reported_twice_makes_its_assets_once(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    order = an_order(desk, customer.customer_id, a_line())
    event_id = await desk.service.deliver(OrderReceived(order=order), version=3)
    await desk.service.deliver(OrderReceived(order=order), version=3, event_id=event_id)
    await desk.service.deliver(OrderReceived(order=order), version=4)
    assert len(await base(desk, order)) == 2


async def test_an_older_report_of_an_order_is_ignored(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    order = an_order(desk, customer.customer_id, a_line())
    await desk.service.deliver(OrderReceived(order=order), version=5)
    await desk.service.deliver(
        OrderReceived(order=an_order(desk, customer.customer_id, a_line("9"), id=order.id)), version=4
    )
    assert {asset.order_line_id for asset in await base(desk, order)} == {"1"}


async def test_assets_are_listed_by_order_and_warranty(desk: Desk) -> None:
    customer = await desk.service.given_customer()
    for end in ("2027-01-01", "", "2026-06-01"):
        await desk.asset(customer, warranty_end_date=end, display_name=end or "none")
    request = rpc.ListAssetsRequest(
        filter=f'customer_id = "{customer.customer_id}" AND state = DELIVERED', order_by="warranty_end_date"
    )
    listed = await desk.call("list_assets", request)
    assert [asset.display_name for asset in listed.assets] == ["2026-06-01", "2027-01-01", "none"]


async def test_an_empty_scope_sees_no_asset(desk: Desk) -> None:
    asset = await desk.asset(await desk.service.given_customer(region_id="r"))
    nobody = a_principal("service_agent")
    assert list((await desk.call("list_assets", rpc.ListAssetsRequest(), nobody)).assets) == []
    with pytest.raises(NotFound):
        await desk.call("get_asset", rpc.GetAssetRequest(asset_id=asset.id), nobody)


async def test_a_customers_user_sees_his_machines_and_changes_none(desk: Desk) -> None:
    customer = await desk.service.given_customer(department_id="d")
    asset = await desk.asset(customer, serial_number="CU-1", location="roof")
    user = a_principal("customer", group_id=customer.group_id)
    seen = await desk.call("get_asset", rpc.GetAssetRequest(asset_id=asset.id), user)
    assert (seen.serial_number, seen.location, seen.department_id) == ("CU-1", "roof", "")
    with pytest.raises(Forbidden):
        await desk.call("retire_asset", verb(rpc.RetireAssetRequest, asset), user)


async def test_the_warranty_of_a_manual_asset_starts_with_its_installation(desk: Desk) -> None:
    asset = await desk.asset(await desk.service.given_customer())
    moment = datetime(2026, 3, 2, 1, tzinfo=UTC)
    asset = await desk.call("install_asset", verb(rpc.InstallAssetRequest, asset), desk.at(moment))
    assert (asset.install_date, asset.warranty_start_date) == ("2026-03-02", "2026-03-02")
