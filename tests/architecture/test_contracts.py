"""The contracts keep their own rules: route, permission and comment on every method, comment on every field, events
named as facts, shared records changed under an etag.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from protobuf import DescMessage, DescMethod
from protobuf.wkt import FileDescriptorProto

from facet_contracts.descriptors import descriptor_set, registry, services
from facet_contracts.facet.type.v1.annotations_pb import ext_access, ext_account_summary, ext_event, ext_field
from facet_contracts.google.api.annotations_pb import ext_http
from facet_kit.permissions import matches, role_table

METHODS = [method for service in services() for method in service.methods]
PERMISSION = re.compile(r"^[a-z][a-z-]*\.[a-z_]+\.[a-z_]+$")
SERVICES = {"customer", "sales", "project", "service-desk", "marketing", "analytics", "gateway"}


def name_of(method: DescMethod) -> str:
    return f"{method.parent.type_name}.{method.name}"


def facet_files() -> list[FileDescriptorProto]:
    return [file for file in descriptor_set().file if file.package.startswith("facet.")]


def messages() -> Iterator[DescMessage]:
    for file in facet_files():
        for declared in file.message_type:
            found = registry().message(f"{file.package}.{declared.name}")
            assert found is not None
            yield found


@pytest.mark.parametrize("method", METHODS, ids=name_of)
def test_every_method_says_its_route_and_its_permission(method: DescMethod) -> None:
    options = method.proto.options
    assert options is not None
    assert ext_http in options
    assert options[ext_http].pattern is not None
    permission = options[ext_access].permission
    assert PERMISSION.match(permission), permission
    package = method.parent.file.proto.package.split(".")[1].replace("_", "-")
    assert permission.split(".")[0] == package


def test_every_permission_is_held_by_some_role_beside_the_administrator() -> None:
    asked = {method.proto.options[ext_access].permission for method in METHODS if method.proto.options}
    patterns = [
        pattern
        for role, held in role_table().items()
        if role not in ("administrator", "system")
        for pattern in held
    ]
    only_for_machines = {"customer.directory.resolve"}
    orphans = {p for p in asked - only_for_machines if not any(matches(pattern, p) for pattern in patterns)}
    administrative = {p for p in orphans if p.split(".")[1] in ADMINISTERED or p.startswith("platform.")}
    assert orphans == administrative, sorted(orphans - administrative)


# What only administrators set up.
ADMINISTERED = {
    "departments",
    "regions",
    "staff",
    "products",
    "product_categories",
    "pipelines",
    "rebuilds",
    "facts",
}


def test_every_pattern_of_the_role_table_covers_a_permission() -> None:
    asked = {method.proto.options[ext_access].permission for method in METHODS if method.proto.options}
    fields = [field.proto.options for message in messages() for field in message.fields]
    asked |= {options[ext_field].permission for options in fields if options and ext_field in options}
    idle = {
        (role, pattern)
        for role, held in role_table().items()
        for pattern in held
        if not any(matches(pattern, permission) for permission in asked)
    }
    assert not idle


def test_every_service_answers_for_its_part_of_the_unified_view() -> None:
    answering = {
        method.parent.file.proto.package.split(".")[1].replace("_", "-")
        for method in METHODS
        if method.proto.options and method.proto.options[ext_account_summary]
    }
    assert answering == SERVICES - {"gateway"}


def test_changes_of_a_record_carry_the_etag_that_the_caller_saw() -> None:
    missing = [
        name_of(method)
        for method in METHODS
        if method.name.startswith("Update") and not any(f.name == "etag" for f in method.input.fields)
    ]
    assert not missing


def test_lists_page_filter_and_order_alike() -> None:
    wrong = []
    for method in METHODS:
        if method.name.startswith("List"):
            asked = {field.name for field in method.input.fields}
            answered = [field.name for field in method.output.fields]
            if not {"page_size", "page_token"} <= asked or "next_page_token" not in answered:
                wrong.append(name_of(method))
    assert not wrong


def test_events_are_facts_in_the_past_tense() -> None:
    for message in messages():
        options = message.proto.options
        if options is None or ext_event not in options:
            continue
        event = options[ext_event]
        assert re.fullmatch(r"[a-z][a-z_]*", event.aggregate)
        past = re.search(
            r"(ed|t|lost|won|sent|due|paid|begun|hired|withdrawn|overran)$",
            event.name.split("_")[-1] or event.name,
        )
        assert past or event.timer, f"{message.name}: {event.name} is no fact in the past tense"


def test_no_two_events_share_a_subject() -> None:
    subjects: dict[tuple[str, str, str], str] = {}
    for message in messages():
        options = message.proto.options
        if options is None or ext_event not in options:
            continue
        event = options[ext_event]
        subject = (message.file.proto.package, event.aggregate, event.name)
        assert subject not in subjects, f"{message.name} and {subjects.get(subject)} share {subject}"
        subjects[subject] = message.name


def test_no_route_is_declared_twice() -> None:
    routes: dict[tuple[str, str], str] = {}
    for method in METHODS:
        assert method.proto.options is not None
        pattern = method.proto.options[ext_http].pattern
        assert pattern is not None
        route = (pattern.field, re.sub(r"\{[^}]*\}", "{}", str(pattern.value)))
        assert route not in routes, f"{name_of(method)} and {routes.get(route)} share {route}"
        routes[route] = name_of(method)
