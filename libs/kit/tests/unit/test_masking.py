"""What of an answer may be kept, and what each kind of caller sees of it."""

from __future__ import annotations

from facet_contracts.facet.customer.v1.resources_pb import Customer, CustomerKind
from facet_contracts.facet.gateway.v1.resources_pb import ApiKey
from facet_contracts.facet.type.v1.money_pb import Money
from facet_kit.server.masking import kept_form, mask
from facet_kit.testing.principals import a_principal, an_administrator


def test_a_secret_that_is_shown_once_is_not_kept_for_a_repetition() -> None:
    answer = ApiKey(id="key", secret_prefix="fk_", secret="fk_secret")
    kept = ApiKey.from_binary(kept_form(answer, answer.to_binary()))
    assert kept == ApiKey(id="key", secret_prefix="fk_")
    assert answer.secret == "fk_secret"


def test_an_answer_without_secrets_is_kept_as_it_is() -> None:
    answer = Customer(id="customer", display_name="Works")
    assert kept_form(answer, answer.to_binary()) == answer.to_binary()


def a_customer() -> Customer:
    return Customer(
        id="customer",
        display_name="Works",
        kind=CustomerKind.ORGANISATION,
        key_account=True,
        credit_limit=Money(currency="CNY", amount="1000.00"),
    )


def test_a_customers_user_sees_only_what_is_marked_for_him() -> None:
    answer = a_customer()
    mask(answer, a_principal("customer", group_id="customer"))
    assert answer.display_name == "Works"
    assert not answer.key_account
    assert answer.credit_limit is None


def test_staff_without_the_permission_do_not_see_a_sensitive_field() -> None:
    answer = a_customer()
    assert mask(answer, a_principal("service_agent")) == []
    assert answer.key_account
    assert answer.credit_limit is None


def test_who_sees_a_sensitive_field_is_noted() -> None:
    answer = a_customer()
    assert mask(answer, an_administrator()) == ["credit_limit"]
    assert answer.credit_limit is not None
