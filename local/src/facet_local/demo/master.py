"""Tells the customer and sales services what stands before any business: organisation, products, accounts, people."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

from protobuf import Message

from facet_contracts.facet.customer.v1.account_team_service_pb import AddAccountTeamMemberRequest
from facet_contracts.facet.customer.v1.account_team_service_pb_grpc import AccountTeamServiceClient
from facet_contracts.facet.customer.v1.classification_service_pb import (
    ClassifyCustomerRequest,
    CreateClassificationDimensionRequest,
    CreateClassificationNodeRequest,
)
from facet_contracts.facet.customer.v1.classification_service_pb_grpc import ClassificationServiceClient
from facet_contracts.facet.customer.v1.contact_service_pb import CreateContactRequest
from facet_contracts.facet.customer.v1.contact_service_pb_grpc import ContactServiceClient
from facet_contracts.facet.customer.v1.customer_service_pb import (
    ChangeLifecycleStageRequest,
    CreateCustomerRequest,
)
from facet_contracts.facet.customer.v1.customer_service_pb_grpc import CustomerServiceClient
from facet_contracts.facet.customer.v1.department_service_pb import CreateDepartmentRequest
from facet_contracts.facet.customer.v1.department_service_pb_grpc import DepartmentServiceClient
from facet_contracts.facet.customer.v1.region_service_pb import CreateRegionRequest
from facet_contracts.facet.customer.v1.region_service_pb_grpc import RegionServiceClient
from facet_contracts.facet.customer.v1.resources_pb import (
    AccountTeamMember,
    Affiliation,
    ClassificationDimension,
    ClassificationNode,
    Contact,
    Customer,
    CustomerClassification,
    CustomerKind,
    CustomerRole,
    Department,
    LifecycleStage,
    Region,
    RelationshipStrategy,
    Staff,
)
from facet_contracts.facet.customer.v1.staff_service_pb import HireStaffRequest
from facet_contracts.facet.customer.v1.staff_service_pb_grpc import StaffServiceClient
from facet_contracts.facet.sales.v1.catalog_service_pb import (
    CreateProductCategoryRequest,
    CreateProductRequest,
)
from facet_contracts.facet.sales.v1.catalog_service_pb_grpc import CatalogServiceClient
from facet_contracts.facet.sales.v1.resources_pb import Product, ProductCategory
from facet_contracts.facet.type.v1.money_pb import Money
from facet_local.demo.desk import Desk, M, Rpc
from facet_local.demo.enterprise import CATEGORIES, CHANNELS, DEPARTMENTS, SIZES, Account, Enterprise, Group
from facet_local.demo.reference import REGIONS

_PATH = (LifecycleStage.QUALIFIED, LifecycleStage.ACTIVE)


class Master:
    """Loads master data; what it made is in the desk's directory."""

    def __init__(self, desk: Desk, enterprise: Enterprise, start: datetime) -> None:
        self._desk = desk
        self._enterprise = enterprise
        self._start = start
        self._people = {person.key: person for person in enterprise.people}

    async def organisation(self) -> None:
        """Departments, regions with their cities, staff: managers before those they manage."""
        ids = self._desk.directory
        departments = self._desk.client("customer", DepartmentServiceClient)
        regions = self._desk.client("customer", RegionServiceClient)
        staff = self._desk.client("customer", StaffServiceClient)
        for code, name, _ in DEPARTMENTS:
            wanted = CreateDepartmentRequest(department=Department(code=code, display_name=name))
            ids.departments[code] = (await self._set_up(departments.create_department, wanted)).id
        for number, (name, cities) in enumerate(REGIONS.items(), start=1):
            region = Region(code=f"R{number}", display_name=name)
            ids.regions[name] = (
                await self._set_up(regions.create_region, CreateRegionRequest(region=region))
            ).id
            for position, city in enumerate(cities, start=1):
                child = Region(code=f"R{number}-{position}", display_name=city, parent_id=ids.regions[name])
                ids.regions[city] = (
                    await self._set_up(regions.create_region, CreateRegionRequest(region=child))
                ).id
        for person in self._enterprise.people:
            hired = Staff(
                display_name=person.name,
                email=person.email,
                department_id=ids.departments[person.department],
                region_id=ids.regions[person.city],
                manager_id=ids.staff.get(person.manager, ""),
                mentor_id=ids.staff.get(person.mentor, ""),
                roles=[person.role],
                scope_region_ids=[ids.regions[person.region]] if person.role == "sales_rep" else [],
                full_scope=person.department == "service",  # whoever calls is served, wherever he is
                hire_date=person.hired.isoformat(),
            )
            ids.staff[person.key] = (await self._set_up(staff.hire_staff, HireStaffRequest(staff=hired))).id

    async def classification(self) -> None:
        """Three trees: industry, size, channel."""
        client = self._desk.client("customer", ClassificationServiceClient)
        industries = [(i.code, i.name, i.parent) for i in self._enterprise.industries]
        flat = {"size": ("规模", SIZES), "channel": ("渠道", CHANNELS)}
        trees = {"industry": ("行业", industries)}
        trees |= {
            code: (name, [(key, label, "") for key, label in nodes]) for code, (name, nodes) in flat.items()
        }
        for code, (name, nodes) in trees.items():
            dimension = ClassificationDimension(code=code, display_name=name)
            request = CreateClassificationDimensionRequest(dimension=dimension)
            made = await self._set_up(client.create_classification_dimension, request)
            for key, label, parent in nodes:
                parent_id = self._desk.directory.nodes.get(f"{code}:{parent}", "")
                node = ClassificationNode(code=key, display_name=label, parent_id=parent_id)
                wanted = CreateClassificationNodeRequest(dimension_id=made.id, node=node)
                created = await self._set_up(client.create_classification_node, wanted)
                self._desk.directory.nodes[f"{code}:{key}"] = created.id

    async def products(self) -> None:
        """The product tree."""
        client = self._desk.client("sales", CatalogServiceClient)
        categories: dict[str, str] = {}
        root = ProductCategory(display_name="产品")
        top = await self._set_up(
            client.create_product_category, CreateProductCategoryRequest(product_category=root)
        )
        for name in CATEGORIES:
            category = ProductCategory(display_name=name, parent_id=top.id)
            request = CreateProductCategoryRequest(product_category=category)
            categories[name] = (await self._set_up(client.create_product_category, request)).id
        for product in self._enterprise.products:
            wanted = Product(
                model_code=product.model_code,
                display_name=product.name,
                category_id=categories[product.category],
                unit="台" if product.serviceable else "套",
                list_price=Money(currency="CNY", amount=format(product.price, ".2f")),
                serviceable=product.serviceable,
            )
            made = await self._set_up(client.create_product, CreateProductRequest(product=wanted))
            self._desk.directory.products[product.model_code] = made.id

    async def accounts(self, done: asyncio.Queue[None]) -> None:
        """All groups, side by side; puts a token into `done` for each."""
        async with asyncio.TaskGroup() as tasks:
            for group in self._enterprise.groups:
                tasks.create_task(self._group(group, done))

    async def _group(self, group: Group, done: asyncio.Queue[None]) -> None:
        teams = self._desk.client("customer", AccountTeamServiceClient)
        for account in group.accounts:
            await self._account(account, key_account=account is group.root)
        member = AccountTeamMember(
            staff_id=self._desk.directory.staff[group.manager], role="KEY_ACCOUNT_MANAGER"
        )
        root_id = self._desk.directory.customers[group.root.key]
        request = AddAccountTeamMemberRequest(customer_id=root_id, account_team_member=member)
        await self._set_up(teams.add_account_team_member, request)
        done.put_nowait(None)

    async def _account(self, account: Account, *, key_account: bool) -> None:
        ids = self._desk.directory
        client = self._desk.client("customer", CustomerServiceClient)
        owner = self._people[account.owner]
        made_at = self._start - timedelta(days=30)
        customer = Customer(
            display_name=account.name,
            kind=CustomerKind.ORGANISATION,
            roles=[CustomerRole.END_CUSTOMER],
            parent_id=ids.customers.get(account.parent, ""),
            department_id=ids.departments[account.department],
            region_id=ids.regions[account.city],
            owner_id=ids.staff[account.owner],
            key_account=key_account,
            relationship_strategy=RelationshipStrategy[account.strategy],
            tax_id=account.tax_id,
            country_code="CN",
            city=account.city,
            employee_count=account.employees,
            credit_limit=Money(currency="CNY", amount=f"{account.employees * 2000}.00"),
            source="demo",
        )
        # Sales people cannot set the credit limit, so this is no call of theirs.
        request = CreateCustomerRequest(customer=customer)
        made = await self._desk.act(client.create_customer, request, by=None, at=made_at)
        ids.customers[account.key] = made.id
        etag = made.etag
        for stage in _PATH[: 2 if account.stage == "ACTIVE" else 1]:
            change = ChangeLifecycleStageRequest(
                customer_id=made.id, stage=stage, reason="demo history", etag=etag
            )
            changed = await self._desk.act(client.change_lifecycle_stage, change, by=owner, at=self._start)
            etag = changed.etag
        await self._classify(account)
        await self._contacts(account)

    async def _classify(self, account: Account) -> None:
        ids = self._desk.directory
        client = self._desk.client("customer", ClassificationServiceClient)
        for node in (f"industry:{account.industry}", f"size:{account.size}", f"channel:{account.channel}"):
            assigned = CustomerClassification(node_id=ids.nodes[node], primary=True)
            customer_id = ids.customers[account.key]
            request = ClassifyCustomerRequest(customer_id=customer_id, classification=assigned)
            await self._set_up(client.classify_customer, request)

    async def _contacts(self, account: Account) -> None:
        ids = self._desk.directory
        client = self._desk.client("customer", ContactServiceClient)
        for person in account.contacts:
            place = Affiliation(
                customer_id=ids.customers[account.key],
                title=person.title,
                valid_from=(self._start.date() - timedelta(days=700)).isoformat(),
            )
            contact = Contact(
                display_name=person.name,
                phones=[person.phone],
                emails=[person.email],
                affiliation=place,
                portal_subject=person.portal,
            )
            made = await self._set_up(client.create_contact, CreateContactRequest(contact=contact))
            ids.contacts[person.key] = made.id

    async def _set_up(self, rpc: Rpc[M], request: Message[Any]) -> M:
        return await self._desk.act(rpc, request, by=None, at=self._start)
