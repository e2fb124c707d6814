"""Separation of duties: nobody passes an order through two of its three duties, whoever he is and however he calls."""

from __future__ import annotations

from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .builders import Json, Office, Person, act, every, ok, refused

DUTIES = ("submit", "approve", "financeApprove")
BACK = ("reject", "reopen")
EVERY_ROLE = ("sales_manager", "commercial_reviewer", "finance")


@dataclass(frozen=True)
class Crew:
    """Four people, the last an administrator, each of whom has every duty's role; and the same people's API keys."""

    people: tuple[Person, ...]
    keys: tuple[httpx.Client, ...]

    def client(self, person: int, *, by_key: bool) -> httpx.Client:
        return self.keys[person] if by_key else self.people[person].http


@pytest.fixture(scope="module")
def crew(office: Office) -> Crew:
    people = (*(office.hire(*EVERY_ROLE) for _ in range(3)), office.hire("administrator"))
    keys = tuple(office.keep(person.api_key(office.gateway, "sales.*.*")) for person in people)
    return Crew(people, keys)


@pytest.fixture(scope="module")
def customer_id(office: Office) -> str:
    return office.customer()["id"]


def read(crew: Crew, order_id: str) -> Json:
    return ok(crew.people[-1].http.get(f"/v1/orders/{order_id}"))


def verb(client: httpx.Client, order: Json, name: str) -> httpx.Response:
    body = {"reason": "请核对"} if name in BACK else {}
    return act(client, f"/v1/orders/{order['id']}:{name}", order, **body)


def require_separation(crew: Crew, order_id: str) -> None:
    """What the log of decisions says of each person, over all rounds, and what the order says of the last."""
    duties: dict[str, set[str]] = defaultdict(set)
    log = every(crew.people[-1].http, f"/v1/orders/{order_id}/decisions", "orderDecisions")
    for decision in log:
        duties[decision["personId"]].add(decision["duty"])
    assert all(len(held) == 1 for held in duties.values()), log
    order = read(crew, order_id)
    acted = [order[name] for name in ("submittedBy", "approvedBy", "financeApprovedBy") if order[name]]
    assert len(set(acted)) == len(acted), order
    if order["state"] == "FINANCE_APPROVED":
        assert len(acted) == 3


@pytest.mark.parametrize("who", [0, 3], ids=["one with every role", "an administrator"])
@pytest.mark.parametrize("by_key", [False, True], ids=["signed in", "by API key"])
def test_who_submitted_an_order_approves_it_in_no_duty(
    crew: Crew, customer_id: str, office: Office, who: int, by_key: bool
) -> None:
    me = crew.people[who].http
    order = ok(verb(me, office.order(me, customer_id), "submit"))
    refused(verb(crew.client(who, by_key=by_key), order, "approve"), 403, "SEPARATION_OF_DUTIES")
    order = ok(verb(crew.people[1].http, order, "approve"))
    for already in (who, 1):
        answer = verb(crew.client(already, by_key=by_key), order, "financeApprove")
        refused(answer, 403, "SEPARATION_OF_DUTIES")
    order = ok(verb(crew.people[2].http, order, "financeApprove"))
    assert order["state"] == "FINANCE_APPROVED"
    require_separation(crew, order["id"])


def test_finance_reopens_an_approved_order_and_duties_stay_separate_in_the_next_round(
    crew: Crew, customer_id: str, office: Office
) -> None:
    first, second, third = (person.http for person in crew.people[:3])
    order = ok(verb(first, office.order(first, customer_id), "submit"))
    order = ok(verb(second, order, "approve"))
    order = ok(verb(third, order, "financeApprove"))
    order = ok(verb(third, order, "reopen"))
    assert order["state"] == "DRAFT"
    refused(verb(second, order, "submit"), 403, "SEPARATION_OF_DUTIES")
    order = ok(verb(first, order, "submit"))
    refused(verb(third, order, "approve"), 403, "SEPARATION_OF_DUTIES")
    log = every(first, f"/v1/orders/{order['id']}/decisions", "orderDecisions")
    assert len(log) == 5
    assert all(decision["policyVersion"] for decision in log)


def test_one_person_in_parallel_requests_gets_through_one_duty_at_most(
    crew: Crew, customer_id: str, office: Office
) -> None:
    me = 0
    order = ok(verb(crew.people[1].http, office.order(crew.people[1].http, customer_id), "submit"))

    def attempt(number: int) -> int:
        client = crew.client(me, by_key=bool(number % 2))
        return verb(client, read(crew, order["id"]), DUTIES[1 + number % 4 // 2]).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(24)))
    assert answers.count(200) == 1
    assert set(answers) <= {200, 403, 409, 412}
    assert read(crew, order["id"])["state"] == "COMMERCIALLY_APPROVED"
    require_separation(crew, order["id"])


STEPS = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from((*DUTIES, *DUTIES, *BACK)),
            st.integers(min_value=0, max_value=3),
            st.booleans(),
        ),
        min_size=1,
        max_size=3,
    ),
    min_size=3,
    max_size=6,
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(history=STEPS)
def test_no_history_of_calls_lets_one_person_act_in_two_duties(
    crew: Crew, customer_id: str, office: Office, history: list[list[tuple[str, int, bool]]]
) -> None:
    """Each step is up to three calls at once, of anybody, in whatever way he is signed in."""
    author = crew.people[0].http
    order_id = office.order(author, customer_id)["id"]
    with ThreadPoolExecutor(3) as pool:
        for step in history:
            order = read(crew, order_id)

            def call(planned: tuple[str, int, bool], order: Json = order) -> int:
                name, person, by_key = planned
                return verb(crew.client(person, by_key=by_key), order, name).status_code

            answers = list(pool.map(call, step))
            assert set(answers) <= {200, 403, 409, 412}, answers
            assert answers.count(200) <= 1, "one etag, one change"
    require_separation(crew, order_id)
