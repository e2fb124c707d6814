"""Whatever is sent, the answer is a clear refusal in problem+json, never a failure."""

from __future__ import annotations

from typing import Any

import pytest

ADMIN = "admin@facet.example"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        (b'{"a"', 400, "INVALID_JSON"),
        (b'{"customerId":"a","customerId":"b"}', 400, "DUPLICATE_KEY"),
        (b'{"a":NaN}', 400, "INVALID_NUMBER"),
        (b'{"a":Infinity}', 400, "INVALID_NUMBER"),
        (b'{"a":1e400}', 400, "INVALID_NUMBER"),
        (b'{"a":' + b"9" * 5000 + b"}", 400, "INVALID_NUMBER"),
        (b"[" * 10_000 + b"]" * 10_000, 400, "TOO_DEEP"),
        (b'{"a":' * 70 + b"1" + b"}" * 70, 400, "TOO_DEEP"),
        (b"\xef\xbb\xbf{}", 400, "BYTE_ORDER_MARK"),
        ('{"a":"b"}'.encode("utf-16"), 400, "INVALID_UTF8"),
        (b'{"customerId":"\xff"}', 400, "INVALID_UTF8"),
        (b'{"customerId":"\\ud800"}', 400, "LONE_SURROGATE"),
        (b'{"customerId":"a\\u0000b"}', 400, "NUL_CHARACTER"),
        (b'{"customerId":"a\x00b"}', 400, "INVALID_JSON"),
        (b"[]", 422, "INVALID_ARGUMENT"),
        (b'"text"', 422, "INVALID_ARGUMENT"),
        (b'{"customerId":5}', 422, "INVALID_ARGUMENT"),
        (b'{"nonsense":5}', 422, "INVALID_ARGUMENT"),
        (b'{"lines":{}}', 422, "INVALID_ARGUMENT"),
        (b'{"customFields":[1]}', 422, "INVALID_ARGUMENT"),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    world: Any, body: bytes, status: int, reason: str
) -> None:
    answer = await world.call("POST", "/v1/orders", by=ADMIN, content=body, headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_body_over_the_limit_is_refused_with_and_without_its_length(world: Any) -> None:
    large = b'{"a":"' + b"x" * (1024 * 1024) + b'"}'
    answer = await world.call("POST", "/v1/orders", by=ADMIN, content=large, headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (413, "BODY_TOO_LARGE")

    async def parts() -> Any:
        for _ in range(20):
            yield b"x" * 100_000

    headers = {**JSON, "Authorization": f"Bearer {await world.token(ADMIN)}"}
    streamed = await world.http.post("/v1/orders", content=parts(), headers=headers)
    assert streamed.status_code == 413


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_only_plain_utf8_json_is_read(world: Any, headers: dict[str, str]) -> None:
    answer = await world.call("POST", "/v1/orders", by=ADMIN, content=b"{}", headers=headers)
    assert answer.status_code == 415


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("nonsense=1", "nonsense"),
        ("pageSize=many", "pageSize"),
        ("pageSize=1&pageSize=2", "pageSize"),
        ("page_size=99999999999999999999", "pageSize"),
        ("pageSize=-1", "page_size"),
    ],
)
async def test_a_parameter_that_does_not_fit_is_named(world: Any, query: str, field: str) -> None:
    answer = await world.call("GET", f"/v1/orders?{query}", by=ADMIN)
    assert answer.status_code == 422, answer.text
    assert answer.json()["violations"][0]["field"].replace("_", "").lower() == field.replace("_", "").lower()


@pytest.mark.parametrize(
    "path", ["/v1/orders/%ff", "/v1/orders/a%00b", "/v1/orders/", "/v1//orders", "/v1/orders/a%2Fb/c"]
)
async def test_paths_that_name_nothing_are_404(world: Any, path: str) -> None:
    answer = await world.call("GET", path, by=ADMIN)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("seconds", ["0", "-1", "61", "soon", "nan"])
async def test_a_deadline_that_makes_no_sense_is_refused(world: Any, seconds: str) -> None:
    answer = await world.call("GET", "/v1/orders/o1", by=ADMIN, headers={"X-Request-Timeout": seconds})
    assert (answer.status_code, answer.json()["reason"]) == (400, "REQUEST_TIMEOUT")


async def test_a_body_where_none_belongs_is_refused(world: Any) -> None:
    answer = await world.call("GET", "/v1/orders/o1", by=ADMIN, content=b"{}", headers=JSON)
    assert (answer.status_code, answer.json()["reason"]) == (400, "UNEXPECTED_BODY")
