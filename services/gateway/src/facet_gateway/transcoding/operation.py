"""One operation: an RPC together with one of its HTTP bindings, and all that is known of it before a request comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from protobuf import DescField, DescFieldValueMessage, DescMessage, DescMethod, Message

from facet_gateway.contracts import Contracts, field_named, http_rules, permission_of, service_of
from facet_gateway.transcoding.template import PathTemplate, RouteTable, TemplateError

PLATFORM = "platform"
_METHODS = {"get": "GET", "put": "PUT", "post": "POST", "delete": "DELETE", "patch": "PATCH"}


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """How one route is served.

    Attributes:
        service: owner of the RPC, as in `sales`; `platform` for what every service answers.
        rpc: path of the gRPC method, `/facet.sales.v1.OrderService/ApproveOrder`.
        body: "" for none, "*" for the whole request, else the proto name of the request field that the body fills.
        permission: what the caller's roles must grant; "" for none.
        creates: the answer is a new resource: 201 with its Location.
        empty: the answer has no content: 204.
        takes_etag: the request has an `etag` field, filled from If-Match.
        has_etag: the answer is a resource with an `etag`, shown as ETag header.
        binding: position among the routes of the RPC.
    """

    method: DescMethod
    service: str
    rpc: str
    http_method: str
    template: PathTemplate
    body: str
    permission: str
    request: type[Message]
    response: type[Message]
    creates: bool
    empty: bool
    takes_etag: bool
    has_etag: bool
    binding: int = 0

    @property
    def safe(self) -> bool:
        """Whether the operation changes nothing, so that it may be tried again."""
        return self.http_method == "GET"

    @property
    def id(self) -> str:
        """Name of the operation for OpenAPI, metrics and traces, for example `sales_ApproveOrder`; unique."""
        name = f"{self.service.replace('-', '_')}_{self.method.name}"
        return name if self.binding == 0 else f"{name}_{self.binding + 1}"

    @property
    def body_field(self) -> DescField | None:
        """The request field that the body fills, when it fills just one."""
        return field_named(self.method.input, self.body) if self.body not in ("", "*") else None


def operations_of(contracts: Contracts) -> Sequence[Operation]:
    """Every route in the contracts.

    Raises:
        TemplateError: a route cannot be served; its text says why.
    """
    return [
        _operation(method, binding, _METHODS[rule.pattern.field], rule.pattern.value, rule.body)
        for method in contracts.methods
        if method.method_kind == "unary"
        for binding, rule in enumerate(http_rules(method))
        if rule.pattern is not None and isinstance(rule.pattern.value, str)
    ]


def route_table(operations: Sequence[Operation]) -> RouteTable[Operation]:
    """The table that finds these operations by path."""
    table: RouteTable[Operation] = RouteTable()
    for operation in operations:
        table.add(operation.http_method, operation.template, operation)
    return table


def _operation(method: DescMethod, binding: int, http_method: str, path: str, body: str) -> Operation:
    template = PathTemplate.parse(path)
    for variable in template.variables:
        _check_path_field(method.input, variable, path)
    if body not in ("", "*") and field_named(method.input, body) is None:
        raise TemplateError(f"{path}: {method.input.type_name} has no field {body!r} for the body")
    service = service_of(method.parent.file.proto.package)
    return Operation(
        method=method,
        service=service,
        rpc=f"/{method.parent.type_name}/{method.name}",
        http_method=http_method,
        template=template,
        body=body,
        permission=permission_of(method),
        request=method.input.type,
        response=method.output.type,
        creates=http_method == "POST" and method.name.startswith("Create") and not template.verb,
        empty=method.output.type_name == "google.protobuf.Empty",
        takes_etag=field_named(method.input, "etag") is not None,
        has_etag=field_named(method.output, "etag") is not None,
        binding=binding,
    )


def _check_path_field(message: DescMessage, path: Sequence[str], text: str) -> None:
    for position, name in enumerate(path):
        described = field_named(message, name)
        if described is None:
            raise TemplateError(f"{text}: {message.type_name} has no field {name!r}")
        if position < len(path) - 1:
            if not isinstance(described.value, DescFieldValueMessage):
                raise TemplateError(f"{text}: {name!r} of {message.type_name} has no fields")
            message = described.value.message
