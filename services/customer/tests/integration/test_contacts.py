"""Contacts and the course of their affiliations (CUS-05)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from facet_contracts.facet.customer.v1 import contact_service_pb as rpc
from facet_contracts.facet.customer.v1 import events_pb as events
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_customer.contacts.model import Affiliation
from facet_kit.errors import Conflict, Forbidden, Invalid, NotFound, PreconditionMissing, Stale
from facet_kit.messaging.tables import OutboxRow
from facet_kit.testing.principals import a_principal, a_sales_rep

API = "ContactService"


def day(offset: int) -> str:
    return (datetime.now(UTC).date() + timedelta(days=offset)).isoformat()


async def get(world, contact_id, *, as_of="", by=None):
    return await world.call(API, "get_contact", rpc.GetContactRequest(contact_id=contact_id, as_of=as_of), by)


async def change(world, contact, customer_id, *, on="", etag=None, by=None):
    request = rpc.ChangeAffiliationRequest(
        contact_id=contact.id,
        customer_id=customer_id,
        title="Director",
        effective_date=on,
        etag=contact.etag if etag is None else etag,
    )
    return await world.call(API, "change_affiliation", request, by)


async def affiliation_facts(service, contact_id):
    facts = await service.events(events.ContactAffiliationChanged)
    return [fact for fact in facts if fact.contact.id == contact_id]


async def timer_of(service, contact_id):
    async with service.session() as session:
        query = select(OutboxRow.deliver_at).where(OutboxRow.timer_key == f"contact-affiliation:{contact_id}")
        return (await session.execute(query)).scalar_one_or_none()


async def make_due(service, contact, offset_days):
    """Lets days pass for a contact: shifts what is planned for tomorrow into the past."""
    async with service.session() as session:
        query = select(Affiliation).where(Affiliation.contact_id == contact.id)
        for each in (await session.execute(query)).scalars():
            each.valid_from -= timedelta(days=offset_days)
            if each.valid_to:
                each.valid_to -= timedelta(days=offset_days)
        await session.commit()


async def test_a_new_contact_works_for_its_first_employer(world, service):
    customer = await world.customer()
    contact = await world.contact(customer.id, phones=["021-68888888"], emails=["A@B.cn"], title="Buyer")

    assert contact.customer_id == customer.id
    assert (contact.affiliation.customer_id, contact.affiliation.title) == (customer.id, "Buyer")
    assert contact.affiliation.primary
    assert contact.affiliations == [contact.affiliation]
    assert (contact.phones, contact.emails) == (["+862168888888"], ["a@b.cn"])
    created = [each.contact for each in await service.events(events.ContactCreated)]
    assert created[-1] == contact
    assert await affiliation_facts(service, contact.id) == []


async def test_a_job_move_keeps_history_and_tells_everybody(world, service):
    old, new = await world.customer(), await world.customer()
    contact = await world.contact(old.id, since="2020-01-01")

    moved = await change(world, contact, new.id, on=day(0))

    assert moved.customer_id == new.id
    assert moved.affiliation.title == "Director"
    assert [(each.customer_id, each.valid_to) for each in moved.affiliations] == [
        (new.id, ""),
        (old.id, day(0)),
    ]
    assert (await get(world, contact.id, as_of=day(-1))).affiliation.customer_id == old.id
    assert (await get(world, contact.id, as_of=day(0))).affiliation.customer_id == new.id
    assert (await get(world, contact.id, as_of="2019-12-31")).affiliation is None
    [fact] = await affiliation_facts(service, contact.id)
    assert (fact.ended.customer_id, fact.started.customer_id) == (old.id, new.id)
    assert fact.contact == moved


async def test_a_move_planned_for_another_day_takes_effect_then(world, service):
    old, new = await world.customer(), await world.customer()
    contact = await world.contact(old.id)

    planned = await change(world, contact, new.id, on=day(3))

    assert planned.customer_id == old.id
    assert await affiliation_facts(service, contact.id) == []
    assert await timer_of(service, contact.id) == datetime.combine(
        date.fromisoformat(day(3)), datetime.min.time(), UTC
    )

    await service.deliver(events.ContactAffiliationDue(contact_id=contact.id), aggregate_id="x", version=0)
    assert (await get(world, contact.id)).customer_id == old.id

    await make_due(service, contact, 3)
    due = events.ContactAffiliationDue(contact_id=contact.id)
    event_id = await service.deliver(due, aggregate_id="x", version=0)
    await service.deliver(due, aggregate_id="x", version=0, event_id=event_id)
    await service.deliver(due, aggregate_id="x", version=0)

    assert (await get(world, contact.id)).customer_id == new.id
    [fact] = await affiliation_facts(service, contact.id)
    assert (fact.ended.customer_id, fact.started.customer_id) == (old.id, new.id)


async def test_a_move_follows_who_sees_the_new_employer(world):
    here, there = await world.region(), await world.region()
    old, new = await world.customer(region_id=here.id), await world.customer(region_id=there.id)
    contact = await world.contact(old.id)
    await change(world, contact, new.id)

    assert (await get(world, contact.id, by=a_sales_rep(region_ids=[there.id]))).id == contact.id
    with pytest.raises(NotFound):
        await get(world, contact.id, by=a_sales_rep(region_ids=[here.id]))


async def test_main_affiliations_never_overlap(world):
    old, new, third = [await world.customer() for _ in range(3)]
    contact = await world.contact(old.id, since="2020-01-01")
    planned = await change(world, contact, new.id, on=day(10))

    with pytest.raises(Invalid) as refused:
        await change(world, planned, third.id, on=day(5))
    assert refused.value.reason == "AFFILIATION_OVERLAP"
    with pytest.raises(Invalid):
        await change(world, planned, third.id, on="2020-01-01")
    add = rpc.AddAffiliationRequest(
        contact_id=contact.id,
        affiliation=pb.Affiliation(customer_id=third.id, valid_from="2019-06-01", valid_to="2020-02-01"),
        primary=True,
        etag=planned.etag,
    )
    with pytest.raises(Invalid):
        await world.call(API, "add_affiliation", add)


async def test_earlier_jobs_and_side_jobs_can_be_added(world, service):
    main, side, earlier = [await world.customer() for _ in range(3)]
    contact = await world.contact(main.id, since="2020-01-01")
    past = pb.Affiliation(customer_id=earlier.id, valid_from="2015-01-01", valid_to="2020-01-01")
    request = rpc.AddAffiliationRequest(
        contact_id=contact.id, affiliation=past, primary=True, etag=contact.etag
    )
    contact = await world.call(API, "add_affiliation", request)
    assert (await get(world, contact.id, as_of="2016-01-01")).affiliation.customer_id == earlier.id
    assert await affiliation_facts(service, contact.id) == []

    request = rpc.AddAffiliationRequest(
        contact_id=contact.id, affiliation=pb.Affiliation(customer_id=side.id), etag=contact.etag
    )
    contact = await world.call(API, "add_affiliation", request)
    assert contact.customer_id == main.id
    [fact] = await affiliation_facts(service, contact.id)
    assert (fact.ended, fact.started.customer_id, fact.started.primary) == (None, side.id, False)


async def test_a_contact_can_leave_without_a_next_job(world, service):
    customer = await world.customer()
    contact = await world.contact(customer.id)
    request = rpc.EndAffiliationRequest(
        contact_id=contact.id, affiliation_id=contact.affiliation.id, etag=contact.etag
    )
    left = await world.call(API, "end_affiliation", request)

    assert (left.customer_id, left.affiliation) == ("", None)
    [fact] = await affiliation_facts(service, contact.id)
    assert (fact.ended.customer_id, fact.started) == (customer.id, None)
    again = rpc.EndAffiliationRequest(
        contact_id=contact.id, affiliation_id=contact.affiliation.id, etag=left.etag
    )
    with pytest.raises(Conflict):
        await world.call(API, "end_affiliation", again)
    unknown = rpc.EndAffiliationRequest(contact_id=contact.id, affiliation_id="none", etag=left.etag)
    with pytest.raises(NotFound):
        await world.call(API, "end_affiliation", unknown)


async def test_a_move_needs_the_present_etag(world):
    old, new = await world.customer(), await world.customer()
    contact = await world.contact(old.id)
    with pytest.raises(PreconditionMissing):
        await change(world, contact, new.id, etag="")
    await change(world, contact, new.id)
    with pytest.raises(Stale):
        await change(world, contact, old.id)


async def test_a_contact_without_an_employer_is_refused(world):
    request = rpc.CreateContactRequest(contact=pb.Contact(display_name="Nobody's"))
    with pytest.raises(Invalid) as refused:
        await world.call(API, "create_contact", request)
    assert refused.value.violations[0].field == "contact.affiliation"


async def test_an_employer_outside_the_callers_sight_is_unknown(world):
    here, there = await world.region(), await world.region()
    hidden = await world.customer(region_id=there.id)
    with pytest.raises(Invalid):
        await world.contact(hidden.id, by=a_sales_rep(region_ids=[here.id]))


async def test_an_update_keeps_affiliations(world, service):
    customer = await world.customer()
    contact = await world.contact(customer.id)
    request = rpc.UpdateContactRequest(
        contact=pb.Contact(id=contact.id, display_name="欧阳娜娜", emails=["Nana@Example.com"]),
        etag=contact.etag,
    )
    changed = await world.call(API, "update_contact", request)

    assert (changed.display_name, changed.emails) == ("欧阳娜娜", ["nana@example.com"])
    assert changed.affiliations == contact.affiliations
    updated = [each for each in await service.events(events.ContactUpdated) if each.contact.id == contact.id]
    assert updated[-1].changed == ["display_name", "emails"]


async def test_an_empty_scope_sees_no_contact(world):
    await world.contact((await world.customer()).id)
    answer = await world.call(API, "list_contacts", rpc.ListContactsRequest(), a_sales_rep())
    assert answer.contacts == []


async def test_contacts_of_a_whole_group_are_listed(world):
    top = await world.customer()
    below = await world.customer(top.id)
    expected = {(await world.contact(each.id)).id for each in (top, below, below)}
    await world.contact((await world.customer()).id)
    request = rpc.ListContactsRequest(filter=f'descendants(group, "{top.id}")')
    answer = await world.call(API, "list_contacts", request)
    assert {each.id for each in answer.contacts} == expected
    assert all(each.affiliation and not each.affiliations for each in answer.contacts)


async def test_a_customers_user_sees_colleagues_without_numbers_and_history(world):
    customer = await world.customer()
    contact = await world.contact(customer.id, phones=["13812345678"], portal_subject="own@customer.example")
    user = a_principal("customer", group_id=customer.id)

    seen = await get(world, contact.id, by=user)

    assert seen.display_name == contact.display_name
    assert (seen.phones, seen.portal_subject, seen.affiliations) == ([], "", [])
    with pytest.raises(Forbidden):
        await get(world, contact.id, as_of="2021-01-01", by=user)


async def test_a_contact_follows_the_region_of_its_employer(world):
    here, there = await world.region(), await world.region()
    customer = await world.customer(region_id=here.id)
    contact = await world.contact(customer.id)
    from facet_contracts.facet.customer.v1.customer_service_pb import UpdateCustomerRequest

    request = UpdateCustomerRequest(
        customer=pb.Customer(id=customer.id, region_id=there.id), etag=customer.etag
    )
    await world.call("CustomerService", "update_customer", request)

    assert (await get(world, contact.id, by=a_sales_rep(region_ids=[there.id]))).id == contact.id
    with pytest.raises(NotFound):
        await get(world, contact.id, by=a_sales_rep(region_ids=[here.id]))
