"""A request message out of the parts of an HTTP request: path, query, body and preconditions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from protobuf import DescField, Message, Registry, message_from_json_value

from facet_contracts.google.api.field_behavior_pb import FieldBehavior
from facet_gateway.contracts import behaviors, field_named
from facet_gateway.problem import invalid, json_path, unparseable
from facet_gateway.transcoding import json_body
from facet_gateway.transcoding.explain import explain
from facet_gateway.transcoding.json_body import Json
from facet_gateway.transcoding.operation import Operation
from facet_gateway.transcoding.query import parameter_at, parse_query, read
from facet_kit.errors import Violation
from facet_kit.server.validation import validate

_MASK = "update_mask"


@dataclass(frozen=True, slots=True)
class Incoming:
    """The parts of an HTTP request that the contract speaks of.

    Attributes:
        values: texts of the path's variables, decoded.
        if_match: the etag of If-Match, without quotes; "" when there is none.
    """

    values: Sequence[str]
    query: bytes
    body: bytes
    content_type: str | None
    content_encoding: str | None
    if_match: str


class RequestReader:
    """Reads requests against the contracts.

    Args:
        registry: resolves `google.protobuf.Any`.
        max_depth: how deep a body may nest.
    """

    def __init__(self, registry: Registry, *, max_depth: int) -> None:
        self._registry = registry
        self._max_depth = max_depth

    def read(self, operation: Operation, incoming: Incoming) -> Message:
        """The request message.

        Raises:
            Problem: 400 or 415 when the request cannot be read, 422 with the fields that do not fit the contract.
            Invalid: fields break constraints of the contract.
        """
        value, given = self._body(operation, incoming)
        violations = _read_query(operation, incoming.query, value)
        for variable, text in zip(operation.template.variables, incoming.values, strict=True):
            _put(operation, value, variable, text)
        if operation.takes_etag:
            _put_etag(operation, value, incoming.if_match)
        if given is not None:
            _put_mask(operation, value, given)
        if violations:
            raise invalid(*violations)
        try:
            message = message_from_json_value(operation.request, value, registry=self._registry)
        except (ValueError, TypeError, OverflowError, RecursionError):
            raise invalid(*explain(operation.request, value)) from None
        validate(message)  # the service does so, too; here it costs no hop
        return message

    def _body(
        self, operation: Operation, incoming: Incoming
    ) -> tuple[dict[str, Json], dict[str, Json] | None]:
        """The body placed in the request, and the object that fills the body's field, where it fills one."""
        if not operation.body:
            if incoming.body:
                raise unparseable(
                    "UNEXPECTED_BODY", f"{operation.http_method} takes no body here; use parameters"
                )
            return {}, None
        if not incoming.body:
            return {}, None
        json_body.check_content_type(incoming.content_type, incoming.content_encoding)
        parsed = json_body.parse(incoming.body, max_depth=self._max_depth)
        body_field = operation.body_field
        if body_field is not None:
            if not isinstance(parsed, dict):
                raise invalid(Violation("", f"the body must be an object, a {body_field.json_name}"))
            return {body_field.name: parsed}, parsed
        if not isinstance(parsed, dict):
            raise invalid(Violation("", "the body must be an object"))
        return parsed, None


def _read_query(operation: Operation, query: bytes, value: dict[str, Json]) -> list[Violation]:
    """Places the query's parameters in the request; the violations are those of unknown and unfit ones."""
    violations: list[Violation] = []
    if not query:
        return violations
    for name, texts in parse_query(query).items():
        path = tuple(name.split("."))
        parameter = None if operation.body == "*" else parameter_at(operation.method.input, path)
        if (
            parameter is None
            or parameter.path in operation.template.variables
            or parameter.path[0] == operation.body
        ):
            violations.append(Violation(name, "is not a parameter of this operation"))
            continue
        item, wrong = read(parameter, texts)
        violations.extend(wrong)
        _put(operation, value, parameter.path, item)
    return violations


def _put(operation: Operation, value: dict[str, Json], path: Sequence[str], item: Json) -> None:
    """Sets a field, given by proto names, whichever of its two names the client may have used for it in the body."""
    message = operation.method.input
    for position, name in enumerate(path):
        twin = json_path(name)
        if position == len(path) - 1:
            if twin != name:
                value.pop(twin, None)
            value[name] = item
            return
        below = value.pop(twin, None) if twin != name and twin in value else value.get(name)
        if not isinstance(below, dict):
            below = {}
        value[name] = below
        value = below
    raise AssertionError(f"empty path for {message.type_name}")


def _put_etag(operation: Operation, value: dict[str, Json], if_match: str) -> None:
    """The precondition: If-Match before the request's own etag before the one inside the resource sent back."""
    if if_match:
        value["etag"] = if_match
    elif not value.get("etag") and operation.body_field is not None:
        resource = value.get(operation.body_field.name)
        if isinstance(resource, dict) and isinstance(etag := resource.get("etag"), str):
            value["etag"] = etag


def _put_mask(operation: Operation, value: dict[str, Json], given: Mapping[str, Json]) -> None:
    """PATCH without a mask changes exactly the fields that the body names, so that a field can be emptied."""
    body_field = operation.body_field
    if operation.http_method != "PATCH" or body_field is None or value.get(_MASK):
        return
    if field_named(operation.method.input, _MASK) is None:
        return
    value[_MASK] = ",".join(
        described.json_name
        for key in given
        if (described := _writable(body_field, key, operation)) is not None
    )


def _writable(body_field: DescField, key: str, operation: Operation) -> DescField | None:
    resource = getattr(body_field.value, "message", None)
    described = field_named(resource, key) if resource is not None else None
    if described is None or described.name == "etag" or FieldBehavior.OUTPUT_ONLY in behaviors(described):
        return None
    bound = (body_field.name, described.name) in operation.template.variables
    return None if bound else described
