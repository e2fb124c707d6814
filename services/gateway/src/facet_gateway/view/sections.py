"""What the unified view consists of, found by reflection: every method that answers an account summary is a source,
every top-level message of its answer, but `as_of`, a section.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from protobuf import DescFieldValueMessage, DescMessage, Message, Registry
from protobuf.wkt import Timestamp

from facet_contracts.facet.type.v1.account_pb import GetAccountSummaryRequest
from facet_gateway.contracts import Contracts, answers_account_summary, permission_of, service_of
from facet_kit.principal import Principal, PrincipalKind
from facet_kit.server.masking import mask

_AS_OF = "as_of"
VERSION_DIGITS = 20

# Fields that need a permission of their own are no part of the view: sections are prepared once for many readers, and
# the services write down who reads such a field.
_READER = Principal(id="unified-view", kind=PrincipalKind.STAFF, person_id="unified-view")


@dataclass(frozen=True, slots=True, eq=False)
class Section:
    """One section: its name in JSON and the field of the source's answer that holds it."""

    name: str
    field: str
    message: DescMessage


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A service's method that answers for its sections."""

    service: str
    rpc: str
    permission: str
    response: type[Message]
    sections: Sequence[Section]


@dataclass(frozen=True, slots=True)
class Answer:
    """A source's answer, ready to be joined into views.

    Attributes:
        version: the answer's age as digits that sort: nanoseconds since the epoch.
        fragments: by section name, the JSON of the section but for its opening brace and status.
    """

    version: bytes
    fragments: Mapping[str, bytes]


def sources_of(contracts: Contracts) -> Sequence[Source]:
    """Every source, in the order of the contracts."""
    return [
        Source(
            service=service_of(method.parent.file.proto.package),
            rpc=f"/{method.parent.type_name}/{method.name}",
            permission=permission_of(method),
            response=method.output.type,
            sections=_sections(method.output),
        )
        for method in contracts.methods
        if answers_account_summary(method)
    ]


def _sections(answer: DescMessage) -> Sequence[Section]:
    return [
        Section(field.json_name, field.name, field.value.message)
        for field in answer.fields
        if isinstance(field.value, DescFieldValueMessage) and field.name != _AS_OF
    ]


def request_for(account: str) -> bytes:
    """The serialised request for an account's summary; the same for every source."""
    return GetAccountSummaryRequest(customer_id=account).to_binary()


def render(source: Source, cell: str, payload: bytes, registry: Registry) -> Answer:
    """A source's answer, prepared. A section that the answer leaves out has no fragment."""
    answer = source.response.from_binary(payload)
    mask(answer, _READER)
    as_of: Message | None = getattr(answer, _AS_OF, None)
    instant = (
        Timestamp() if as_of is None else Timestamp.from_binary(as_of.to_binary())
    )  # the registry has its own class
    head = f'"source":"{source.service}","cell":"{cell}","asOf":{instant.to_json()},"data":'.encode()
    fragments: dict[str, bytes] = {}
    for section in source.sections:
        if answer.has_field(section.field):
            data: Message = getattr(answer, section.field)
            text = data.to_json(always_emit_implicit=True, registry=registry)
            fragments[section.name] = head + text.encode() + b"}"
    return Answer(str(instant.to_nanos()).zfill(VERSION_DIGITS).encode(), fragments)
