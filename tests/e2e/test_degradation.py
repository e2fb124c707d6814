"""A service that is away costs its own sections at most; when it is back, so are they, and nobody else is restarted."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import httpx
import pytest

from .builders import SECTIONS, Office, eventually, ok, refused, seconds_of, view_of
from .conftest import RunningPlatform

As = Callable[[str], httpx.Client]
_NOT_SLOW_SECONDS = 1.0


def statuses(client: httpx.Client, customer_id: str) -> dict[str, str]:
    return {name: section["status"] for name, section in view_of(client, customer_id).items()}


def everything_fresh(client: httpx.Client, customer_id: str) -> bool:
    return set(statuses(client, customer_id).values()) == {"fresh"}


@pytest.mark.parametrize("service", ["sales", "customer"])
def test_without_a_service_the_view_answers_in_its_usual_time_with_its_sections_marked(
    as_role: As, platform: RunningPlatform, without: Callable[[str], None], service: str
) -> None:
    executive, group = as_role("executive"), platform.group_id
    eventually(lambda: everything_fresh(executive, group), what="a view in which all is fresh")
    others = {name: platform.pid(name) for name in SECTIONS if name != service}
    without(service)
    eventually(
        lambda: statuses(executive, group)[SECTIONS[service][0]] != "fresh", seconds=5, what="the mark"
    )
    seen = view_of(executive, group)
    assert {name for name, section in seen.items() if section["status"] != "fresh"} == set(SECTIONS[service])
    assert all(seen[name]["status"] in ("stale", "unavailable") for name in SECTIONS[service])
    assert all(seen[name]["asOf"] for name in SECTIONS[service] if seen[name]["status"] == "stale")
    taken = median(seconds_of(lambda: view_of(executive, group)) for _ in range(9))
    assert taken < _NOT_SLOW_SECONDS
    platform.start(service)
    eventually(lambda: everything_fresh(executive, group), what="the sections of a service that is back")
    assert {name: platform.pid(name) for name in others} == others


def test_commands_to_a_service_that_is_away_are_refused_at_once_and_say_when_to_come_back(
    as_role: As, platform: RunningPlatform, without: Callable[[str], None]
) -> None:
    executive = as_role("executive")
    without("project")
    answer = eventually(
        lambda: (found := executive.get("/v1/projects")).status_code == 503 and found,
        seconds=5,
        what="a refusal",
    )
    refused(answer, 503)
    assert int(answer.headers["retry-after"]) >= 1
    assert ok(executive.get(f"/v1/customers/{platform.group_id}"))["id"] == platform.group_id
    platform.start("project")
    eventually(lambda: executive.get("/v1/projects").is_success, what="projects again")


def test_what_happened_while_a_service_was_away_reaches_it_when_it_is_back(
    office: Office, platform: RunningPlatform, without: Callable[[str], None]
) -> None:
    without("project")
    customer = office.customer()
    platform.start("project")
    revenue = {"currency": "CNY", "amount": "1.00"}
    registered = {
        "customerId": customer["id"],
        "displayName": "断线期间登记的客户",
        "expectedRevenue": revenue,
    }
    manager = office.administrator.http
    eventually(
        lambda: manager.post("/v1/projects", json=registered).status_code == 201,
        seconds=20,
        what="a project for a customer whom the service missed",
    )
