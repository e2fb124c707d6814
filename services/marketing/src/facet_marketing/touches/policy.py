"""The contact policy: whether somebody may be contacted now, pure (MKT-04).

Every contact but a transactional one weighs something. Within any rolling window neither a person nor an account
receives more than its cap; after a complaint there is silence for a while.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from facet_contracts.facet.marketing.v1.resources_pb import ContactChannel, ContactPurpose, DenialReason


@dataclass(frozen=True, slots=True)
class Frequency:
    """Caps in weight per rolling window, weights of channels (1 unless named), and the silence after a complaint."""

    window: timedelta
    person_cap: int
    account_cap: int
    weights: Mapping[ContactChannel, int] = field(default_factory=dict[ContactChannel, int])
    cool_down: timedelta = timedelta(0)

    def weight(self, channel: ContactChannel, purpose: ContactPurpose) -> int:
        """What one contact counts; what carries out an order counts nothing."""
        return 0 if purpose is ContactPurpose.TRANSACTIONAL else self.weights.get(channel, 1)


# Holds until the enterprise sets its own: at most four e-mails' worth a person and twenty an account in thirty days.
BUILT_IN: Final = Frequency(
    window=timedelta(days=30),
    person_cap=4,
    account_cap=20,
    weights={ContactChannel.PHONE: 2, ContactChannel.VISIT: 2},
    cool_down=timedelta(days=90),
)


@dataclass(frozen=True, slots=True)
class Spent:
    """A contact that was made, and what it counted."""

    at: datetime
    weight: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """What person and account have received within the window, and the latest complaint that concerns them."""

    person: Sequence[Spent] = ()
    account: Sequence[Spent] = ()
    complaint: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer: what the contact counts, or why and until when it is denied."""

    weight: int = 0
    reason: DenialReason = DenialReason.UNSPECIFIED
    message: str = ""
    next_allowed: datetime | None = None

    @property
    def denied(self) -> bool:
        return self.reason is not DenialReason.UNSPECIFIED


def frequency_verdict(
    policy: Frequency,
    ledger: Ledger,
    *,
    now: datetime,
    channel: ContactChannel,
    purpose: ContactPurpose,
    to_person: bool,
) -> Verdict:
    """Whether cool-down and caps allow a contact now. Transactional contacts always pass and count nothing."""
    if purpose is ContactPurpose.TRANSACTIONAL:
        return Verdict()
    if ledger.complaint is not None and ledger.complaint + policy.cool_down > now:
        until = ledger.complaint + policy.cool_down
        message = f"There was a complaint on {ledger.complaint:%Y-%m-%d}; silence until {until:%Y-%m-%d}."
        return Verdict(0, DenialReason.COOL_DOWN, message, until)
    weight = policy.weight(channel, purpose)
    if to_person:
        over = _over(policy, ledger.person, policy.person_cap, weight, now, DenialReason.PERSON_CAP, "person")
        if over is not None:
            return over
    over = _over(policy, ledger.account, policy.account_cap, weight, now, DenialReason.ACCOUNT_CAP, "account")
    return over or Verdict(weight)


def _over(
    policy: Frequency,
    spent: Iterable[Spent],
    cap: int,
    weight: int,
    now: datetime,
    reason: DenialReason,
    whose: str,
) -> Verdict | None:
    """The denial when this contact would exceed the cap."""
    # Contacts later than `now` count too: history entered late must not break the cap of a window that contains both.
    counted = sorted((each for each in spent if each.at > now - policy.window), key=lambda each: each.at)
    used = sum(each.weight for each in counted)
    if used + weight <= cap:
        return None
    days = policy.window.days
    message = f"The {whose} has received {used} of {cap} within {days} days; this contact counts {weight}."
    return Verdict(0, reason, message, _free_from(counted, used + weight - cap, policy.window))


def _free_from(counted: Iterable[Spent], excess: int, window: timedelta) -> datetime | None:
    """When enough old contacts have left the window; None when the contact alone exceeds the cap."""
    for each in counted:
        excess -= each.weight
        if excess <= 0:
            return each.at + window
    return None
