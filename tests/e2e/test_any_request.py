"""Requests nobody thought of, made from OpenAPI: no 5xx, and no status or answer that the document does not know."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from .builders import Office, ok
from .conftest import RunningPlatform

As = Callable[[str], httpx.Client]
_SECONDS = 45.0
_ASKED_WITH_A_BODY = (
    "customer_CreateCustomer",
    "customer_CreateContact",
    "sales_CreateOrder",
    "project_CreateProject",
    "service_desk_CreateTicket",
    "marketing_CreateTouch",
)
CONFORMANCE = [status_code_conformance, content_type_conformance, response_schema_conformance]
Operation = APIOperation[Any, Any, Any, Any]


@pytest.fixture(scope="module")
def document(platform: RunningPlatform) -> Mapping[str, Any]:
    return ok(httpx.get(f"{platform.gateway}/openapi.json", timeout=15))


def operations(document: Mapping[str, Any]) -> Iterator[Operation]:
    for found in schemathesis.openapi.from_dict(dict(document)).get_all_operations():
        yield found.ok()


def id_of(operation: Operation) -> str:
    return operation.definition.raw["operationId"]


def ask(operation: Operation, client: httpx.Client, *, examples: int) -> None:
    """Sends requests made from the document and holds the answers against it."""

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def send(case: schemathesis.Case) -> None:
        for name in ("X-Request-Timeout", "X-Api-Key", "X-API-Key", "Authorization"):
            case.headers.pop(name, None)  # who asks is told below; a short timeout is a 504, rightly
        answer = case.call(
            base_url=str(client.base_url).rstrip("/"),
            headers={"Authorization": client.headers["Authorization"]},
        )
        assert answer.status_code < 500, f"{operation.label}: {answer.status_code} {answer.text}"
        case.validate_response(answer, checks=CONFORMANCE)

    send()


def known_ids(document: Mapping[str, Any], client: httpx.Client) -> dict[str, str]:
    """By name of a path's variable, the id of some record: of the first in the collection before it."""
    known: dict[str, str] = {}
    for path in document["paths"]:
        collection, _, variable = path.partition("/{")
        if (
            not variable.endswith("}")
            or "/" in variable
            or "get" not in document["paths"].get(collection, {})
        ):
            continue
        answer = client.get(collection, params={"pageSize": 1})
        if answer.is_success:
            items = next(iter(answer.json().values()))
            if items and "id" in items[0]:
                known[variable.removesuffix("}")] = items[0]["id"]
    return known


def test_every_record_is_as_the_document_says(document: Mapping[str, Any], as_role: As) -> None:
    executive = as_role("executive")
    known = known_ids(document, executive)
    assert len(known) >= 15
    seen = 0
    for operation in operations(document):
        names = {parameter.name for parameter in operation.path_parameters}
        required = [parameter.name for parameter in operation.query if parameter.is_required]
        if operation.method != "get" or required or not names <= set(known):
            continue
        case = operation.Case(path_parameters={name: known[name] for name in names})
        headers = {"Authorization": executive.headers["Authorization"]}
        answer = case.call(base_url=str(executive.base_url).rstrip("/"), headers=headers)
        assert answer.status_code in (200, 403, 404, 422), (
            f"{operation.label}: {answer.status_code} {answer.text}"
        )
        case.validate_response(answer, checks=CONFORMANCE)
        seen += answer.status_code == 200
    assert seen >= 40


def test_every_read_answers_as_the_document_says(document: Mapping[str, Any], as_role: As) -> None:
    """As many as there is time for, a different part of them each run would hide what broke: always from the first."""
    executive = as_role("executive")
    begun = time.monotonic()
    asked = 0
    for operation in operations(document):
        if operation.method == "get" and time.monotonic() - begun < _SECONDS:
            ask(operation, executive, examples=2)
            asked += 1
    assert asked >= 20


@pytest.mark.parametrize("wanted", _ASKED_WITH_A_BODY)
def test_a_write_answers_as_the_document_says(
    document: Mapping[str, Any], office: Office, wanted: str
) -> None:
    operation = next(operation for operation in operations(document) if id_of(operation) == wanted)
    ask(operation, office.administrator.http, examples=6)
