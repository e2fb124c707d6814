"""The demo enterprise as plain values, the same for the same seed: organisation, staff, products, groups, people.

Nothing here calls a service; `master` and the history modules tell it to the platform.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from facet_local.demo.reference import REGIONS, Industry, Reference, read_reference

GROUPS = 62
STAFF = 180
DEPARTMENTS: tuple[tuple[str, str, str], ...] = (
    ("sales", "销售部", "sales_rep"),
    ("key-accounts", "大客户部", "key_account_manager"),
    ("channels", "渠道部", "sales_rep"),
    ("projects", "项目部", "project_manager"),
    ("marketing", "市场部", "marketing_manager"),
    ("service", "客户服务部", "service_agent"),
    ("commerce", "商务部", "commercial_reviewer"),
    ("finance", "财务部", "finance"),
)
SELLING = ("sales", "key-accounts", "channels")
_SHARES = {"sales": 60, "key-accounts": 24, "channels": 24, "projects": 18, "marketing": 10, "service": 28}
_SHARES |= {"commerce": 8, "finance": 8}
SIZES = (("S", "小型"), ("M", "中型"), ("L", "大型"), ("XL", "特大型"))
CHANNELS = (("direct", "直销"), ("agent", "代理"), ("online", "线上"))
CATEGORIES = ("数控设备", "检测仪器", "能源系统", "软件与服务")


@dataclass(frozen=True, slots=True)
class Person:
    """A member of staff; `key` is unique, `region` a region's name, `city` one of its cities."""

    key: str
    name: str
    email: str
    department: str
    region: str
    city: str
    role: str
    manager: str
    mentor: str
    hired: date


@dataclass(frozen=True, slots=True)
class Product:
    """A product with its unique model code and list price in CNY."""

    model_code: str
    name: str
    category: str
    price: Decimal
    serviceable: bool


