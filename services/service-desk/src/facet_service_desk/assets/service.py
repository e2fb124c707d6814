"""Use cases of the installed base."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from protobuf.wkt import FieldMask
from sqlalchemy import select

from facet_contracts.facet.sales.v1 import resources_pb as sales
from facet_contracts.facet.service_desk.v1 import events_pb as events
from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_contracts.facet.service_desk.v1.resources_pb import AssetState
from facet_kit.context import Ctx
from facet_kit.entry import known_unit, require_fields
from facet_kit.errors import Conflict, Invalid
from facet_kit.mapping import parse_date
from facet_kit.paging import ListSpec
from facet_kit.refs import CustomerRef
from facet_service_desk.assets.mapping import asset_map
from facet_service_desk.assets.model import Asset, AssetSummaryRow
from facet_service_desk.assets.policy import units_of, warranty_end
from facet_service_desk.entry import home
from facet_service_desk.figures import move

asset_list = ListSpec(
    Asset,
    fields={
        "customer_id": Asset.customer_id,
        "product_id": Asset.product_id,
        "model_code": Asset.model_code,
        "serial_number": Asset.serial_number,
        "state": Asset.state,
        "department_id": Asset.department_id,
        "region_id": Asset.region_id,
        "order_id": Asset.order_id,
        "install_date": Asset.install_date,
        "warranty_end_date": Asset.warranty_end_date,
    },
    order=("install_date", "warranty_end_date", "model_code"),
    custom_fields=True,
)
_EDITABLE = (
    "serial_number",
    "display_name",
    "location",
    "install_date",
    "warranty_start_date",
    "warranty_end_date",
    "department_id",
    "region_id",
    "custom_fields",
)


async def create_asset(ctx: Ctx, asked: pb.Asset) -> Asset:
    """Records an asset by hand: in service when its day of installation is known, else delivered.

    Raises:
        Invalid: a field is missing or wrong, or the customer, department or region is unknown.
        Conflict: the model already has an asset with the serial number.
    """
    require_fields(asked, ("customer_id", "model_code"), prefix="asset")
    customer = await ctx.customer(asked.customer_id)
    asset = Asset(**(asset_map.values(asked) | {"quantity": asked.quantity or 1}))
    asset.state = AssetState.IN_SERVICE if asset.install_date else AssetState.DELIVERED
    asset.department_id, asset.region_id = await home(ctx, asked.department_id, asked.region_id, customer)
    asset.check()
    await _free_serial_number(ctx, asset)
    await _enter(ctx, asset)
    await ctx.flush()
    return asset


async def _enter(ctx: Ctx, asset: Asset) -> None:
    ctx.add(asset)
    asset.record(lambda: events.AssetCreated(asset=asset_map.to_message(asset)))
    await move(ctx, AssetSummaryRow, None, asset.figures())


async def _free_serial_number(ctx: Ctx, asset: Asset) -> None:
    """Looks over all assets, also those that the caller may not see: serial numbers are unique per model."""
    if not asset.serial_number:
        return
    table = Asset.__table__.c
    query = select(table.id).where(
        table.model_code == asset.model_code,
        table.serial_number == asset.serial_number,
        table.delete_time.is_(None),
        table.id != (asset.id or ""),
    )
    if (await ctx.session.execute(query)).first() is not None:
        raise Conflict(
            "SERIAL_NUMBER_TAKEN",
            f"Model {asset.model_code} already has an asset with serial number {asset.serial_number!r}. "
            "Use that one, or correct the number.",
            metadata={"model_code": asset.model_code, "serial_number": asset.serial_number},
        )


async def update_asset(ctx: Ctx, asked: pb.Asset, mask: FieldMask | None, etag: str) -> Asset:
    """Changes an asset's record.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Invalid: the mask names a field that cannot be changed, or a value is wrong.
        Conflict: the serial number is taken.
    """
    asset = await ctx.get(Asset, asked.id, etag=etag, for_update=True)
    before = asset.figures()
    with ctx.session.no_autoflush:
        changed = asset_map.apply(asset, asked, mask, allowed=_EDITABLE, prefix="asset.")
        asset.check()
        if "department_id" in changed:
            await known_unit(ctx, asset.department_id, "department", field="asset.department_id")
        if "region_id" in changed:
            await known_unit(ctx, asset.region_id, "region", field="asset.region_id")
        if "serial_number" in changed:
            await _free_serial_number(ctx, asset)
    if changed:
        names = sorted(changed)
        asset.record(lambda: events.AssetUpdated(asset=asset_map.to_message(asset), changed_fields=names))
        await move(ctx, AssetSummaryRow, before, asset.figures())
    await ctx.flush()
    return asset


async def install_asset(
    ctx: Ctx, asset_id: str, etag: str, *, day: str, serial_number: str, location: str
) -> Asset:
    """Puts a delivered asset into service; an empty day means today (UTC), other empty texts keep what is on record.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Conflict: it is not waiting for installation, or the serial number is taken.
    """
    asset = await ctx.get(Asset, asset_id, etag=etag, for_update=True)
    before = asset.figures()
    with ctx.session.no_autoflush:
        asset.install(parse_date(day, "install_date") or ctx.clock.today())
        asset.serial_number = serial_number or asset.serial_number
        asset.location = location or asset.location
        asset.check()
        await _free_serial_number(ctx, asset)
    asset.record(lambda: events.AssetInstalled(asset=asset_map.to_message(asset)))
    await move(ctx, AssetSummaryRow, before, asset.figures())
    await ctx.flush()
    return asset


async def retire_asset(ctx: Ctx, asset_id: str, etag: str, *, reason: str) -> Asset:
    """Takes an asset out of use for good.

    Raises:
        NotFound, PreconditionMissing, Stale: see Ctx.get.
        Conflict: it is retired already.
    """
    asset = await ctx.get(Asset, asset_id, etag=etag, for_update=True)
    before = asset.figures()
    asset.retire(ctx.clock.now())
    asset.record(lambda: events.AssetRetired(asset=asset_map.to_message(asset), reason=reason))
    await move(ctx, AssetSummaryRow, before, asset.figures())
    await ctx.flush()
    return asset


async def record_delivery(ctx: Ctx, order: sales.Order) -> list[Asset]:
    """Makes the assets of an order that the customer received: of its serviceable lines, each unit once (SVC-05).

    Units known from an earlier report of the same order are left alone. Returns the new assets.
    """
    table = Asset.__table__.c
    known = await ctx.session.execute(
        select(table.order_line_id, table.unit_number).where(table.order_id == order.id)
    )
    present = {(line_id, number) for line_id, number in known}
    received = parse_date(order.receipt_date, "order.receipt_date") or ctx.clock.today()
    made: list[Asset] = []
    for line in order.lines:
        if not line.serviceable:
            continue
        # The quantity shipped: what was ordered and never left is not at the customer.
        made += [
            _delivered(order, line, unit.number, unit.quantity, received)
            for unit in units_of(Decimal(line.shipped_quantity or "0"))
            if (line.id, unit.number) not in present
        ]
    for asset in made:
        await _enter(ctx, asset)
    await ctx.flush()
    return made


def _delivered(
    order: sales.Order, line: sales.OrderLine, number: int, quantity: int, received: date
) -> Asset:
    return Asset(
        customer_id=order.customer_id,
        product_id=line.product_id,
        model_code=line.model_code,
        display_name=line.product_name if number == 0 else f"{line.product_name} {number}".strip(),
        quantity=quantity,
        state=AssetState.DELIVERED,
        warranty_start_date=received,
        warranty_end_date=warranty_end(received),
        order_id=order.id,
        order_line_id=line.id,
        unit_number=number,
        department_id=order.department_id,
        region_id=order.region_id,
    )


async def asset_of(ctx: Ctx, asset_id: str, customer: CustomerRef, *, field: str) -> Asset | None:
    """The customer's asset with this id; None for the empty id.

    Raises:
        Invalid: the customer has no such asset, or the caller may not see it; names the field.
    """
    if not asset_id:
        return None
    query = select(Asset).where(Asset.id == asset_id, Asset.customer_id == customer.customer_id)
    asset = (await ctx.session.execute(query)).scalar_one_or_none()
    if asset is None:
        raise Invalid(
            "ASSET_UNKNOWN", f"The customer has no asset {asset_id!r} that you may see.", field=field
        )
    return asset
