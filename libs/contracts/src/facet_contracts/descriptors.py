"""The contracts as descriptors: every service, method, message and option, for the gateway, the kit, docs and tests."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.resources import files

from protobuf import DescMethod, DescService, Registry
from protobuf.wkt import FileDescriptorSet


@cache
def descriptor_set() -> FileDescriptorSet:
    """The serialised contracts with their comments."""
    return FileDescriptorSet.from_binary(files("facet_contracts").joinpath("facet.binpb").read_bytes())


@cache
def registry() -> Registry:
    """The contracts, linked."""
    return descriptor_set().to_registry()


@cache
def service_methods(service: str) -> dict[str, DescMethod]:
    """The methods of a gRPC service by RPC name, with the generated message classes as their types.

    Raises:
        KeyError: the contracts have no such service.
    """
    declared = registry().service(service)
    if declared is None:
        raise KeyError(f"the contracts declare no service {service!r}")
    path = declared.file.name.removesuffix(".proto").replace("/", ".")
    generated = import_module(f"facet_contracts.{path}_pb").desc().services
    found = next(candidate for candidate in generated if candidate.type_name == service)
    return {method.name: method for method in found.methods}


def services() -> list[DescService]:
    """Every gRPC service of Facet, by name."""
    names = [
        f"{file.package}.{service.name}"
        for file in descriptor_set().file
        if file.package.startswith("facet.")
        for service in file.service
    ]
    return [found for name in sorted(names) if (found := registry().service(name)) is not None]
