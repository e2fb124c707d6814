"""What clients may repeat: one Idempotency-Key acts once, one etag changes once, and what was written can be read."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from .builders import Json, Office, a_customer, every, ok, refused, unique


@pytest.fixture(scope="module")
def seller(office: Office) -> httpx.Client:
    return office.hire("sales_manager").http


def renamed(client: httpx.Client, customer: Json, etag: str | None) -> httpx.Response:
    headers = {} if etag is None else {"If-Match": f'"{etag}"'}
    return client.patch(f"/v1/customers/{customer['id']}", json={"alias": unique("别名")}, headers=headers)


def test_a_post_sent_twice_with_one_key_acts_once_and_answers_the_same(
    office: Office, seller: httpx.Client
) -> None:
    customer, headers = office.customer(), {"Idempotency-Key": unique("key")}
    body = office.an_order(customer["id"])
    first = seller.post("/v1/orders", json=body, headers=headers)
    again = seller.post("/v1/orders", json=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 201)
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
    assert len(every(seller, "/v1/orders", "orders", filter=f'customer_id="{customer["id"]}"')) == 1


def test_a_key_that_comes_with_another_body_is_refused(office: Office, seller: httpx.Client) -> None:
    customer, headers = office.customer(), {"Idempotency-Key": unique("key")}
    ok(seller.post("/v1/orders", json=office.an_order(customer["id"]), headers=headers))
    other = office.an_order(customer["id"], customerReference="PO-2")
    refused(seller.post("/v1/orders", json=other, headers=headers), 422, "IDEMPOTENCY_KEY_REUSED")
    assert len(every(seller, "/v1/orders", "orders", filter=f'customer_id="{customer["id"]}"')) == 1


def test_a_key_of_one_person_means_nothing_for_another(office: Office, seller: httpx.Client) -> None:
    customer, headers = office.customer(), {"Idempotency-Key": unique("key")}
    body = office.an_order(customer["id"])
    mine = ok(seller.post("/v1/orders", json=body, headers=headers))
    theirs = office.administrator.http.post("/v1/orders", json=body, headers=headers)
    assert "idempotent-replayed" not in theirs.headers
    assert ok(theirs)["id"] != mine["id"]


def test_twenty_twins_at_once_have_one_effect(office: Office, seller: httpx.Client) -> None:
    customer, headers = office.customer(), {"Idempotency-Key": unique("key")}
    body = office.an_order(customer["id"])

    def send(_: int) -> httpx.Response:
        return seller.post("/v1/orders", json=body, headers=headers)

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(send, range(20)))
    told = Counter(answer.status_code for answer in answers)
    assert set(told) <= {201, 409}, told
    assert told[201] >= 1
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 201}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers if answer.is_success) == 1
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "IDEMPOTENCY_KEY_IN_USE")
    assert len(every(seller, "/v1/orders", "orders", filter=f'customer_id="{customer["id"]}"')) == 1


def test_of_two_updates_with_one_etag_one_is_told_that_it_is_stale(
    office: Office, seller: httpx.Client
) -> None:
    customer = office.customer()
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: renamed(seller, customer, customer["etag"]), range(2)))
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    stale = next(answer for answer in answers if answer.status_code == 412)
    refused(stale, 412)
    winner = next(answer for answer in answers if answer.status_code == 200).json()
    assert ok(seller.get(f"/v1/customers/{customer['id']}"))["alias"] == winner["alias"]
    assert winner["etag"] != customer["etag"]


def test_an_update_must_say_which_state_it_was_made_from(office: Office, seller: httpx.Client) -> None:
    customer = office.customer()
    refused(renamed(seller, customer, None), 428)
    assert ok(seller.get(f"/v1/customers/{customer['id']}"))["etag"] == customer["etag"]


def test_an_unchanged_resource_is_not_sent_again(office: Office, seller: httpx.Client) -> None:
    path = f"/v1/customers/{office.customer()['id']}"
    first = seller.get(path)
    again = seller.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert not again.content


@pytest.mark.parametrize("attempt", range(5))
def test_an_order_follows_at_once_upon_the_creation_of_its_customer(
    office: Office, seller: httpx.Client, attempt: int
) -> None:
    made = seller.post("/v1/customers", json=a_customer())
    assert made.headers["location"] == f"/v1/customers/{ok(made)['id']}"
    order = seller.post("/v1/orders", json=office.an_order(made.json()["id"]))
    assert ok(order)["customerId"] == made.json()["id"]


def test_a_tree_below_a_customer_who_was_created_just_now_can_be_read_and_grown_at_once(
    seller: httpx.Client,
) -> None:
    root = ok(seller.post("/v1/customers", json=a_customer()))
    below = ok(seller.post("/v1/customers", json=a_customer(parentId=root["id"])))
    assert below["groupId"] == root["id"]
    tree = ok(seller.get(f"/v1/customers/{root['id']}:hierarchy"))
    assert {member["customerId"] for member in tree["members"]} == {root["id"], below["id"]}
