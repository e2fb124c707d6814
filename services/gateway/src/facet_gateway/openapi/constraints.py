"""protovalidate's constraints as JSON Schema keywords. What has no keyword is left to the description."""

from __future__ import annotations

from typing import Any

from protobuf import DescField, Message, Oneof

from facet_contracts.buf.validate.validate_pb import (
    FieldRules,
    Ignore,
    MapRules,
    RepeatedRules,
    StringRules,
    ext_field,
)

Schema = dict[str, Any]

_FORMATS = {
    "email": "email",
    "uuid": "uuid",
    "hostname": "hostname",
    "uri": "uri",
    "ipv4": "ipv4",
    "ipv6": "ipv6",
}
_BOUNDS = {
    "gte": "minimum",
    "gt": "exclusiveMinimum",
    "lte": "maximum",
    "lt": "exclusiveMaximum",
    "const": "const",
}


def rules_of(field: DescField) -> FieldRules | None:
    """The constraints that the contract puts on a field."""
    options = field.proto.options
    return options[ext_field] if options is not None and ext_field in options else None


def keywords(rules: FieldRules | None) -> Schema:
    """JSON Schema keywords for a field, list or map under these rules."""
    if rules is None or rules.type is None:
        return {}
    may_be_empty = rules.ignore is Ignore.IF_ZERO_VALUE
    match rules.type.value:
        case StringRules() as text:
            return _text(text, may_be_empty)
        case RepeatedRules() as repeated:
            return _repeated(repeated)
        case MapRules() as mapped:
            return _present(minProperties=mapped.min_pairs or None, maxProperties=mapped.max_pairs or None)
        case Message() as numeric:
            return {} if may_be_empty else _bounds(numeric)
        case _:
            return {}


def messages(rules: FieldRules | None) -> list[str]:
    """What the rules without a keyword say, in words."""
    return [rule.message for rule in rules.cel if rule.message] if rules is not None else []


def _text(rules: StringRules, may_be_empty: bool) -> Schema:
    pattern = rules.pattern if rules.has_field("pattern") else None
    exact = rules.len if rules.has_field("len") else None
    minimum = exact if exact is not None else rules.min_len if rules.has_field("min_len") else None
    found = _present(
        minLength=None if may_be_empty else minimum,
        maxLength=exact if exact is not None else rules.max_len if rules.has_field("max_len") else None,
        pattern=f"^$|{pattern}" if pattern and may_be_empty else pattern,
        enum=["", *getattr(rules, "in_", [])] if may_be_empty and getattr(rules, "in_", []) else None,
    )
    if not may_be_empty and getattr(rules, "in_", []):
        found["enum"] = list(rules.in_)
    match rules.well_known:
        case Oneof(field=name, value=True) if name in _FORMATS and not may_be_empty:
            found["format"] = _FORMATS[name]
        case _:
            pass
    return found


def _repeated(rules: RepeatedRules) -> Schema:
    found = _present(
        minItems=rules.min_items if rules.has_field("min_items") else None,
        maxItems=rules.max_items if rules.has_field("max_items") else None,
        uniqueItems=True if rules.unique else None,
    )
    items = keywords(rules.items)
    return found | ({"items": items} if items else {})


def _bounds(rules: Message) -> Schema:
    """Bounds of any numeric rules: they differ in type only."""
    found: Schema = {}
    for group in ("less_than", "greater_than"):
        match getattr(rules, group, None):
            case Oneof(field=name, value=value) if name in _BOUNDS and isinstance(value, int | float):
                found[_BOUNDS[name]] = value
            case _:
                pass
    return found


def _present(**keywords: object) -> Schema:
    return {name: value for name, value in keywords.items() if value is not None}
