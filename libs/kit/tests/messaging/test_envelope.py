"""Names of events, and what may be declared about their handlers."""

from __future__ import annotations

import pytest
from world import CounterRaised, ReminderDue, StepTaken

from facet_contracts.facet.type.v1.account_pb import AccountSummaryChanged
from facet_contracts.facet.type.v1.money_pb import Money
from facet_kit.clock import SystemClock
from facet_kit.errors import Unparseable
from facet_kit.failpoints import parse
from facet_kit.ids import Uuid7Ids
from facet_kit.messaging.envelope import (
    EventCatalogue,
    UnknownEventType,
    contract_events,
    event_type,
    from_headers,
    stream_name,
    to_headers,
)
from facet_kit.messaging.handlers import Handlers, Routes
from facet_kit.messaging.outbox import outbox_row


def test_a_service_with_two_words_has_a_stream_with_an_underscore() -> None:
    assert stream_name("service-desk") == "FACET_SERVICE_DESK"


def test_a_shared_event_has_the_subject_of_whoever_publishes_it() -> None:
    assert event_type(AccountSummaryChanged).subject("service-desk") == (
        "facet.service-desk.account_summary.changed"
    )


def test_every_event_of_the_contracts_has_its_own_subject() -> None:
    subjects = [kind.subject(kind.service or "any") for kind in contract_events()]
    assert len(subjects) == len(set(subjects))
    assert event_type(AccountSummaryChanged) in set(contract_events())


def test_a_message_without_the_option_is_no_event() -> None:
    with pytest.raises(ValueError, match=r"facet\.type\.v1\.Money is no event"):
        event_type(Money)


def test_an_unknown_type_is_named_in_the_error() -> None:
    with pytest.raises(UnknownEventType, match=r"facet\.future\.v1\.Thing"):
        EventCatalogue([CounterRaised]).decode("facet.future.v1.Thing", b"")


def test_headers_are_read_as_they_were_written() -> None:
    now = SystemClock().now()
    headers = to_headers(
        id="e", source="s", type="t", aggregate_id="a", version=3, time=now, traceparent="00-1-2-01"
    )
    meta = from_headers("facet.s.counter.raised", headers)
    assert (meta.id, meta.source, meta.type, meta.aggregate, meta.aggregate_id) == (
        "e",
        "s",
        "t",
        "counter",
        "a",
    )
    assert (meta.version, meta.time, meta.traceparent) == (3, now, "00-1-2-01")


def test_headers_without_an_attribute_are_refused_by_name() -> None:
    with pytest.raises(Unparseable, match="ce-id"):
        from_headers("facet.s.counter.raised", {})


def test_only_timers_carry_a_delivery_time() -> None:
    now, ids = SystemClock().now(), Uuid7Ids()
    with pytest.raises(ValueError, match="delivery time"):
        outbox_row("any", ReminderDue(), aggregate_id="a", now=now, ids=ids)
    with pytest.raises(ValueError, match="delivery time"):
        outbox_row("any", CounterRaised(), aggregate_id="a", now=now, ids=ids, deliver_at=now, key="k")


def test_a_shared_event_needs_sources_and_an_own_one_refuses_them() -> None:
    with pytest.raises(ValueError, match="name its sources"):
        Handlers().on(AccountSummaryChanged)


def test_a_consumer_of_an_ordered_aggregate_subscribes_to_all_of_it() -> None:
    handlers = Handlers()

    @handlers.on(StepTaken, ordered=True, sources=["a"])
    @handlers.on(CounterRaised, sources=["a", "b"])
    async def handle(*_: object) -> None: ...

    assert Routes(handlers).subjects() == {
        "a": ["facet.a.counter.raised", "facet.a.journey.*"],
        "b": ["facet.b.counter.raised"],
    }


@pytest.mark.parametrize("wrong", ["relay.nowhere:kill", "relay.mid_batch:explode", "relay.mid_batch"])
def test_a_misspelt_failpoint_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="FACET_FAILPOINT"):
        parse(wrong)


def test_failpoints_are_read_from_a_list() -> None:
    assert parse("relay.mid_batch:kill,consumer.after_fetch:delay=20") == {
        "relay.mid_batch": "kill",
        "consumer.after_fetch": "delay=20",
    }
