"""The OpenAPI document, and that contracts grow without the gateway."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import protovalidate
import pytest
from openapi_spec_validator import validate
from protobuf import Oneof
from protobuf.wkt.google.protobuf.descriptor_pb import (
    FieldDescriptorProto,
    FieldOptions,
    FileDescriptorSet,
    SourceCodeInfo,
)

from facet_contracts.buf.validate.validate_pb import FieldRules, StringRules, ext_field
from facet_contracts.descriptors import descriptor_set
from facet_gateway.contracts import Contracts, permission_of
from facet_gateway.openapi.document import openapi_document
from facet_gateway.problem import Problem
from facet_gateway.transcoding.operation import Operation, operations_of, route_table
from facet_gateway.transcoding.request import Incoming, RequestReader
from facet_gateway.transcoding.response import ResponseWriter
from facet_gateway.view.schema import view_schemas
from facet_gateway.view.sections import sources_of
from facet_kit.errors import Invalid
from facet_kit.server import validation


@pytest.fixture(scope="module")
def document(contracts: Contracts) -> dict[str, Any]:
    operations = operations_of(contracts)
    return openapi_document(
        contracts, operations, version="1", replaced=view_schemas(contracts, sources_of(contracts))
    )


def test_the_document_is_valid_openapi(document: dict[str, Any]) -> None:
    validate(json.loads(json.dumps(document)))


def test_every_rpc_has_a_route_a_permission_and_a_comment(contracts: Contracts) -> None:
    operations = operations_of(contracts)
    served = {operation.method for operation in operations}
    assert route_table(operations)
    for method in contracts.methods:
        assert method in served, method
        assert permission_of(method), method
        assert contracts.comment(method), method
        for field in (*method.input.fields, *method.output.fields):
            if field.parent.type_name.startswith("facet."):
                assert contracts.comment(field), field


def test_every_operation_is_described_with_its_errors(document: dict[str, Any]) -> None:
    ids: list[str] = []
    for path, methods in document["paths"].items():
        for method, entry in methods.items():
            ids.append(entry["operationId"])
            assert entry["description"], path
            assert {"401", "403", "404", "422", "429", "503"} <= entry["responses"].keys()
            assert any(status.startswith("2") for status in entry["responses"])
            for parameter in entry["parameters"]:
                assert "$ref" in parameter or parameter.get("description"), (path, parameter)
            if method == "post":
                assert {"$ref": "#/components/parameters/IdempotencyKey"} in entry["parameters"]
    assert len(ids) == len(set(ids))


def test_resources_say_what_only_the_server_sets_and_requests_leave_it_out(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert schemas["sales.v1.Order"]["properties"]["id"]["readOnly"] is True
    assert "id" not in schemas["sales.v1.Order.Input"]["properties"]
    assert schemas["sales.v1.Order.Input"]["additionalProperties"] is False
    assert "required" not in schemas["sales.v1.Order.Update"]


def test_the_unified_view_names_its_sections_with_their_types(
    document: dict[str, Any], contracts: Contracts
) -> None:
    sections = document["components"]["schemas"]["gateway.v1.UnifiedView"]["properties"]["sections"][
        "properties"
    ]
    assert set(sections) == {section.name for source in sources_of(contracts) for section in source.sections}
    data = sections["orders"]["allOf"][1]["properties"]["data"]
    assert data["anyOf"][0] == {"$ref": "#/components/schemas/sales.v1.OrdersSection"}


@cache
def grown() -> Contracts:
    """A copy of the contracts in which an API key has one more field: a short note with a comment."""
    image = FileDescriptorSet.from_binary(descriptor_set().to_binary())
    file = next(file for file in image.file if file.name == "facet/gateway/v1/resources.proto")
    at, message = next((at, found) for at, found in enumerate(file.message_type) if found.name == "ApiKey")
    options = FieldOptions()
    options[ext_field] = FieldRules(type=Oneof("string", StringRules(max_len=5)))
    message.field.append(
        FieldDescriptorProto(
            name="short_note",
            json_name="shortNote",
            number=99,
            label=FieldDescriptorProto.Label.OPTIONAL,
            type=FieldDescriptorProto.Type.STRING,
            options=options,
        )
    )
    assert file.source_code_info is not None
    place = [4, at, 2, len(message.field) - 1]
    file.source_code_info.location.append(
        SourceCodeInfo.Location(path=place, span=[0, 0, 1], leading_comments=" Why the key exists.\n")
    )
    return Contracts.from_bytes(image.to_binary())


@pytest.fixture
def another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A validator of its own: it remembers constraints by type name, and a process knows one version of a type."""
    monkeypatch.setattr(validation, "_VALIDATOR", protovalidate.Validator())


def operation_of(contracts: Contracts, name: str) -> Operation:
    return next(operation for operation in operations_of(contracts) if operation.id == name)


def create(contracts: Contracts, note: str) -> Any:
    body = {"displayName": "ERP", "scopes": ["sales.orders.read"], "shortNote": note}
    sent = Incoming([], b"", json.dumps(body).encode(), "application/json", None, "")
    return RequestReader(contracts.registry, max_depth=64).read(
        operation_of(contracts, "gateway_CreateApiKey"), sent
    )


@pytest.mark.usefixtures("another_process")
def test_a_new_field_is_in_json_without_a_line_in_the_gateway(contracts: Contracts) -> None:
    message = create(grown(), "ERP")
    operation = operation_of(grown(), "gateway_GetApiKey")
    writer = ResponseWriter(grown().registry)
    answer = writer.write(
        operation, message.api_key.to_binary(), path="/v1/apiKeys/k", if_none_match="", replayed=False
    )
    assert json.loads(bytes(answer.body))["shortNote"] == "ERP"
    with pytest.raises(Problem, match="shortNote"):
        create(contracts, "ERP")


def test_a_new_field_is_in_openapi_without_a_line_in_the_gateway() -> None:
    document = openapi_document(grown(), operations_of(grown()), version="1")
    schemas: Mapping[str, Any] = document["components"]["schemas"]
    expected = {"type": "string", "maxLength": 5, "description": "Why the key exists."}
    assert schemas["gateway.v1.ApiKey.Input"]["properties"]["shortNote"] == expected


@pytest.mark.usefixtures("another_process")
def test_a_new_field_is_validated_without_a_line_in_the_gateway() -> None:
    with pytest.raises(Invalid) as refused:
        create(grown(), "too long")
    assert [violation.field for violation in refused.value.violations] == ["api_key.short_note"]
