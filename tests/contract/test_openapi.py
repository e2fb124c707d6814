"""The gateway's OpenAPI document, built in this process from the contracts: valid, complete, and fit for generators."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from facet_contracts.descriptors import registry, services
from facet_gateway.contracts import Contracts
from facet_gateway.openapi.document import openapi_document
from facet_gateway.transcoding.operation import operations_of
from facet_gateway.view.schema import view_schemas
from facet_gateway.view.sections import sources_of

PROBLEMS = {"400", "401", "403", "404", "422", "429", "500", "503", "504"}
METHODS = ("get", "post", "patch", "put", "delete")

Json = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Json:
    contracts = Contracts.packaged()
    made = openapi_document(
        contracts,
        operations_of(contracts),
        version="1.2.3",
        replaced=view_schemas(contracts, sources_of(contracts)),
    )
    return json.loads(json.dumps(made))


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield method, path, item[method]


def references(value: Any) -> Iterator[str]:
    match value:
        case {"$ref": str(target)}:
            yield target
        case dict():
            for item in value.values():
                yield from references(item)
        case list():
            for item in value:
                yield from references(item)


def test_it_is_valid_openapi_3_1(document: Json) -> None:
    assert document["openapi"].startswith("3.1")
    assert document["info"]["version"] == "1.2.3"
    assert [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()] == []


def test_every_method_of_every_service_has_an_operation(document: Json) -> None:
    told = {operation["operationId"] for _, _, operation in operations(document)}
    for declared in services():
        package = declared.type_name.split(".")[1]
        for method in declared.methods:
            if package != "platform":
                assert f"{package}_{method.name}" in told


def test_operation_ids_are_unique_names_of_programs(document: Json) -> None:
    counted = Counter(operation["operationId"] for _, _, operation in operations(document))
    assert [name for name, count in counted.items() if count > 1] == []
    assert [name for name in counted if not re.fullmatch(r"[a-z_]+_[A-Z][A-Za-z]+(_\d)?", name)] == []


def test_every_operation_says_what_it_does_and_how_it_is_refused(document: Json) -> None:
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"], where
        assert operation["description"], where
        assert operation["tags"], where
        told = set(operation["responses"])
        assert told >= PROBLEMS, where
        assert any(status.startswith("2") for status in told), where


def test_every_refusal_is_a_problem(document: Json) -> None:
    for _, _, operation in operations(document):
        for status, response in operation["responses"].items():
            if status[0] in "45":
                name = response["$ref"].rpartition("/")[2]
                content = document["components"]["responses"][name]["content"]
                assert set(content) == {"application/problem+json"}


def test_every_operation_wants_a_sign_in_that_the_document_explains(document: Json) -> None:
    schemes = document["components"]["securitySchemes"]
    assert {scheme["type"] for scheme in schemes.values()} >= {"http", "apiKey"}
    for method, path, operation in operations(document):
        wanted = operation.get("security", document.get("security"))
        assert wanted, f"{method} {path} is open to anybody"
        assert {name for option in wanted for name in option} <= set(schemes)


def test_every_reference_leads_somewhere(document: Json) -> None:
    for target in set(references(document)):
        found: Any = document
        for step in target.removeprefix("#/").split("/"):
            found = found[step.replace("~1", "/").replace("~0", "~")]
        assert found


def test_every_variable_of_a_path_is_a_parameter(document: Json) -> None:
    for method, path, operation in operations(document):
        named = {
            parameter["name"]
            for parameter in operation.get("parameters", [])
            if parameter.get("in") == "path"
        }
        assert named == set(re.findall(r"\{([^}]+)\}", path)), f"{method} {path}"


def test_every_field_of_every_resource_is_described(document: Json) -> None:
    schemas = document["components"]["schemas"]
    bare = [
        f"{name}.{field}"
        for name, schema in schemas.items()
        if "." in name  # of the contracts, not the gateway's own problem
        for field, described in schema.get("properties", {}).items()
        if not described.get("description") and "$ref" not in described
    ]
    assert bare == []


def test_lists_page_and_changes_name_the_state_they_start_from(document: Json) -> None:
    for method, path, operation in operations(document):
        names = {
            parameter.get("name", parameter.get("$ref", "")) for parameter in operation.get("parameters", [])
        }
        if "pageToken" in names:
            assert method == "get", path
            assert names >= {"pageSize", "pageToken"}, path
        if method == "patch":
            assert "If-Match" in names, path
            assert {"412", "428"} <= set(operation["responses"]), path


def test_constraints_of_the_contracts_reach_the_clients(document: Json) -> None:
    schemas = document["components"]["schemas"]
    answered = schemas["customer.v1.Customer"]["properties"]
    sent = schemas["customer.v1.Customer.Input"]
    assert answered["id"]["readOnly"] is True
    assert "id" not in sent["properties"]
    assert {"displayName", "kind"} <= set(sent["required"])
    assert sent["additionalProperties"] is False
    assert sent["properties"]["displayName"]["maxLength"] == 200
    assert sent["properties"]["employeeCount"]["minimum"] == 0
    assert "A-Z" in json.dumps(sent["properties"]["countryCode"])


def test_enums_are_written_without_their_prefix(document: Json) -> None:
    text = json.dumps(document["components"]["schemas"])
    assert "ORDER_STATE_DRAFT" not in text
    states = registry().enum("facet.sales.v1.OrderState")
    assert states is not None
    assert '"DRAFT"' in text
