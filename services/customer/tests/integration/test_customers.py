"""Customers: creation, changes, lifecycle, owners, who sees what."""

from __future__ import annotations

import asyncio

import pytest
from protobuf.wkt import FieldMask

from facet_contracts.facet.customer.v1 import customer_service_pb as rpc
from facet_contracts.facet.customer.v1 import events_pb as events
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_contracts.facet.customer.v1.resources_pb import (
    CustomerKind,
    CustomerRole,
    CustomerStatus,
    LifecycleStage,
    RelationshipStrategy,
)
from facet_contracts.facet.type.v1.money_pb import Money
from facet_customer.customers.policy import TRANSITIONS
from facet_kit.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionMissing, Stale
from facet_kit.testing.principals import a_principal, a_sales_rep

API = "CustomerService"


async def update(world, customer, *, mask=(), etag=None, by=None, **fields):
    request = rpc.UpdateCustomerRequest(
        customer=pb.Customer(id=customer.id, **fields),
        update_mask=FieldMask(paths=list(mask)) if mask else None,
        etag=customer.etag if etag is None else etag,
    )
    return await world.call(API, "update_customer", request, by)


async def change_stage(world, customer, stage, *, etag=None, by=None):
    request = rpc.ChangeLifecycleStageRequest(
        customer_id=customer.id, stage=stage, reason="because", etag=customer.etag if etag is None else etag
    )
    return await world.call(API, "change_lifecycle_stage", request, by)


async def test_a_new_customer_is_a_prospect_of_its_creator(world, service):
    person = await world.hire()
    rep = world.as_staff(person, region_ids=[person.region_id])

    customer = await world.customer(
        by=rep, display_name="上海电气集团", phones=["021 6888 8888"], emails=["Info@Example.com"]
    )

    assert customer.lifecycle_stage is LifecycleStage.PROSPECT
    assert customer.status is CustomerStatus.ACTIVE
    assert (customer.owner_id, customer.region_id, customer.department_id) == (
        person.id,
        person.region_id,
        person.department_id,
    )
    assert customer.roles == [CustomerRole.END_CUSTOMER]
    assert (customer.group_id, customer.ancestor_ids) == (customer.id, [customer.id])
    assert customer.phones == ["+862168888888"]
    assert customer.emails == ["info@example.com"]
    created = [
        event for event in await service.events(events.CustomerCreated) if event.customer.id == customer.id
    ]
    assert [event.customer for event in created] == [customer]


async def test_a_company_that_is_both_distributor_and_end_customer_is_one_record(world):
    both = await world.customer(roles=[CustomerRole.END_CUSTOMER, CustomerRole.DISTRIBUTOR])
    end = await world.customer(roles=[CustomerRole.END_CUSTOMER])

    chosen = await world.listed(f'(id = "{both.id}" OR id = "{end.id}") AND roles:DISTRIBUTOR')
    assert chosen == {both.id}
    chosen = await world.listed(f'(id = "{both.id}" OR id = "{end.id}") AND roles:END_CUSTOMER')
    assert chosen == {both.id, end.id}


async def test_a_person_is_a_customer_without_any_company(world):
    person = await world.customer(kind=CustomerKind.PERSON, display_name="王芳", birth_date="1980-02-29")

    assert person.kind is CustomerKind.PERSON
    assert person.birth_date == "1980-02-29"
    with pytest.raises(Invalid, match="no employees"):
        await world.customer(kind=CustomerKind.PERSON, employee_count=3)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"display_name": "  "}, "customer.display_name"),
        ({"kind": CustomerKind.UNSPECIFIED}, "customer.kind"),
        ({"department_id": "nowhere"}, "customer.department_id"),
        ({"region_id": "nowhere"}, "customer.region_id"),
        ({"owner_id": "nobody"}, "customer.owner_id"),
        ({"parent_id": "nothing"}, "customer.parent_id"),
        ({"phones": ["not a phone"]}, "customer.phones[0]"),
        ({"birth_date": "1980-02-30", "kind": CustomerKind.PERSON}, "customer.birth_date"),
        ({"birth_date": "1980-02-28"}, "customer.birth_date"),
    ],
)
async def test_a_wrong_field_is_refused_by_name(world, fields, field):
    with pytest.raises(Invalid) as refused:
        await world.customer(**fields)
    assert field in [violation.field for violation in refused.value.violations]


async def test_a_tax_number_belongs_to_one_customer_however_it_is_written(world):
    first = await world.customer(tax_id="9131 0000-abc")
    assert first.tax_id == "91310000ABC"

    with pytest.raises(Conflict) as refused:
        await world.customer(tax_id="９１３１００００abc")
    assert refused.value.reason == "TAX_ID_TAKEN"


