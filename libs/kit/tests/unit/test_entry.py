"""What entering a record demands before anything is stored."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy.orm import Mapped, mapped_column

from facet_contracts.facet.sales.v1.resources_pb import Product
from facet_kit.context import Ctx
from facet_kit.database.base import Base
from facet_kit.entry import acting_department, require_fields, require_filled
from facet_kit.errors import Invalid
from facet_kit.refs import CustomerRef
from facet_kit.testing.principals import a_principal


class Plan(Base):
    """A record with a field of every kind that can be empty."""

    __tablename__ = "test_plans"
    __scope__ = None

    id: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    due: Mapped[date | None]
    share: Mapped[int | None]
    tags: Mapped[list[str]]


def fields_of(refused: pytest.ExceptionInfo[Invalid]) -> list[str]:
    assert refused.value.reason == "REQUIRED"
    return [violation.field for violation in refused.value.violations]


def test_every_missing_field_of_a_new_record_is_named() -> None:
    with pytest.raises(Invalid) as refused:
        require_fields(
            Product(display_name="Pump"), ["model_code", "display_name", "category_id"], prefix="product"
        )
    assert fields_of(refused) == ["product.model_code", "product.category_id"]


def test_unset_blank_and_empty_values_are_empty_but_zero_is_not() -> None:
    plan = Plan(id="p", name="  ", due=None, share=0, tags=[])
    with pytest.raises(Invalid) as refused:
        require_filled(plan, ["id", "name", "due", "share", "tags"], prefix="plan")
    assert fields_of(refused) == ["plan.name", "plan.due", "plan.tags"]


@pytest.mark.parametrize(
    ("role", "own", "acting"),
    [
        ("sales_rep", "dep-own", "dep-own"),
        ("sales_rep", "", "dep-customer"),
        ("customer", "dep-own", "dep-customer"),
        ("partner", "dep-own", "dep-customer"),
    ],
)
def test_a_record_counts_in_the_department_of_staff_and_else_in_the_customers(
    role: str, own: str, acting: str
) -> None:
    principal = a_principal(role, department_id=own, group_id="g")
    ctx = cast(Ctx, SimpleNamespace(principal=principal))
    customer: Any = CustomerRef(customer_id="c", department_id="dep-customer")
    assert acting_department(ctx, customer) == acting
