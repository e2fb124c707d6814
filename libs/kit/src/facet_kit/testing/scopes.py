"""What tests of row scope share: which entities are scoped, who must see nothing, and how many rows a caller sees."""

from __future__ import annotations

from sqlalchemy import func, select

from facet_kit.database.base import Base
from facet_kit.principal import Principal
from facet_kit.testing.harness import ServiceHarness
from facet_kit.testing.principals import a_principal


def scoped_entities(package: str) -> list[type[Base]]:
    """The entities of the package that have a row scope, by name."""
    entities: list[type[Base]] = [mapper.class_ for mapper in Base.registry.mappers]
    scoped = [each for each in entities if each.__scope__ and each.__module__.startswith(f"{package}.")]
    return sorted(scoped, key=lambda entity: entity.__name__)


def strangers(role: str) -> list[Principal]:
    """Callers with no relation to anything: staff of that role, a customer's user and a partner."""
    return [
        a_principal(role),
        a_principal(role, region_ids=["reg-nowhere"]),
        a_principal("customer", group_id="another-group"),
        a_principal("partner", group_id="another-group", channel_id="another-channel"),
    ]


async def visible_rows(service: ServiceHarness, entity: type[Base], principal: Principal) -> int:
    """How many rows of the entity the caller sees."""
    async with service.app.database.unit_of_work(principal, read_only=True) as ctx:
        return (await ctx.session.execute(select(func.count()).select_from(entity))).scalar_one()