async def test_an_update_changes_only_what_its_mask_names(world, service):
    customer = await world.customer(city="Shanghai", source="trade fair")

    changed = await update(
        world,
        customer,
        mask=["city", "key_account", "relationship_strategy"],
        city="Beijing",
        source="ignored",
        key_account=True,
        relationship_strategy=RelationshipStrategy.INVEST,
    )

    assert (changed.city, changed.source, changed.key_account) == ("Beijing", "trade fair", True)
    assert changed.relationship_strategy is RelationshipStrategy.INVEST
    assert changed.etag != customer.etag
    updated = [
        event for event in await service.events(events.CustomerUpdated) if event.customer.id == customer.id
    ]
    assert updated[-1].customer == changed
    assert updated[-1].changed == ["city", "key_account", "relationship_strategy"]


@pytest.mark.parametrize("path", ["owner_id", "parent_id", "kind", "no_such_field"])
async def test_fields_with_verbs_of_their_own_cannot_be_patched(world, path):
    customer = await world.customer()
    with pytest.raises(Invalid):
        await update(world, customer, mask=[path], owner_id="x", parent_id="x")


async def test_an_update_needs_the_present_etag(world):
    customer = await world.customer()
    await update(world, customer, city="Xi'an")

    with pytest.raises(Stale):
        await update(world, customer, city="Chengdu")
    with pytest.raises(PreconditionMissing):
        await update(world, customer, city="Chengdu", etag="")


async def test_of_two_updates_with_one_etag_one_is_refused(world):
    customer = await world.customer()

    answers = await asyncio.gather(
        *(update(world, customer, city=city) for city in ("Wuhan", "Dalian")), return_exceptions=True
    )

    assert sorted(type(answer).__name__ for answer in answers) in (
        ["Conflict", "Customer"],
        ["Customer", "Stale"],
    )


async def test_the_credit_limit_is_for_those_who_may_see_it(world):
    person = await world.hire()
    rep = world.as_staff(person, full_scope=True)
    limit = Money(currency="CNY", amount="500000.00")
    customer = await world.customer(credit_limit=limit)

    assert (await world.get_customer(customer.id)).credit_limit == limit
    assert (await world.get_customer(customer.id, rep)).credit_limit is None
    with pytest.raises(Forbidden):
        await update(world, customer, by=rep, credit_limit=Money(currency="CNY", amount="1.00"))


@pytest.mark.capability("CUS-13")
async def test_a_customer_goes_through_its_life_only_on_legal_ways(world, service):
    customer = await world.customer()
    for stage in (
        LifecycleStage.QUALIFIED,
        LifecycleStage.ACTIVE,
        LifecycleStage.AT_RISK,
        LifecycleStage.LOST,
        LifecycleStage.WON_BACK,
    ):
        for other in LifecycleStage:
            if other and other not in TRANSITIONS[customer.lifecycle_stage]:
                with pytest.raises(Invalid) as refused:
                    await change_stage(world, customer, other)
                assert refused.value.reason == "ILLEGAL_TRANSITION"
        customer = await change_stage(world, customer, stage)
        assert customer.lifecycle_stage is stage

    request = rpc.ListLifecycleChangesRequest(customer_id=customer.id)
    history = (await world.call(API, "list_lifecycle_changes", request)).lifecycle_changes
    assert [change.to_stage.name for change in history] == [
        "WON_BACK",
        "LOST",
        "AT_RISK",
        "ACTIVE",
        "QUALIFIED",
        "PROSPECT",
    ]
    assert all(
        change.seconds_in_stage >= 0 and change.changed_by == world.admin.person_id for change in history
    )
    changed = await service.events(events.CustomerLifecycleStageChanged)
    assert [each.change.to_stage.name for each in changed if each.customer.id == customer.id][
        -1
    ] == "WON_BACK"


async def test_a_transfer_takes_along_what_the_same_owner_has_below(world, service):
    old, new, other = [await world.hire() for _ in range(3)]
    top = await world.customer(owner_id=old.id)
    mine = await world.customer(top.id, owner_id=old.id)
    foreign = await world.customer(top.id, owner_id=other.id)
    contact = await world.contact(mine.id)

    request = rpc.TransferCustomerOwnerRequest(
        customer_id=top.id, owner_id=new.id, include_descendants=True, reason="leaves", etag=top.etag
    )
    moved = await world.call(API, "transfer_customer_owner", request)

    assert moved.owner_id == new.id
    assert (await world.get_customer(mine.id)).owner_id == new.id
    assert (await world.get_customer(foreign.id)).owner_id == other.id
    facts = [
        each for each in await service.events(events.CustomerOwnerTransferred) if each.reason == "leaves"
    ]
    assert {(each.customer.id, each.previous_owner_id) for each in facts} == {
        (top.id, old.id),
        (mine.id, old.id),
    }
    found = await world.listed(f'owner_id = "{new.id}"', world.as_staff(new))
    assert found == {top.id, mine.id}
    from facet_contracts.facet.customer.v1.contact_service_pb import GetContactRequest

    seen = await world.call(
        "ContactService", "get_contact", GetContactRequest(contact_id=contact.id), world.as_staff(new)
    )
    assert seen.id == contact.id
    with pytest.raises(Conflict):
        await world.call(
            API,
            "transfer_customer_owner",
            rpc.TransferCustomerOwnerRequest(customer_id=top.id, owner_id=new.id, etag=moved.etag),
        )


