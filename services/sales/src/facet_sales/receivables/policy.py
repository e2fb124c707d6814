"""Pure rules of receivables: terms of payment, and into which bucket an open amount falls."""

from __future__ import annotations

from datetime import date, timedelta
from enum import Enum

from facet_contracts.facet.sales.v1.resources_pb import InvoiceState

PAYMENT_TERM = timedelta(days=30)
"""When an invoice names no due date, it is due so long after its issue."""

OPEN_STATES = (InvoiceState.OPEN, InvoiceState.PARTLY_PAID)


class Bucket(Enum):
    """Ageing buckets, by days overdue (SAL-15); the values are the contract's field names."""

    NOT_DUE = "not_due"
    DAYS_1_TO_30 = "overdue_1_to_30"
    DAYS_31_TO_60 = "overdue_31_to_60"
    DAYS_61_TO_90 = "overdue_61_to_90"
    OVER_90 = "overdue_over_90"


def overdue_days(due_date: date, as_of: date) -> int:
    """Days past the due date; 0 on the day itself and before."""
    return max((as_of - due_date).days, 0)


def bucket_of(days: int) -> Bucket:
    """The bucket of something that is `days` overdue."""
    if days <= 0:
        return Bucket.NOT_DUE
    if days <= 30:
        return Bucket.DAYS_1_TO_30
    if days <= 60:
        return Bucket.DAYS_31_TO_60
    return Bucket.DAYS_61_TO_90 if days <= 90 else Bucket.OVER_90
