"""The contact policy: caps over rolling windows, weights, cool-down, consent (MKT-04, CUS-18)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from facet_contracts.facet.marketing.v1.resources_pb import (
    ConsentState,
    ContactChannel,
    ContactPurpose,
    DenialReason,
)
from facet_marketing.consents.policy import refusal
from facet_marketing.touches.policy import Frequency, Ledger, Spent, Verdict, frequency_verdict

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
POLICY = Frequency(
    window=30 * DAY,
    person_cap=4,
    account_cap=6,
    weights={ContactChannel.PHONE: 2, ContactChannel.POST: 0},
    cool_down=90 * DAY,
)


def ask(
    ledger: Ledger = Ledger(),  # noqa: B008 - frozen
    *,
    policy: Frequency = POLICY,
    now: datetime = NOW,
    channel: ContactChannel = ContactChannel.EMAIL,
    purpose: ContactPurpose = ContactPurpose.MARKETING,
    to_person: bool = True,
) -> Verdict:
    return frequency_verdict(policy, ledger, now=now, channel=channel, purpose=purpose, to_person=to_person)


def spent(*days_ago: float, weight: int = 1) -> list[Spent]:
    return [Spent(NOW - days * DAY, weight) for days in days_ago]


def test_a_contact_counts_the_weight_of_its_channel() -> None:
    assert ask().weight == 1
    assert ask(channel=ContactChannel.PHONE).weight == 2
    assert ask(channel=ContactChannel.POST).weight == 0


def test_the_last_contact_that_fits_the_cap_passes_and_the_next_is_denied() -> None:
    assert not ask(Ledger(person=spent(1, 2, 3))).denied
    full = ask(Ledger(person=spent(1, 2, 3, 4)))
    assert full.reason is DenialReason.PERSON_CAP
    assert "4 of 4" in full.message
    assert full.next_allowed == NOW + 26 * DAY
    assert not ask(Ledger(person=spent(1, 2, 3, 4)), now=full.next_allowed).denied


def test_a_heavy_contact_waits_until_enough_has_left_the_window() -> None:
    verdict = ask(Ledger(person=spent(1, 2, 3, 4)), channel=ContactChannel.PHONE)
    assert verdict.next_allowed == NOW + 27 * DAY


def test_the_accounts_cap_binds_all_its_people_together() -> None:
    verdict = ask(Ledger(person=[], account=spent(1, 2, 3, weight=2)))
    assert verdict.reason is DenialReason.ACCOUNT_CAP
    assert ask(Ledger(account=spent(1, 2, 3, weight=2)), to_person=False).denied


def test_what_lies_outside_the_window_does_not_count() -> None:
    assert not ask(Ledger(person=spent(30, 31, 40, 50))).denied
    assert ask(Ledger(person=spent(29.99, 1, 1, 1))).denied


def test_a_contact_heavier_than_the_cap_is_never_allowed() -> None:
    tight = Frequency(window=DAY, person_cap=1, account_cap=9, weights={ContactChannel.VISIT: 2})
    verdict = ask(policy=tight, channel=ContactChannel.VISIT)
    assert (verdict.reason, verdict.next_allowed) == (DenialReason.PERSON_CAP, None)


def test_a_complaint_brings_silence_until_the_cool_down_is_over() -> None:
    quiet = ask(Ledger(complaint=NOW - 89 * DAY))
    assert quiet.reason is DenialReason.COOL_DOWN
    assert quiet.next_allowed == NOW + DAY
    assert not ask(Ledger(complaint=NOW - 90 * DAY)).denied


def test_what_carries_out_an_order_always_passes_and_counts_nothing() -> None:
    full = Ledger(person=spent(1, 2, 3, 4), account=spent(*range(1, 9)), complaint=NOW)
    verdict = ask(full, purpose=ContactPurpose.TRANSACTIONAL, channel=ContactChannel.PHONE)
    assert (verdict.denied, verdict.weight) == (False, 0)


@given(
    st.lists(st.tuples(st.integers(0, 120), st.sampled_from(list(ContactChannel)[1:])), max_size=60),
    st.integers(1, 40),
    st.integers(0, 8),
)
def test_no_window_of_any_history_exceeds_the_cap(
    wishes: list[tuple[int, ContactChannel]], window_days: int, cap: int
) -> None:
    policy = Frequency(window=window_days * DAY, person_cap=cap, account_cap=cap, weights=POLICY.weights)
    made: list[Spent] = []
    for day, channel in wishes:  # in any order: history may be entered late
        verdict = ask(Ledger(made, made), policy=policy, now=NOW + day * DAY, channel=channel)
        if not verdict.denied:
            made.append(Spent(NOW + day * DAY, verdict.weight))
    for each in made:
        inside = [m.weight for m in made if each.at - policy.window < m.at <= each.at]
        assert sum(inside) <= cap


GRANTED, WITHDRAWN = ConsentState.GRANTED, ConsentState.WITHDRAWN


@pytest.mark.parametrize(
    ("purpose", "statements", "reason"),
    [
        (ContactPurpose.MARKETING, [], DenialReason.NO_CONSENT),
        (ContactPurpose.MARKETING, [GRANTED], None),
        (ContactPurpose.MARKETING, [GRANTED, WITHDRAWN], DenialReason.CONSENT_WITHDRAWN),
        (ContactPurpose.SERVICE, [], None),
        (ContactPurpose.SERVICE, [WITHDRAWN], DenialReason.CONSENT_WITHDRAWN),
        (ContactPurpose.SATISFACTION, [], None),
        (ContactPurpose.TRANSACTIONAL, [], None),
        (ContactPurpose.TRANSACTIONAL, [WITHDRAWN], DenialReason.CONSENT_WITHDRAWN),
    ],
)
def test_marketing_needs_a_grant_and_nothing_passes_a_withdrawal(
    purpose: ContactPurpose, statements: list[ConsentState], reason: DenialReason | None
) -> None:
    assert refusal(purpose, statements) == reason
