"""Staff, and who a sign-in is."""

from __future__ import annotations

import asyncio

import pytest
from protobuf.wkt import FieldMask

from facet_contracts.facet.customer.v1 import directory_service_pb as directory
from facet_contracts.facet.customer.v1 import events_pb as events
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_contracts.facet.customer.v1 import staff_service_pb as rpc
from facet_contracts.facet.customer.v1.resources_pb import CustomerRole, PrincipalKind
from facet_kit.errors import Conflict, Forbidden, Invalid, NotFound, Stale
from facet_kit.refs import StaffRef
from facet_kit.testing.principals import a_principal, an_executive

API = "StaffService"


async def update(world, person, **fields):
    request = rpc.UpdateStaffRequest(
        staff=pb.Staff(id=person.id, **fields), update_mask=FieldMask(paths=list(fields)), etag=person.etag
    )
    return await world.call(API, "update_staff", request)


async def resolve(world, subject, by=None):
    request = directory.ResolvePrincipalRequest(issuer="https://issuer.example", subject=subject)
    return await world.call("DirectoryService", "resolve_principal", request, by or a_principal("system"))


async def test_a_hired_person_is_known_to_every_service(world, service):
    boss, mentor = await world.hire("sales_manager"), await world.hire()
    person = await world.hire(
        manager_id=boss.id, mentor_id=mentor.id, phone="13812345678", email="Wang.Fang@Facet.Example"
    )

    assert person.active
    assert (person.email, person.phone) == ("wang.fang@facet.example", "+8613812345678")
    hired = [each.staff for each in await service.events(events.StaffHired)]
    assert hired[-1] == person
    async with service.session() as session:
        ref = await session.get_one(StaffRef, person.id)
    assert (ref.manager_id, ref.roles, ref.active) == (boss.id, ["sales_rep"], True)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"roles": ["wizard"]}, "staff.roles"),
        ({"roles": ["system"]}, "staff.roles"),
        ({"roles": []}, "staff.roles"),
        ({"department_id": "nowhere"}, "staff.department_id"),
        ({"scope_region_ids": ["nowhere"]}, "staff.scope_region_ids"),
        ({"manager_id": "nobody"}, "staff.manager_id"),
        ({"mentor_id": "nobody"}, "staff.mentor_id"),
        ({"phone": "call me"}, "staff.phone"),
        ({"display_name": ""}, "staff.display_name"),
    ],
)
async def test_a_wrong_field_is_refused_by_name(world, fields, field):
    with pytest.raises(Invalid) as refused:
        await world.hire(**fields)
    assert field in [violation.field for violation in refused.value.violations]


async def test_an_email_address_belongs_to_one_person(world):
    await world.hire(email="one@facet.example")
    with pytest.raises(Conflict) as refused:
        await world.hire(email="ONE@facet.example")
    assert refused.value.reason == "EMAIL_TAKEN"


async def test_the_line_of_managers_never_closes_a_ring(world):
    top = await world.hire()
    middle = await world.hire(manager_id=top.id)
    low = await world.hire(manager_id=middle.id)
    with pytest.raises(Conflict):
        await update(world, top, manager_id=low.id)
    with pytest.raises(Invalid):
        await update(world, top, manager_id=top.id)
    one, two = await world.hire(), await world.hire()
    answers = await asyncio.gather(
        update(world, one, manager_id=two.id), update(world, two, manager_id=one.id), return_exceptions=True
    )
    assert sum(isinstance(each, Exception) for each in answers) == 1


async def test_who_has_left_signs_in_no_more_and_owns_nothing_new(world, service):
    person = await world.hire()
    gone = await world.call(
        API, "deactivate_staff", rpc.DeactivateStaffRequest(staff_id=person.id, etag=person.etag)
    )

    assert not gone.active
    assert not (await resolve(world, person.email)).active
    with pytest.raises(Invalid):
        await world.customer(owner_id=person.id)
    with pytest.raises(Conflict):
        await world.call(
            API, "deactivate_staff", rpc.DeactivateStaffRequest(staff_id=person.id, etag=gone.etag)
        )
    assert [each.staff.id for each in await service.events(events.StaffDeactivated)] == [person.id]
    back = await world.call(
        API, "reactivate_staff", rpc.ReactivateStaffRequest(staff_id=person.id, etag=gone.etag)
    )
    assert back.active
    assert (await resolve(world, person.email)).active


