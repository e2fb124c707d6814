"""Pure arithmetic of the pipeline: what an opportunity counts in the forecast, and how long it stood in each stage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from facet_sales.valuation import share


def weighted(amount: Decimal, probability: int, currency: str) -> Decimal:
    """`amount` times `probability` percent, rounded half up to the currency's smallest unit (SAL-03)."""
    return share(amount, Decimal(probability), Decimal(100), currency)


@dataclass(frozen=True, slots=True)
class StageVisit:
    """A stay in one stage; `leave_time` is None while it lasts."""

    stage_id: str
    enter_time: datetime
    leave_time: datetime | None

    def duration(self, now: datetime) -> timedelta:
        """How long the stay lasted, until `now` where it still does."""
        return (self.leave_time or now) - self.enter_time


def stage_visits(changes: Iterable[tuple[str, datetime]], closed: datetime | None) -> list[StageVisit]:
    """The stays behind a series of (stage, time) in order of time; repeated stages are one stay (SAL-01).

    `closed` ends the last stay: a won or lost deal stands in no stage any more.
    """
    visits: list[StageVisit] = []
    for stage_id, at in changes:
        if visits and visits[-1].stage_id == stage_id:
            continue
        if visits:
            visits[-1] = StageVisit(visits[-1].stage_id, visits[-1].enter_time, at)
        visits.append(StageVisit(stage_id, at, None))
    if visits and closed is not None:
        visits[-1] = StageVisit(visits[-1].stage_id, visits[-1].enter_time, closed)
    return visits
