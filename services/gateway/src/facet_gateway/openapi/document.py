"""The OpenAPI 3.1 document, from the contracts alone: what they say is what is served."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from facet_gateway.contracts import Contracts, service_of
from facet_gateway.openapi.constraints import Schema
from facet_gateway.openapi.parameters import HEADERS, header_parameters, path_parameters, query_parameters
from facet_gateway.openapi.schemas import Form, Schemas
from facet_gateway.problem import MEDIA_TYPE
from facet_gateway.transcoding.operation import PLATFORM, Operation

_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PROBLEMS: Final[Mapping[int, str]] = {
    400: "The request cannot be read: broken JSON, a repeated key, a header that makes no sense.",
    401: "Nobody is known to be calling: no credential, or one that proves nothing.",
    403: "The caller may not do this; `metadata.permission` says what is missing.",
    404: "There is no such thing, or it lies outside of the caller's scope.",
    405: "The path takes other methods.",
    409: "The request collides with the state of things: an illegal transition, a duplicate, a running twin.",
    412: "The resource has changed since the caller read it.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The request can be read but does not fit: `violations` names the fields.",
    428: "The change needs If-Match.",
    429: "Too many requests; `Retry-After` says when to go on.",
    500: "A defect of Facet; quote the trace id.",
    503: "A service is away; `Retry-After` says when to try again.",
    504: "A service did not answer in time; the outcome of a change is unknown, so repeat it with the same key.",
}
_ALWAYS: Final = (400, 401, 403, 404, 422, 429, 500, 503, 504)
_CHANGING: Final = (409, 413, 415)
_PROBLEM_SCHEMA: Final[Schema] = {
    "type": "object",
    "description": "A refusal or failure (RFC 9457).",
    "required": ["type", "title", "status", "detail", "instance", "reason", "traceId"],
    "properties": {
        "type": {"type": "string", "format": "uri", "examples": ["urn:facet:problem:stale-etag"]},
        "title": {"type": "string", "description": "The status in words."},
        "status": {"type": "integer", "description": "The HTTP status."},
        "detail": {"type": "string", "description": "What happened, where, and how to mend it."},
        "instance": {"type": "string", "description": "Path of the request."},
        "reason": {"type": "string", "description": "Stable code for programs.", "examples": ["STALE_ETAG"]},
        "traceId": {"type": "string", "description": "W3C trace id, by which the request is found again."},
        "violations": {
            "type": "array",
            "description": "The fields that do not fit.",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "metadata": {"type": "object", "additionalProperties": {"type": "string"}},
    },
}


def openapi_document(
    contracts: Contracts,
    operations: Sequence[Operation],
    *,
    version: str,
    replaced: Mapping[str, Schema] | None = None,
) -> Schema:
    """The document for these operations.

    Args:
        version: of Facet.
        replaced: schemas by component name that stand in for generated ones, where the gateway knows more than the
            contract can say.
    """
    schemas = Schemas(contracts)
    names = _variable_names(operations)
    paths: dict[str, dict[str, Schema]] = {}
    for operation in operations:
        variables = names[_shape(operation)]
        path = _path(operation, variables)
        paths.setdefault(path, {})[operation.http_method.lower()] = _entry(
            contracts, schemas, operation, variables
        )
    schemas.components["Problem"] = _PROBLEM_SCHEMA
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Facet",
            "version": version,
            "summary": "One customer, every facet, one view.",
            "description": "Answers carry every field that has a value or a default. Enums are written without their "
            "prefix. 64-bit numbers and amounts of money are texts. Unknown fields and parameters are refused.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"bearer": []}, {"apiKey": []}],
        "tags": _tags(contracts, operations),
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted((schemas.components | dict(replaced or {})).items())),
            "responses": {f"Problem{status}": _problem(text) for status, text in _PROBLEMS.items()},
            "parameters": HEADERS,
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Access token of a trusted OpenID Connect issuer.",
                },
                "apiKey": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Api-Key",
                    "description": "Credential of a machine; see the API keys.",
                },
            },
        },
    }


def _entry(contracts: Contracts, schemas: Schemas, operation: Operation, variables: Sequence[str]) -> Schema:
    comment = contracts.comment(operation.method)
    permission = f"\n\nPermission: `{operation.permission}`." if operation.permission else ""
    entry: Schema = {
        "operationId": operation.id,
        "tags": [_tag(operation)],
        "summary": _WORDS.sub(" ", operation.method.name),
        "description": comment + permission,
        "parameters": [
            *path_parameters(operation, variables, schemas),
            *query_parameters(operation, schemas),
            *header_parameters(operation),
        ],
        "responses": _responses(schemas, operation),
        "x-facet-permission": operation.permission,
    }
    if operation.body:
        entry["requestBody"] = _body(schemas, operation)
    if operation.method.deprecated:
        entry["deprecated"] = True
    return entry


def _body(schemas: Schemas, operation: Operation) -> Schema:
    field = operation.body_field
    if field is not None:
        form = Form.UPDATE if operation.http_method == "PATCH" else Form.INPUT
        message = getattr(field.value, "message", None)
        schema = schemas.reference(message, form) if message is not None else schemas.field(field, form)
        return {"required": True, "content": {"application/json": {"schema": schema}}}
    elsewhere = frozenset(path[0] for path in operation.template.variables) | {"etag"}
    schema = schemas.message(operation.method.input, Form.INPUT, without=elsewhere)
    return {"required": bool(schema.get("required")), "content": {"application/json": {"schema": schema}}}


def _responses(schemas: Schemas, operation: Operation) -> Schema:
    headers: Schema = {}
    if operation.has_etag:
        headers["ETag"] = {"description": "State of the resource.", "schema": {"type": "string"}}
    if operation.creates:
        headers["Location"] = {"description": "Path of the new resource.", "schema": {"type": "string"}}
    if not operation.safe:
        headers["Idempotent-Replayed"] = {
            "description": "`true` when this is the answer of an earlier call with the same Idempotency-Key.",
            "schema": {"type": "string"},
        }
    if operation.empty:
        responses: Schema = {"204": {"description": "Done."}}
    else:
        status = "201" if operation.creates else "200"
        schema = schemas.reference(operation.method.output)
        content = {"application/json": {"schema": schema}}
        responses = {status: {"description": "Created." if operation.creates else "OK.", "content": content}}
        if headers:
            responses[status]["headers"] = headers
    if operation.safe and operation.has_etag:
        responses["304"] = {"description": "The client holds the present state."}
    statuses = [
        *_ALWAYS,
        *(() if operation.safe else _CHANGING),
        *((412, 428) if operation.takes_etag else ()),
    ]
    return responses | {
        str(status): {"$ref": f"#/components/responses/Problem{status}"} for status in sorted(statuses)
    }


def _problem(text: str) -> Schema:
    return {
        "description": text,
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }


def _tags(contracts: Contracts, operations: Sequence[Operation]) -> list[Schema]:
    parents = {_tag(operation): operation.method.parent for operation in operations}
    return [{"name": name, "description": contracts.comment(parents[name])} for name in sorted(parents)]


def _tag(operation: Operation) -> str:
    service = service_of(operation.method.parent.file.proto.package)
    feature = _WORDS.sub(" ", operation.method.parent.name.removesuffix("Service")).lower()
    return f"{service}: {feature}" if service != PLATFORM else f"every service: {feature}"


def _shape(operation: Operation) -> tuple[object, ...]:
    return (*operation.template.segments, operation.template.verb)


def _variable_names(operations: Sequence[Operation]) -> dict[tuple[object, ...], list[str]]:
    """One set of variable names for all methods of a path: OpenAPI knows `/orders/{order_id}` only once."""
    names: dict[tuple[object, ...], list[str]] = {}
    for operation in operations:
        names.setdefault(_shape(operation), [_name(path) for path in operation.template.variables])
    return names


def _name(path: Sequence[str]) -> str:
    """`order.id` is the `order_id`; a reference keeps its own name wherever it stands."""
    return path[-1] if path[-1].endswith("_id") else "_".join(path)


def _path(operation: Operation, names: Sequence[str]) -> str:
    remaining = iter(names)
    segments = [
        f"{{{next(remaining)}}}" if segment is None else segment for segment in operation.template.segments
    ]
    verb = f":{operation.template.verb}" if operation.template.verb else ""
    return "/" + "/".join(segments) + verb
