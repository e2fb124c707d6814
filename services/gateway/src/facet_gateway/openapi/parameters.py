"""Parameters of operations: path, query, and the headers that every operation of a kind takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from protobuf import DescFieldValueMessage, DescMessage

from facet_contracts.google.api.field_behavior_pb import FieldBehavior
from facet_gateway.contracts import behaviors, field_named
from facet_gateway.openapi.constraints import Schema
from facet_gateway.openapi.schemas import Form, Schemas
from facet_gateway.problem import json_path
from facet_gateway.transcoding.operation import Operation
from facet_gateway.transcoding.query import Parameter, parameter_at

_MAX_DEPTH = 3

HEADERS: dict[str, Schema] = {
    "IfMatch": {
        "name": "If-Match",
        "in": "header",
        "description": "ETag of the state that the change is based on. Missing where it is required: 428; stale: 412.",
        "schema": {"type": "string", "examples": ['"v3"']},
    },
    "IfNoneMatch": {
        "name": "If-None-Match",
        "in": "header",
        "description": "ETag that the client holds; answered 304 without a body when it is still the present one.",
        "schema": {"type": "string"},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Makes the call safe to repeat: one effect per key, and the same answer, for a day. The same "
        "key with another body: 422; while the first call still runs: 409.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]*$"},
    },
    "Reason": {
        "name": "X-Facet-Reason",
        "in": "header",
        "description": "Why the change is made; stands in the audit.",
        "schema": {"type": "string", "maxLength": 500, "pattern": "^[ -~]*$"},
    },
    "RequestTimeout": {
        "name": "X-Request-Timeout",
        "in": "header",
        "description": "Seconds after which the caller gives up; at most 60, 5 when not said.",
        "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": 60},
    },
}


def path_parameters(operation: Operation, names: Sequence[str], schemas: Schemas) -> list[Schema]:
    """The variables of the path under the names they have in the document."""
    listed: list[Schema] = []
    for name, path in zip(names, operation.template.variables, strict=True):
        parameter = parameter_at(operation.method.input, path)
        if parameter is not None:
            schema = {"minLength": 1} | schemas.field(parameter.field, Form.UPDATE)
            described = schema.pop("description", "")
            entry: Schema = {"name": name, "in": "path", "required": True, "schema": schema}
            listed.append(entry | ({"description": described} if described else {}))
    return listed


def query_parameters(operation: Operation, schemas: Schemas) -> list[Schema]:
    """Every field of the request that neither path nor body gives."""
    if operation.body == "*":
        return []
    listed: list[Schema] = []
    for parameter in _fields(operation.method.input, ()):
        if parameter.path in operation.template.variables or parameter.path[0] == operation.body:
            continue
        if parameter.path == ("etag",):
            continue  # given by If-Match
        schema = schemas.field(parameter.field, Form.UPDATE)
        described = schema.pop("description", "")
        name = json_path(".".join(parameter.path))
        entry: Schema = {"name": name, "in": "query", "schema": schema}
        if described:
            entry["description"] = described
        if len(parameter.path) == 1 and FieldBehavior.REQUIRED in behaviors(parameter.field):
            entry["required"] = True
        listed.append(entry)
    return listed


def header_parameters(operation: Operation) -> list[Schema]:
    """The headers that the operation heeds."""
    names = ["RequestTimeout"]
    if operation.safe:
        names += ["IfNoneMatch"] if operation.has_etag else []
    else:
        names += ["IdempotencyKey", "Reason"]
    listed: list[Schema] = [{"$ref": f"#/components/parameters/{name}"} for name in names]
    if operation.takes_etag:
        etag = field_named(operation.method.input, "etag")
        required = etag is not None and FieldBehavior.OPTIONAL not in behaviors(etag)
        listed.append(HEADERS["IfMatch"] | ({"required": True} if required else {}))
    return listed


def _fields(message: DescMessage, above: tuple[str, ...]) -> Iterator[Parameter]:
    for field in message.fields:
        path = (*above, field.name)
        if field.name == "update_mask" and above:
            continue
        parameter = parameter_at(message, (field.name,))
        if parameter is not None:
            yield Parameter(path, parameter.field, parameter.element)
            continue
        match field.value:
            case DescFieldValueMessage(message=below) if not below.type_name.startswith("google.protobuf."):
                if len(path) < _MAX_DEPTH:
                    yield from _fields(below, path)
            case _:
                pass
