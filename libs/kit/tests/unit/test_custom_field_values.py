"""Which values custom fields take, and which definitions make sense."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facet_contracts.facet.platform.v1.resources_pb import CustomFieldType
from facet_kit.custom_fields import Definition, check_definition
from facet_kit.custom_fields.values import normalised
from facet_kit.principal import Principal, PrincipalKind


def a_definition(type: CustomFieldType = CustomFieldType.TEXT, **fields: Any) -> Definition:
    values: dict[str, Any] = {
        "name": "x",
        "required": False,
        "choices": (),
        "min_value": None,
        "max_value": None,
        "pattern": "",
        "max_length": 4000,
        "visible_roles": frozenset[str](),
        "inactive": False,
    }
    return Definition(type=type, **(values | fields))


@pytest.mark.parametrize(
    ("definition", "value", "stored"),
    [
        (a_definition(), "text", "text"),
        (a_definition(pattern="[A-Z]{2}-\\d+"), "AB-12", "AB-12"),
        (a_definition(pattern="a|bc"), "bc", "bc"),
        (a_definition(CustomFieldType.NUMBER), 3.0, 3),
        (a_definition(CustomFieldType.NUMBER, min_value=0, max_value=2), 1.5, 1.5),
        (a_definition(CustomFieldType.BOOLEAN), False, False),
        (a_definition(CustomFieldType.DATE), "2028-02-29", "2028-02-29"),
        (a_definition(CustomFieldType.CHOICE, choices=("a", "b")), "b", "b"),
        (a_definition(CustomFieldType.MULTI_CHOICE, choices=("a", "b", "c")), ["c", "a", "c"], ["a", "c"]),
    ],
)
def test_a_value_that_fits_is_stored_in_its_normal_form(
    definition: Definition, value: object, stored: object
) -> None:
    assert normalised(definition, value) == stored


@pytest.mark.parametrize(
    ("definition", "value", "message"),
    [
        (a_definition(), 3, "expected text"),
        (a_definition(), "a\x00b", "NUL"),
        (a_definition(max_length=3), "four", "at most 3"),
        (a_definition(pattern="[A-Z]{2}"), "ABC", "must match"),
        (a_definition(pattern="a|bc"), "abc", "must match"),
        (a_definition(CustomFieldType.NUMBER), True, "expected a number"),
        (a_definition(CustomFieldType.NUMBER), "3", "expected a number"),
        (a_definition(CustomFieldType.NUMBER), float("nan"), "expected a number"),
        (a_definition(CustomFieldType.NUMBER, min_value=1), 0.5, "at least 1"),
        (a_definition(CustomFieldType.NUMBER, max_value=1), 1.5, "at most 1"),
        (a_definition(CustomFieldType.BOOLEAN), "true", "true or false"),
        (a_definition(CustomFieldType.DATE), "2026-02-29", "expected a date"),
        (a_definition(CustomFieldType.DATE), "20260229", "expected a date"),
        (a_definition(CustomFieldType.CHOICE, choices=("a", "b")), "c", "expected one of a, b"),
        (a_definition(CustomFieldType.MULTI_CHOICE, choices=("a", "b")), ["a", "c"], "a list out of"),
        (a_definition(CustomFieldType.MULTI_CHOICE, choices=("a", "b")), "a", "a list out of"),
    ],
)
def test_a_value_that_does_not_fit_is_told_what_would(
    definition: Definition, value: object, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        normalised(definition, value)


def test_a_pattern_takes_linear_time() -> None:
    with pytest.raises(ValueError, match="must match"):
        normalised(a_definition(pattern="(a+)+b"), "a" * 3999)


@given(
    st.sampled_from([t for t in CustomFieldType if t]),
    st.none() | st.text() | st.floats() | st.lists(st.text()),
)
def test_any_value_is_stored_or_refused(type: CustomFieldType, value: object) -> None:
    definition = a_definition(type, choices=("a",) if "CHOICE" in type.name else ())
    try:
        stored = normalised(definition, value)
    except ValueError:
        return
    assert normalised(definition, stored) == stored


@pytest.mark.parametrize(
    ("definition", "field"),
    [
        (a_definition(CustomFieldType.UNSPECIFIED), "type"),
        (a_definition(CustomFieldType.CHOICE), "choices"),
        (a_definition(choices=("a",)), "choices"),
        (a_definition(min_value=1), "min_value"),
        (a_definition(CustomFieldType.NUMBER, min_value=2, max_value=1), "min_value"),
        (a_definition(CustomFieldType.NUMBER, pattern="a"), "pattern"),
        (a_definition(pattern="("), "pattern"),
    ],
)
def test_a_definition_that_makes_no_sense_is_refused(definition: Definition, field: str) -> None:
    assert [wrong for wrong, _ in check_definition(definition)] == [field]


def test_a_definition_that_makes_sense_is_accepted() -> None:
    assert check_definition(a_definition(CustomFieldType.NUMBER, min_value=1, max_value=1)) == []


@pytest.mark.parametrize(
    ("kind", "role", "visible_roles", "is_visible"),
    [
        (PrincipalKind.STAFF, "sales_rep", [], True),
        (PrincipalKind.STAFF, "sales_rep", ["finance"], False),
        (PrincipalKind.STAFF, "finance", ["finance", "customer"], True),
        (PrincipalKind.CUSTOMER, "customer", [], False),
        (PrincipalKind.CUSTOMER, "customer", ["finance", "customer"], True),
        (PrincipalKind.PARTNER, "partner", [], False),
    ],
)
def test_visibility_goes_by_role(
    kind: PrincipalKind, role: str, visible_roles: list[str], is_visible: bool
) -> None:
    principal = Principal(id="p", kind=kind, person_id="p", roles=frozenset({role}))
    assert a_definition(visible_roles=frozenset(visible_roles)).is_visible_to(principal) is is_visible
    assert not a_definition(visible_roles=frozenset(visible_roles), inactive=True).is_visible_to(principal)