async def test_a_customer_out_of_use_changes_no_stage_until_it_is_back(world):
    customer = await world.customer()
    request = rpc.DeactivateCustomerRequest(customer_id=customer.id, etag=customer.etag)
    gone = await world.call(API, "deactivate_customer", request)

    assert gone.status is CustomerStatus.INACTIVE
    with pytest.raises(Conflict):
        await change_stage(world, gone, LifecycleStage.QUALIFIED)
    with pytest.raises(Conflict):
        await world.call(
            API, "deactivate_customer", rpc.DeactivateCustomerRequest(customer_id=customer.id, etag=gone.etag)
        )
    back = await world.call(
        API, "reactivate_customer", rpc.ReactivateCustomerRequest(customer_id=customer.id, etag=gone.etag)
    )
    assert back.status is CustomerStatus.ACTIVE


async def test_lists_filter_order_and_page_without_loss(world):
    department = await world.department()
    made = [await world.customer(department_id=department.id, display_name=f"Page {n:02}") for n in range(7)]
    names, token = [], ""
    while True:
        request = rpc.ListCustomersRequest(
            filter=f'department_id = "{department.id}"',
            order_by="display_name desc",
            page_size=3,
            page_token=token,
        )
        answer = await world.call(API, "list_customers", request)
        names += [customer.display_name for customer in answer.customers]
        token = answer.next_page_token
        if not token:
            break
    assert names == sorted((customer.display_name for customer in made), reverse=True)


async def test_staff_see_their_region_their_department_and_what_they_own(world):
    country, city = await world.region(), None
    city = await world.region(country.id)
    elsewhere, department = await world.region(), await world.department()
    inside = await world.customer(region_id=city.id)
    outside = await world.customer(region_id=elsewhere.id)
    in_department = await world.customer(region_id=elsewhere.id, department_id=department.id)
    person = await world.hire(region_id=elsewhere.id)
    owned = await world.customer(owner_id=person.id, region_id=elsewhere.id)
    ids = {inside.id, outside.id, in_department.id, owned.id}

    assert ids & await world.listed("", a_sales_rep(region_ids=[country.id])) == {inside.id}
    assert ids & await world.listed("", a_sales_rep(department_ids=[department.id])) == {in_department.id}
    assert ids & await world.listed("", world.as_staff(person)) == {owned.id}
    assert await world.listed("", a_sales_rep()) == set()
    with pytest.raises(NotFound):
        await world.get_customer(outside.id, a_sales_rep(region_ids=[country.id]))
    with pytest.raises(NotFound):
        await update(world, outside, by=a_sales_rep(region_ids=[country.id]), city="Lhasa")


async def test_a_customers_user_sees_its_own_group_and_no_inner_fields(world):
    top = await world.customer(description="difficult", relationship_strategy=RelationshipStrategy.MAINTAIN)
    below = await world.customer(top.id)
    other = await world.customer()
    user = a_principal("customer", group_id=top.id)

    assert await world.listed("", user) == {top.id, below.id}
    seen = await world.get_customer(top.id, user)
    assert seen.display_name == top.display_name
    assert (seen.description, seen.relationship_strategy) == ("", RelationshipStrategy.UNSPECIFIED)
    with pytest.raises(NotFound):
        await world.get_customer(other.id, user)
    with pytest.raises(Invalid):
        await world.listed("relationship_strategy = MAINTAIN", user)


async def test_a_partner_sees_itself(world):
    partner = await world.customer(roles=[CustomerRole.PARTNER])
    await world.customer()
    assert await world.listed("", a_principal("partner", channel_id=partner.id)) == {partner.id}


async def test_a_retry_with_the_same_key_creates_one_customer(world):
    request = rpc.CreateCustomerRequest(
        customer=pb.Customer(display_name="Once", kind=CustomerKind.ORGANISATION, source="retry test")
    )
    first = await world.call(API, "create_customer", request, idempotency_key="create-once")
    second = await world.call(API, "create_customer", request, idempotency_key="create-once")

    assert first == second
    assert await world.listed('source = "retry test"') == {first.id}


async def test_private_customers_are_counted_by_region(world):
    north, south = await world.region(display_name="North"), await world.region(display_name="South")
    for region, number in ((north, 3), (south, 1)):
        for _ in range(number):
            await world.customer(kind=CustomerKind.PERSON, region_id=region.id, source="pie")
    await world.customer(region_id=south.id, source="pie")

    request = rpc.CountCustomersByRegionRequest(filter='kind = PERSON AND source = "pie"')
    answer = await world.call(API, "count_customers_by_region", request)

    assert [(each.display_name, each.count) for each in answer.by_region] == [("North", 3), ("South", 1)]
    assert answer.customer_count == 4
