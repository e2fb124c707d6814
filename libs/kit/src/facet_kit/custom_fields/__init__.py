"""Custom fields: defined at run time per resource, stored in JSONB, validated, filterable, visible by role (PLT-04).

Which values a field takes is in `values`; what callers of the API see of definitions is in `facet_kit.platform`.
"""

from facet_kit.custom_fields.catalogue import custom_filter_fields, definitions, forget_on_commit
from facet_kit.custom_fields.definition import CustomFieldDefinition, Definition
from facet_kit.custom_fields.masking import mask_custom_fields
from facet_kit.custom_fields.settling import install_custom_fields, settle_custom_fields, validate, visible
from facet_kit.custom_fields.values import check_definition

__all__ = [
    "CustomFieldDefinition",
    "Definition",
    "check_definition",
    "custom_filter_fields",
    "definitions",
    "forget_on_commit",
    "install_custom_fields",
    "mask_custom_fields",
    "settle_custom_fields",
    "validate",
    "visible",
]