async def test_a_stale_etag_is_refused(world):
    person = await world.hire()
    await update(world, person, title="Head of sales")
    with pytest.raises(Stale):
        await update(world, person, title="Trainee")


async def test_staff_are_listed_by_region_subtree_and_role(world):
    top = await world.region()
    city = await world.region(top.id)
    rep = await world.hire(region_id=city.id)
    agent = await world.hire("service_agent", region_id=city.id)

    async def listed(filter):
        answer = await world.call(API, "list_staff", rpc.ListStaffRequest(filter=filter))
        return {each.id for each in answer.staff}

    assert await listed(f'descendants(region_id, "{top.id}")') == {rep.id, agent.id}
    assert await listed(f'descendants(region_id, "{top.id}") AND roles:service_agent AND active = true') == {
        agent.id
    }


async def test_a_sign_in_of_staff_gets_the_grants_of_its_roles_or_its_own(world):
    department, region = await world.department(), await world.region()
    place = {"department_id": department.id, "region_id": region.id}
    rep = await resolve(world, (await world.hire(**place)).email.upper())
    agent = await resolve(world, (await world.hire("service_agent", **place)).email)
    manager = await resolve(world, (await world.hire("key_account_manager", **place)).email)
    finance = await resolve(world, (await world.hire("finance", **place)).email)
    granted = await resolve(world, (await world.hire("finance", scope_region_ids=[region.id], **place)).email)

    assert (rep.kind, rep.roles, rep.active) == (PrincipalKind.STAFF, ["sales_rep"], True)
    assert (rep.region_ids, rep.department_ids, rep.full_scope) == ([region.id], [], False)
    assert (agent.region_ids, agent.department_ids) == ([region.id], [department.id])
    assert (manager.region_ids, manager.department_ids, manager.full_scope) == ([], [], False)
    assert finance.full_scope
    assert (granted.region_ids, granted.full_scope) == ([region.id], False)


async def test_a_sign_in_of_a_contact_sees_the_group_of_its_employer(world):
    top = await world.customer()
    below = await world.customer(top.id)
    contact = await world.contact(below.id, portal_subject="Li@Customer.example")

    found = await resolve(world, "li@customer.example")

    assert (found.person_id, found.kind, found.roles) == (contact.id, PrincipalKind.CUSTOMER, ["customer"])
    assert (found.group_id, found.channel_id, found.active) == (top.id, "", True)


async def test_a_sign_in_of_a_distributor_sees_its_channel(world):
    distributor = await world.customer(roles=[CustomerRole.DISTRIBUTOR])
    await world.contact(distributor.id, portal_subject="zhao@channel.example")

    found = await resolve(world, "zhao@channel.example")

    assert (found.kind, found.roles) == (PrincipalKind.PARTNER, ["partner"])
    assert (found.group_id, found.channel_id) == ("", distributor.id)


async def test_nobody_is_404_and_only_the_system_may_ask(world):
    with pytest.raises(NotFound):
        await resolve(world, "nobody@facet.example")
    for caller in (an_executive(), a_principal("sales_manager"), a_principal("key_account_manager")):
        with pytest.raises(Forbidden):
            await resolve(world, "nobody@facet.example", caller)


async def test_a_subject_belongs_to_one_person(world):
    customer, person = await world.customer(), await world.hire()
    await world.contact(customer.id, portal_subject="twice@customer.example")
    for subject in ("TWICE@customer.example", person.email):
        with pytest.raises(Conflict):
            await world.contact(customer.id, portal_subject=subject)
