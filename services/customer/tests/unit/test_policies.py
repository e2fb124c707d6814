"""Pure rules: lifecycle, grants, intervals, primary classifications, written forms."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facet_contracts.facet.customer.v1.resources_pb import LifecycleStage
from facet_customer.classification.model import CustomerClassification
from facet_customer.classification.policy import take_over
from facet_customer.communication import email_list, phone_list, tax_number
from facet_customer.contacts.model import Affiliation, Contact
from facet_customer.customers.policy import FIRST_STAGE, TRANSITIONS, may_follow, next_stages
from facet_customer.intervals import next_boundary, require_order
from facet_customer.staff.policy import effective_grants, unknown_roles
from facet_kit.errors import Invalid
from facet_kit.permissions import role_table

DAYS = st.dates(date(2024, 1, 1), date(2026, 12, 31))
STAGES = [stage for stage in LifecycleStage if stage]


def test_every_stage_is_reachable_and_none_is_the_end():
    reached, new = set(), {FIRST_STAGE}
    while new:
        reached |= new
        new = {each for stage in new for each in next_stages(stage)} - reached
    assert reached == set(STAGES)
    assert all(TRANSITIONS[stage] for stage in STAGES)


def test_only_a_lost_customer_is_won_back_and_nobody_becomes_a_prospect_again():
    assert [stage for stage in STAGES if may_follow(stage, LifecycleStage.WON_BACK)] == [LifecycleStage.LOST]
    assert not [stage for stage in STAGES if may_follow(stage, FIRST_STAGE)]
    assert not [stage for stage in STAGES if may_follow(stage, stage)]


@pytest.mark.parametrize(
    ("roles", "departments", "regions", "full"),
    [
        (["sales_rep"], set(), {"r"}, False),
        (["key_account_manager"], set(), set(), False),
        (["service_agent"], {"d"}, {"r"}, False),
        (["sales_manager"], {"d"}, {"r"}, False),
        (["sales_rep", "key_account_manager"], set(), {"r"}, False),
        (["sales_rep", "project_manager"], {"d"}, {"r"}, False),
        (["finance"], set(), set(), True),
        (["sales_rep", "executive"], set(), set(), True),
        ([], set(), set(), False),
    ],
)
def test_sight_follows_the_roles_when_nothing_is_granted(roles, departments, regions, full):
    grants = effective_grants(roles, department_id="d", region_id="r")
    assert (grants.department_ids, grants.region_ids, grants.full_scope) == (departments, regions, full)


@given(st.sets(st.sampled_from(sorted(role_table()))))
def test_a_grant_stands_alone_whatever_the_roles(roles):
    grants = effective_grants(roles, department_id="d", region_id="r", scope_region_ids=["x"])
    assert (grants.department_ids, grants.region_ids, grants.full_scope) == (set(), {"x"}, False)


def test_staff_have_roles_of_the_table_only_and_none_of_outsiders():
    assert unknown_roles(["sales_rep", "wizard", "customer", "system"], role_table()) == [
        "customer",
        "system",
        "wizard",
    ]


def an_interval(start: date, end: date | None) -> CustomerClassification:
    return CustomerClassification(valid_from=start, valid_to=end)


@given(DAYS, st.none() | DAYS, DAYS, st.none() | DAYS)
def test_two_intervals_overlap_exactly_when_they_share_a_day(start, end, other_start, other_end):
    if (end and end <= start) or (other_end and other_end <= other_start):
        return
    one, other = an_interval(start, end), an_interval(other_start, other_end)
    span = [date(2024, 1, 1) + timedelta(days=n) for n in range(3 * 366 + 1)]
    shared = any(one.covers(each) and other.covers(each) for each in span)
    assert one.overlaps(other_start, other_end) is shared
    assert other.overlaps(start, end) is shared


@given(DAYS, st.none() | DAYS, DAYS, st.none() | DAYS, DAYS)
def test_after_a_take_over_no_day_has_two_primaries_and_no_membership_is_lost(
    start, end, new_start, new_end, day
):
    if (end and end <= start) or (new_end and new_end <= new_start):
        return
    present, new = an_interval(start, end), an_interval(new_start, new_end)
    was_member = present.covers(day)
    outcome = take_over(present, new_start, new_end)
    if outcome is None:
        assert not (present.covers(day) and new.covers(day))
        return
    primary = an_interval(start, outcome.primary_until) if outcome.primary_until else None
    plain = an_interval(outcome.primary_until or start, outcome.plain_to)
    is_primary = primary is not None and primary.covers(day)
    assert not (is_primary and new.covers(day))
    assert (is_primary or plain.covers(day)) is was_member
    assert not (is_primary and plain.covers(day))


def test_the_next_boundary_lies_ahead():
    today = date(2026, 5, 1)
    rows = [an_interval(date(2026, 1, 1), today), an_interval(date(2026, 6, 1), date(2026, 7, 1))]
    assert next_boundary(rows, today) == date(2026, 6, 1)
    assert next_boundary(rows, date(2026, 6, 1)) == date(2026, 7, 1)
    assert next_boundary(rows, date(2026, 7, 1)) is None


def test_an_interval_has_at_least_one_day():
    with pytest.raises(Invalid):
        require_order(date(2026, 1, 1), date(2026, 1, 1), "valid_to")
    require_order(date(2026, 1, 1), None, "valid_to")


def a_contact() -> Contact:
    return Contact(id="c", affiliations=[])


def an_affiliation(number: int, customer: str, start: date, *, primary: bool = True) -> Affiliation:
    return Affiliation(
        id=f"a{number}",
        customer_id=customer,
        valid_from=start,
        valid_to=None,
        primary=primary,
        in_force=False,
    )


@given(st.lists(DAYS, min_size=1, max_size=8), DAYS)
def test_whatever_the_moves_a_contact_has_at_most_one_main_job_a_day(starts, day):
    contact = a_contact()
    for number, start in enumerate(starts):
        before = [(each.id, each.valid_to) for each in contact.affiliations]
        try:
            contact.change_affiliation(an_affiliation(number, f"customer{number}", start))
        except Invalid:
            ends = dict(before)
            for each in contact.affiliations:  # the transaction is given up: so are the changes
                each.valid_to = ends[each.id]
    assert len([each for each in contact.affiliations if each.primary and each.covers(day)]) <= 1
    contact.settle(day, announce=False)
    main = contact.affiliation_on(day)
    assert contact.affiliation is main
    assert contact.customer_id == (main.customer_id if main else "")


def test_numbers_and_addresses_have_one_written_form():
    assert phone_list(["13812345678", "+86 138 1234 5678", "0086-13812345678"], "phones") == [
        "+8613812345678"
    ]
    assert email_list(["A@B.cn", "a@b.cn "], "emails") == ["a@b.cn"]
    assert tax_number(" 9131-0000 ａbc. ") == "91310000ABC"
    with pytest.raises(Invalid) as refused:
        phone_list(["13812345678", "x"], "contact.phones")
    assert refused.value.violations[0].field == "contact.phones[1]"
