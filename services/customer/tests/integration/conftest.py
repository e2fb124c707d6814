"""The customer service on a real database, and builders of what its tests speak about."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from facet_contracts.facet.customer.v1 import account_team_service_pb as team_rpc
from facet_contracts.facet.customer.v1 import classification_service_pb as class_rpc
from facet_contracts.facet.customer.v1 import contact_service_pb as contact_rpc
from facet_contracts.facet.customer.v1 import customer_service_pb as customer_rpc
from facet_contracts.facet.customer.v1 import department_service_pb as department_rpc
from facet_contracts.facet.customer.v1 import region_service_pb as region_rpc
from facet_contracts.facet.customer.v1 import resources_pb as pb
from facet_contracts.facet.customer.v1 import staff_service_pb as staff_rpc
from facet_contracts.facet.customer.v1.resources_pb import CustomerKind
from facet_customer.main import build
from facet_customer.settings import Settings
from facet_kit.principal import Principal
from facet_kit.testing.harness import ServiceHarness, service_fixtures
from facet_kit.testing.principals import a_principal, an_administrator

globals().update(service_fixtures("facet_customer", build, Settings))

_NUMBERS = itertools.count(1)


class World:
    """Makes departments, regions, staff, customers and so on through the service's own methods."""

    def __init__(self, service: ServiceHarness) -> None:
        self.service = service
        self.admin = an_administrator()
        self._home: tuple[str, str] | None = None

    async def call(
        self, api: str, rpc: str, request: Any, principal: Principal | None = None, **options: Any
    ) -> Any:
        return await self.service.call(api, rpc, request, principal=principal or self.admin, **options)

    async def department(self, under: str = "", **fields: Any) -> pb.Department:
        values = {"code": f"D{next(_NUMBERS)}", "display_name": "Department", "parent_id": under} | fields
        request = department_rpc.CreateDepartmentRequest(department=pb.Department(**values))
        return await self.call("DepartmentService", "create_department", request)

    async def region(self, under: str = "", **fields: Any) -> pb.Region:
        values = {"code": f"R{next(_NUMBERS)}", "display_name": "Region", "parent_id": under} | fields
        return await self.call(
            "RegionService", "create_region", region_rpc.CreateRegionRequest(region=pb.Region(**values))
        )

    async def home(self) -> tuple[str, str]:
        """A department and a region where it does not matter which."""
        if self._home is None:
            self._home = ((await self.department()).id, (await self.region()).id)
        return self._home

    async def hire(self, role: str = "sales_rep", **fields: Any) -> pb.Staff:
        department, region = await self.home()
        values = {
            "display_name": f"Person {next(_NUMBERS)}",
            "email": f"person{next(_NUMBERS)}@facet.example",
            "department_id": department,
            "region_id": region,
            "roles": [role],
        } | fields
        return await self.call(
            "StaffService", "hire_staff", staff_rpc.HireStaffRequest(staff=pb.Staff(**values))
        )

    async def customer(self, under: str = "", *, by: Principal | None = None, **fields: Any) -> pb.Customer:
        values = {
            "display_name": f"Customer {next(_NUMBERS)}",
            "kind": CustomerKind.ORGANISATION,
            "parent_id": under,
        } | fields
        request = customer_rpc.CreateCustomerRequest(customer=pb.Customer(**values))
        return await self.call("CustomerService", "create_customer", request, by)

    async def get_customer(self, customer_id: str, by: Principal | None = None) -> pb.Customer:
        request = customer_rpc.GetCustomerRequest(customer_id=customer_id)
        return await self.call("CustomerService", "get_customer", request, by)

    async def listed(self, filter: str, by: Principal | None = None) -> set[str]:
        """Ids of the customers that a filter selects."""
        request = customer_rpc.ListCustomersRequest(filter=filter, page_size=200)
        answer = await self.call("CustomerService", "list_customers", request, by)
        return {customer.id for customer in answer.customers}

    async def contact(
        self, customer_id: str, *, since: str = "2020-01-01", by: Principal | None = None, **fields: Any
    ) -> pb.Contact:
        affiliation = pb.Affiliation(
            customer_id=customer_id, title=fields.pop("title", "Buyer"), valid_from=since
        )
        values = {"display_name": f"Contact {next(_NUMBERS)}", "affiliation": affiliation} | fields
        request = contact_rpc.CreateContactRequest(contact=pb.Contact(**values))
        return await self.call("ContactService", "create_contact", request, by)

    async def dimension(self, **fields: Any) -> pb.ClassificationDimension:
        values = {"code": f"dimension_{next(_NUMBERS)}", "display_name": "Dimension"} | fields
        request = class_rpc.CreateClassificationDimensionRequest(
            dimension=pb.ClassificationDimension(**values)
        )
        return await self.call("ClassificationService", "create_classification_dimension", request)

    async def node(self, dimension_id: str, under: str = "", **fields: Any) -> pb.ClassificationNode:
        values = {
            "code": f"N{next(_NUMBERS)}",
            "display_name": f"Node {next(_NUMBERS)}",
            "parent_id": under,
        } | fields
        request = class_rpc.CreateClassificationNodeRequest(
            dimension_id=dimension_id, node=pb.ClassificationNode(**values)
        )
        return await self.call("ClassificationService", "create_classification_node", request)

    async def classify(self, customer_id: str, node_id: str, **fields: Any) -> pb.CustomerClassification:
        classification = pb.CustomerClassification(node_id=node_id, **fields)
        request = class_rpc.ClassifyCustomerRequest(customer_id=customer_id, classification=classification)
        return await self.call("ClassificationService", "classify_customer", request)

    async def team_member(
        self, customer_id: str, staff_id: str, *, by: Principal | None = None
    ) -> pb.AccountTeamMember:
        member = pb.AccountTeamMember(staff_id=staff_id, role="service engineer")
        request = team_rpc.AddAccountTeamMemberRequest(customer_id=customer_id, account_team_member=member)
        return await self.call("AccountTeamService", "add_account_team_member", request, by)

    def as_staff(self, person: pb.Staff, **fields: Any) -> Principal:
        """The person as a caller who sees nothing but what is given here."""
        return a_principal(
            person.roles[0],
            id=person.id,
            person_id=person.id,
            department_id=person.department_id,
            region_id=person.region_id,
            **fields,
        )


@pytest.fixture
def world(service: ServiceHarness) -> World:
    """Builders on the service of this module."""
    return World(service)
