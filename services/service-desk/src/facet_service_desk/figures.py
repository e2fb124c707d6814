"""Keeps this service's summary rows in step with the records they count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from facet_kit.context import Ctx
from facet_kit.summary import AccountSummaryRow, bump


@dataclass(frozen=True, slots=True)
class Figures:
    """What one record adds to the summary row of its customer, department and region."""

    customer_id: str
    department_id: str
    region_id: str
    measures: Mapping[str, int]


async def move(ctx: Ctx, row: type[AccountSummaryRow], before: Figures | None, after: Figures | None) -> None:
    """Takes what a record added before out of the summary and puts in what it adds now; tells the account's view.

    None stands for a record that is not there yet, or no longer.
    """
    deltas: dict[tuple[str, str, str], dict[str, int]] = {}
    for figures, sign in ((before, -1), (after, 1)):
        if figures is None:
            continue
        ctx.touch_account(figures.customer_id)
        place = deltas.setdefault((figures.customer_id, figures.department_id, figures.region_id), {})
        for name, value in figures.measures.items():
            place[name] = place.get(name, 0) + sign * value
    # In one order, so that two records that swap places cannot wait for each other.
    for (customer_id, department_id, region_id), measures in sorted(deltas.items()):
        changed = {name: value for name, value in measures.items() if value}
        if changed:
            await bump(
                ctx, row, customer_id=customer_id, department_id=department_id, region_id=region_id, **changed
            )
