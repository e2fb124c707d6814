"""The schema of the unified view: what its contract cannot say, since sections are found by reflection."""

from __future__ import annotations

from collections.abc import Sequence

from facet_gateway.contracts import Contracts
from facet_gateway.openapi.constraints import Schema
from facet_gateway.openapi.schemas import Form, Schemas
from facet_gateway.view.sections import Source

_NULL: Schema = {"type": "null"}


def view_schemas(contracts: Contracts, sources: Sequence[Source]) -> dict[str, Schema]:
    """Schemas by component name: the view with a property for each section, and all that its sections refer to."""
    schemas = Schemas(contracts)
    view, section = (
        contracts.registry.message(f"facet.gateway.v1.{name}") for name in ("UnifiedView", "ViewSection")
    )
    if view is None or section is None:
        return {}
    shown = schemas.message(view, Form.OUTPUT)
    plain = schemas.message(section, Form.OUTPUT)
    plain["required"] = ["source", "cell", "status", "asOf", "data"]
    for name in ("asOf", "data"):
        plain["properties"][name] = _or_null(plain["properties"][name])
    shown["required"] = ["customerId", "asOf", "scope", "sections"]
    shown["properties"]["asOf"] = _or_null(shown["properties"]["asOf"])
    common = {"$ref": "#/components/schemas/gateway.v1.ViewSection"}
    sections: Schema = {}
    for source in sources:
        for part in source.sections:
            data = _or_null(schemas.reference(part.message))
            text = contracts.comment(f"{source.response.desc().type_name}.{part.field}")
            sections[part.name] = {
                "description": text,
                "allOf": [common, {"type": "object", "properties": {"data": data}}],
            }
    described = shown["properties"]["sections"]["description"]
    shown["properties"]["sections"] = {
        "type": "object",
        "description": described,
        "properties": sections,
        "additionalProperties": common,
    }
    return schemas.components | {"gateway.v1.UnifiedView": shown, "gateway.v1.ViewSection": plain}


def _or_null(schema: Schema) -> Schema:
    described = {"description": schema.pop("description")} if "description" in schema else {}
    return {"anyOf": [schema, _NULL]} | described
