"""Which constraints count for which request."""

from __future__ import annotations

import pytest
from protobuf.wkt import FieldMask

from facet_contracts.facet.gateway.v1.api_key_service_pb import CreateApiKeyRequest
from facet_contracts.facet.gateway.v1.resources_pb import ApiKey
from facet_contracts.facet.sales.v1.catalog_service_pb import UpdateProductRequest
from facet_contracts.facet.sales.v1.resources_pb import Product
from facet_kit.errors import Invalid
from facet_kit.server.validation import validate

_TOO_LONG = "x" * 300


def test_a_broken_constraint_names_its_field() -> None:
    request = CreateApiKeyRequest(
        api_key=ApiKey(display_name=_TOO_LONG, scopes=["sales.orders.read", "nonsense"])
    )
    with pytest.raises(Invalid) as refused:
        validate(request)
    assert {violation.field for violation in refused.value.violations} == {
        "api_key.display_name",
        "api_key.scopes[1]",
    }


def test_output_only_fields_that_a_client_sends_back_are_not_judged() -> None:
    key = ApiKey(display_name="ERP", scopes=["sales.orders.read"], id=_TOO_LONG, secret_prefix=_TOO_LONG)
    validate(CreateApiKeyRequest(api_key=key))


def test_an_update_is_judged_by_the_fields_of_its_mask() -> None:
    product = Product(id="p", display_name=_TOO_LONG, model_code=" leading blank")
    with pytest.raises(Invalid) as refused:
        validate(UpdateProductRequest(product=product, update_mask=FieldMask(paths=["display_name"])))
    assert [violation.field for violation in refused.value.violations] == ["product.display_name"]


def test_an_update_without_mask_is_judged_by_the_fields_it_sets() -> None:
    with pytest.raises(Invalid):
        validate(UpdateProductRequest(product=Product(id="p", display_name=_TOO_LONG)))
    validate(UpdateProductRequest(product=Product(id="p", display_name="Pump")))


def test_what_stands_beside_the_resource_of_an_update_is_always_judged() -> None:
    with pytest.raises(Invalid):
        validate(UpdateProductRequest(product=Product(id="p"), etag=_TOO_LONG))
