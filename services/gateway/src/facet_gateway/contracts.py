"""The contracts as the gateway sees them: the descriptor set, indexed by RPC, with options and comments at hand.

Everything here is read once at start. Nothing knows a single service, message or route by name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from protobuf import DescEnum, DescField, DescFile, DescMessage, DescMethod, DescService, Registry
from protobuf.wkt import FileDescriptorSet
from protobuf.wkt.google.protobuf import json_enumvalue_options_pb as json_name
from protobuf.wkt.google.protobuf.descriptor_pb import (
    DescriptorProto,
    EnumDescriptorProto,
    EnumValueOptions,
    FileDescriptorProto,
)

from facet_contracts.facet.type.v1.annotations_pb import ext_access, ext_account_summary
from facet_contracts.google.api.annotations_pb import ext_http
from facet_contracts.google.api.field_behavior_pb import FieldBehavior, ext_field_behavior
from facet_contracts.google.api.http_pb import HttpRule

# Numbers of the repeated fields in descriptor.proto: together they are the path of a comment in the source info.
_MESSAGE, _ENUM, _SERVICE = 4, 5, 6
_FIELD, _NESTED_MESSAGE, _NESTED_ENUM = 2, 3, 4
_METHOD, _VALUE = 2, 2


@dataclass(frozen=True, slots=True)
class Contracts:
    """All packages of Facet: types for transcoding, RPCs with their options, and the comments of every element."""

    registry: Registry
    methods: Sequence[DescMethod]
    _comments: dict[str, str] = field(repr=False)

    @classmethod
    def packaged(cls) -> Contracts:
        """The contracts this gateway was built with."""
        return cls.from_bytes((files("facet_contracts") / "facet.binpb").read_bytes())

    @classmethod
    def from_bytes(cls, descriptor_set: bytes) -> Contracts:
        """Indexes a serialised descriptor set that holds its imports and source info."""
        image = FileDescriptorSet.from_binary(descriptor_set)
        for file in image.file:
            if file.name.startswith("facet/"):
                _shorten_enum_names(file)
        registry = image.to_registry()
        described = [registry.file(file.name) for file in image.file]
        ours = [file for file in described if file is not None and file.proto.package.startswith("facet.")]
        methods = [method for file in ours for service in file.services for method in service.methods]
        comments: dict[str, str] = {}
        for file in ours:
            comments.update(_comments(file))
        return cls(registry=registry, methods=tuple(methods), _comments=comments)

    def comment(self, element: DescMessage | DescEnum | DescService | DescField | DescMethod | str) -> str:
        """The comment above an element of a contract, or "" (an element is its descriptor or its full name)."""
        match element:
            case str():
                name = element
            case DescField() | DescMethod():
                name = f"{element.parent.type_name}.{element.name}"
            case _:
                name = element.type_name
        return self._comments.get(name, "")


def http_rules(method: DescMethod) -> Iterator[HttpRule]:
    """The HTTP bindings of an RPC: its own and the additional ones; none when it has no route."""
    options = method.proto.options
    if options is None or ext_http not in options:
        return
    rule = options[ext_http]
    yield rule
    yield from rule.additional_bindings


def permission_of(method: DescMethod) -> str:
    """The permission that the RPC asks for; "" when it names none."""
    options = method.proto.options
    return options[ext_access].permission if options is not None and ext_access in options else ""


def answers_account_summary(method: DescMethod) -> bool:
    """Whether the RPC answers for its service's sections of the unified view."""
    options = method.proto.options
    return options is not None and ext_account_summary in options and options[ext_account_summary]


def behaviors(described: DescField) -> frozenset[FieldBehavior]:
    """The `google.api.field_behavior` of a field."""
    options = described.proto.options
    if options is None or ext_field_behavior not in options:
        return frozenset()
    return frozenset(options[ext_field_behavior])


def service_of(package: str) -> str:
    """Name of the service that owns a package: `facet.service_desk.v1` → `service-desk`."""
    return package.split(".")[1].replace("_", "-")


def field_named(message: DescMessage, name: str) -> DescField | None:
    """The field with this proto name or JSON name."""
    for candidate in message.fields:
        if name in (candidate.name, candidate.json_name):
            return candidate
    return None


def _shorten_enum_names(file: FileDescriptorProto) -> None:
    """Gives every enum value its name without the enum's prefix in JSON; the full name is still accepted."""
    for enum in file.enum_type:
        _shorten(enum)
    for message in file.message_type:
        _shorten_in(message)


def _shorten_in(message: DescriptorProto) -> None:
    for enum in message.enum_type:
        _shorten(enum)
    for nested in message.nested_type:
        _shorten_in(nested)


def _shorten(enum: EnumDescriptorProto) -> None:
    prefix = enum.value[0].name.removesuffix("UNSPECIFIED")
    if prefix == enum.value[0].name or not prefix.endswith("_"):
        return
    for value in enum.value:
        short = value.name.removeprefix(prefix)
        if short == value.name or not short[:1].isalpha():
            continue
        options = value.options or EnumValueOptions()
        options[json_name.ext_json] = json_name.JsonEnumValueOptions(string=short)
        value.options = options


def _comments(file: DescFile) -> dict[str, str]:
    info = file.proto.source_code_info
    if info is None:
        return {}
    by_path = {
        tuple(place.path): _text(place.leading_comments) for place in info.location if place.leading_comments
    }
    named: dict[str, str] = {}

    def note(name: str, path: tuple[int, ...]) -> None:
        if path in by_path:
            named[name] = by_path[path]

    def visit_enum(enum: DescEnum, path: tuple[int, ...]) -> None:
        note(enum.type_name, path)
        for index, value in enumerate(enum.values):
            note(f"{enum.type_name}.{value.name}", (*path, _VALUE, index))

    def visit_message(message: DescMessage, path: tuple[int, ...]) -> None:
        note(message.type_name, path)
        positions = {proto.number: index for index, proto in enumerate(message.proto.field)}
        for described in message.fields:
            note(f"{message.type_name}.{described.name}", (*path, _FIELD, positions[described.number]))
        nested_at = {proto.name: index for index, proto in enumerate(message.proto.nested_type)}
        for nested in message.nested_messages:
            visit_message(nested, (*path, _NESTED_MESSAGE, nested_at[nested.name]))
        for index, enum in enumerate(message.nested_enums):
            visit_enum(enum, (*path, _NESTED_ENUM, index))

    for index, message in enumerate(file.messages):
        visit_message(message, (_MESSAGE, index))
    for index, enum in enumerate(file.enums):
        visit_enum(enum, (_ENUM, index))
    for index, service in enumerate(file.services):
        note(service.type_name, (_SERVICE, index))
        for position, method in enumerate(service.methods):
            note(f"{service.type_name}.{method.name}", (_SERVICE, index, _METHOD, position))
    return named


def _text(comment: str) -> str:
    return "\n".join(line.removeprefix(" ").rstrip() for line in comment.rstrip().splitlines()).strip()
