"""Finding customers and contacts by whatever part one remembers, in whatever script."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import httpx
import pytest

from .builders import Json, Office, eventually, ok, unique

SYLLABLES = {
    "北": "bei", "京": "jing", "海": "hai", "天": "tian", "山": "shan", "江": "jiang", "河": "he", "东": "dong",
    "南": "nan", "西": "xi", "光": "guang", "明": "ming", "华": "hua", "安": "an", "平": "ping", "林": "lin",
}  # fmt: skip


@dataclass(frozen=True)
class Known:
    """A customer and a contact of his, and what one may remember of their names."""

    customer: Json
    contact: Json
    name: str
    contact_name: str

    def of(self, name: str) -> tuple[str, str, str]:
        """The name in part, in pinyin, and its initials."""
        sounds = [SYLLABLES[letter] for letter in name]
        return name[1:4], "".join(sounds), "".join(sound[0] for sound in sounds)


@pytest.fixture(scope="module")
def known(office: Office) -> Known:
    letters = list(SYLLABLES)
    name = "".join(secrets.choice(letters) for _ in range(6))
    contact_name = "".join(secrets.choice(letters) for _ in range(4))
    number = secrets.randbelow(10**8)
    customer = office.customer(
        displayName=name,
        alias=unique("Blue Sky"),
        taxId=f"91{secrets.randbelow(10**16):016d}",
        phones=[f"+8610{number:08d}"],
        emails=[f"{unique('post')}@customer.example"],
        regionId=office.region("R3"),
    )
    contact = office.contact(
        customer["id"],
        displayName=contact_name,
        phones=[f"+86138{number:08d}"],
        emails=[f"{unique('person')}@customer.example"],
    )
    return Known(customer, contact, name, contact_name)


def found(client: httpx.Client, kind: str, query: str) -> set[str]:
    answer = ok(client.get(f"/v1/{kind}:search", params={"query": query, "pageSize": 100}))
    return {hit["id"] for hit in answer[kind]}


def must_find(client: httpx.Client, kind: str, query: str, id: str) -> None:
    eventually(lambda: id in found(client, kind, query), seconds=2, what=f"{kind} by {query!r}")


@pytest.mark.capability("CUS-06")
@pytest.mark.parametrize("remembered", [0, 1, 2], ids=["part of the name", "pinyin", "initials"])
def test_a_customer_is_found_by_his_name(office: Office, known: Known, remembered: int) -> None:
    must_find(office.administrator.http, "customers", known.of(known.name)[remembered], known.customer["id"])


@pytest.mark.capability("CUS-06")
@pytest.mark.parametrize("remembered", [0, 1, 2], ids=["part of the name", "pinyin", "initials"])
def test_a_contact_is_found_by_his_name(office: Office, known: Known, remembered: int) -> None:
    must_find(
        office.administrator.http,
        "contacts",
        known.of(known.contact_name)[remembered],
        known.contact["id"],
    )


@pytest.mark.capability("CUS-06")
def test_a_customer_is_found_by_tax_id_phone_mail_and_latin_alias(office: Office, known: Known) -> None:
    reader, customer = office.administrator.http, known.customer
    phone = customer["phones"][0]
    for query in (
        customer["taxId"],
        customer["taxId"][:12],
        phone,
        phone[-8:],
        phone[-6:],
        customer["emails"][0],
        customer["emails"][0].partition("@")[0],
        customer["alias"].lower(),
    ):
        must_find(reader, "customers", query, customer["id"])


@pytest.mark.capability("CUS-06")
def test_a_contact_is_found_by_phone_and_mail(office: Office, known: Known) -> None:
    reader, contact = office.administrator.http, known.contact
    phone = contact["phones"][0]
    for query in (phone, phone[3:], phone[-6:], contact["emails"][0], contact["emails"][0].partition("@")[0]):
        must_find(reader, "contacts", query, contact["id"])


def test_a_new_name_is_found_and_the_old_one_no_more(office: Office) -> None:
    client = office.administrator.http
    customer = office.customer(displayName=unique("oldname"))
    path, old, new = f"/v1/customers/{customer['id']}", customer["displayName"], unique("newname")
    must_find(client, "customers", old, customer["id"])
    ok(client.patch(path, json={"displayName": new}, headers={"If-Match": f'"{customer["etag"]}"'}))
    must_find(client, "customers", new, customer["id"])
    assert customer["id"] not in found(client, "customers", old)


def test_nobody_finds_what_he_does_not_see(office: Office, known: Known) -> None:
    rep = office.sign_in("rep@facet.example")
    assert known.customer["id"] not in found(rep, "customers", known.customer["taxId"])
    assert known.contact["id"] not in found(rep, "contacts", known.contact["phones"][0])