@dataclass(frozen=True, slots=True)
class Contact:
    """A person at a customer."""

    key: str
    name: str
    title: str
    phone: str
    email: str
    portal: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """A group's root or one of its subsidiaries; `owner` and `department` are staff and department keys."""

    key: str
    name: str
    parent: str
    region: str
    city: str
    department: str
    owner: str
    industry: str
    size: str
    channel: str
    tax_id: str
    employees: int
    strategy: str
    stage: str
    contacts: tuple[Contact, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """A group account: the root first, then its subsidiaries."""

    accounts: tuple[Account, ...]
    manager: str
    """Key of the key-account manager."""

    @property
    def root(self) -> Account:
        return self.accounts[0]


@dataclass(slots=True)
class Enterprise:
    """Everything that stands before any business is done."""

    people: list[Person] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    industries: tuple[Industry, ...] = ()

    def of_role(self, role: str, *, region: str = "") -> list[Person]:
        """Staff with the role, in one region where it is named."""
        return [p for p in self.people if p.role == role and (not region or p.region == region)]


def generate(seed: int = 2026) -> Enterprise:
    """One enterprise: 180 staff in eight departments and six regions, 62 groups with 3 to 40 subsidiaries."""
    maker = _Maker(random.Random(seed), read_reference())
    enterprise = Enterprise(industries=maker.reference.industries)
    enterprise.people = maker.people()
    enterprise.products = maker.products()
    enterprise.groups = [maker.group(number, enterprise) for number in range(GROUPS)]
    return enterprise


class _Maker:
    """Draws from one random source, in a fixed order."""

    def __init__(self, source: random.Random, reference: Reference) -> None:
        self.random = source
        self.reference = reference
        self.regions = list(REGIONS)

    def _name(self) -> str:
        if self.random.random() < 0.06:
            return self.random.choice(self.reference.western_names)
        return self.random.choice(self.reference.surnames) + self.random.choice(self.reference.given_names)

    def people(self) -> list[Person]:
        """Staff by department; the first of a department and region manages the others there, and mentors the last."""
        people = [self._person("executive", "key-accounts", 0, "executive", "", "executive@facet.example")]
        people.append(
            self._person("administrator", "commerce", 0, "administrator", "executive", "admin@facet.example")
        )
        leads: dict[tuple[str, int], str] = {}
        for department, _, role in DEPARTMENTS:
            for number in range(_SHARES[department]):
                region = number % len(self.regions)
                lead = leads.get((department, region), "")
                sign_in = _sign_in(department, number)
                actual = _lead_role(department) if not lead and department != "finance" else role
                if sign_in:
                    actual = role
                key = f"{department}-{number:02d}"
                people.append(
                    self._person(key, department, region, actual, lead or "executive", sign_in, lead)
                )
                leads.setdefault((department, region), key)
        return people[:STAFF]

    def _person(
        self,
        key: str,
        department: str,
        region: int,
        role: str,
        manager: str,
        email: str = "",
        mentor: str = "",
    ) -> Person:
        name = self.regions[region]
        hired = date(2019, 1, 7) + timedelta(days=self.random.randrange(2000))
        city = self.random.choice(REGIONS[name])
        return Person(
            key,
            self._name(),
            email or f"{key}@facet.example",
            department,
            name,
            city,
            role,
            manager,
            mentor,
            hired,
        )

    def products(self) -> list[Product]:
        """Eight products in each category; what is no software is installed at the customer and serviced."""
        return [
            Product(
                f"FX-{line + 1}{number:02d}{chr(65 + number)}",
                f"{category} {line + 1}{number:02d}",
                category,
                Decimal(self.random.randrange(8, 260) * 500),
                category != CATEGORIES[-1],
            )
            for line, category in enumerate(CATEGORIES)
            for number in range(8)
        ]

    def group(self, number: int, enterprise: Enterprise) -> Group:
        """A group: its root, then subsidiaries over several regions, some of them under another subsidiary."""
        name = self.reference.groups[number % len(self.reference.groups)]
        managers = enterprise.of_role("key_account_manager")
        manager = managers[0] if number == 0 else managers[number % len(managers)]
        root = self._account(
            number, 0, f"{name}集团" if _is_chinese(name) else f"{name} Group", "", enterprise, manager
        )
        accounts = [root]
        for position in range(1, _subsidiaries(number, self.random) + 1):
            parent = accounts[self.random.randrange(1, len(accounts))] if position > 6 else root
            accounts.append(self._account(number, position, name, parent.key, enterprise, manager))
        return Group(tuple(accounts), manager.key)

    def _account(
        self, group: int, position: int, name: str, parent: str, enterprise: Enterprise, manager: Person
    ) -> Account:
        region = self.regions[(group + position) % len(self.regions)]
        city = self.random.choice(REGIONS[region])
        department = SELLING[position % len(SELLING)] if position else "key-accounts"
        sellers = [p for p in enterprise.of_role("sales_rep", region=region) if p.department == department]
        owner = self.random.choice(sellers) if position and sellers else manager
        kind = self.random.choice(self.reference.branch_kinds)
        full = (
            name
            if not position
            else f"{name}{city}{kind}有限公司"
            if not name.isascii()
            else f"{name} {city} Co., Ltd."
        )
        key = f"g{group:02d}-{position:02d}"
        divisions = [i.code for i in enterprise.industries if i.parent] or [
            i.code for i in enterprise.industries
        ]
        return Account(
            key=key,
            name=full,
            parent=parent,
            region=region,
            city=city,
            department=department,
            owner=owner.key,
            industry=divisions[(group * 7) % len(divisions)]
            if position % 4
            else self.random.choice(divisions),
            size=SIZES[3 if not position else self.random.randrange(3)][0],
            channel=CHANNELS[0 if position % 5 else 1][0],
            tax_id=f"91{self.random.randrange(10**15, 10**16)}",
            employees=self.random.randrange(40, 9000),
            strategy=self._strategy(group, position),
            stage="ACTIVE" if position % 7 else "QUALIFIED",
            contacts=self._contacts(key, 3 if not position else self.random.randrange(1, 4), group, position),
        )

    def _strategy(self, group: int, position: int) -> str:
        if not position or group < 10:
            return "INVEST"
        return self.random.choices(("INVEST", "MAINTAIN", "DO_NOT_PURSUE"), (3, 6, 1))[0]

    def _contacts(self, account: str, count: int, group: int, position: int) -> tuple[Contact, ...]:
        titles = ("总经理", "采购总监", "技术总工", "信息部长", "财务经理", "设备科长")
        made: list[Contact] = []
        for number in range(count):
            portal = "customer@facet.example" if (group, position, number) == (0, 0, 0) else ""
            key = f"{account}-c{number}"
            phone = f"+861{self.random.choice('3578')}{self.random.randrange(10**8, 10**9)}"
            title = titles[(number + position) % len(titles)]
            made.append(Contact(key, self._name(), title, phone, f"{key}@customer.example", portal))
        return tuple(made)


def _subsidiaries(number: int, source: random.Random) -> int:
    """3 to 40: one very large group, a few large ones, many small ones; the group that is shown first has nine."""
    if number == 0:
        return 9
    if number == 1:
        return 40
    return source.choices((3, 4, 5, 6, 9), (40, 12, 5, 2, 1))[0]


def _is_chinese(name: str) -> bool:
    return any("\u4e00" <= letter <= "\u9fff" for letter in name)


def _sign_in(department: str, number: int) -> str:
    names = {"key-accounts": "kam", "sales": "rep", "finance": "finance", "service": "agent"}
    return f"{names[department]}@facet.example" if number == 0 and department in names else ""


def _lead_role(department: str) -> str:
    return {"sales": "sales_manager", "channels": "sales_manager", "service": "service_manager"}.get(
        department, {key: role for key, _, role in DEPARTMENTS}[department]
    )
