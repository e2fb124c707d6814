"""Drives one service in a test: calls through the real pipeline, events, database; no process, no network."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest_asyncio
from joserfc.jwk import OKPKey
from protobuf import Message
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from facet_contracts.descriptors import service_methods
from facet_kit.context import RequestInfo
from facet_kit.database.base import Base
from facet_kit.ids import Uuid7Ids
from facet_kit.messaging.envelope import contract_events, event_type, from_headers, to_headers
from facet_kit.messaging.inbox import Delivery
from facet_kit.messaging.tables import OutboxRow
from facet_kit.migrations import commands
from facet_kit.naming import snake_case
from facet_kit.principal import Principal
from facet_kit.refs import CustomerRef, OrgRef, StaffRef, TeamRef
from facet_kit.server.app import ServiceApp
from facet_kit.server.dispatch import methods
from facet_kit.server.validation import validate
from facet_kit.settings import KitSettings
from facet_kit.testing.databases import Databases

M = TypeVar("M", bound=Message[Any])
R = TypeVar("R", bound=Base)
PAGE_TOKEN_KEY = "page tokens of the tests"  # noqa: S105


class ServiceHarness:
    """One service on a database of its own."""

    def __init__(self, app: ServiceApp) -> None:
        self.app = app
        self.ids = Uuid7Ids()
        self._dispatcher = app.dispatcher()
        self._versions: dict[str, int] = defaultdict(int)
        self._methods = {
            tuple(method.path[1:].split("/")): (method, service_methods(api.service))
            for api in app.apis
            for method in methods(service_methods(api.service), api)
        }

    async def call(
        self,
        client: type[object] | str,
        rpc: str,
        request: Message[Any],
        *,
        principal: Principal,
        idempotency_key: str = "",
        reason: str = "",
    ) -> Any:
        """Calls `rpc` (snake case) of a client class such as OrderServiceClient, as the principal.

        Raises:
            FacetError: the refusal, as the service raised it.
        """
        name = client if isinstance(client, str) else client.__name__.removesuffix("Client")
        method, descriptors = self._find(name, rpc)
        principal.require(method.permission)
        validate(request)
        info = RequestInfo(
            request_id=self.ids.new(),
            via="test",
            idempotency_key=idempotency_key,
            reason=reason,
            page_token_key=PAGE_TOKEN_KEY.encode(),
        )
        answer, _ = await self._dispatcher.run(method, request, request.to_binary(), principal, info)
        return descriptors[method.path.rsplit("/", 1)[-1]].output.type.from_binary(answer)

    def _find(self, service: str, rpc: str) -> Any:
        for (path, name), found in self._methods.items():
            if path.rsplit(".", 1)[-1] == service and snake_case(name) == rpc:
                return found
        raise KeyError(f"no {service}.{rpc} in {sorted(self._methods)}")

    async def deliver(
        self,
        event: Message[Any],
        *,
        aggregate_id: str = "",
        version: int | None = None,
        event_id: str = "",
        source: str = "",
        time: datetime | None = None,
    ) -> str:
        """Hands an event to the service's handlers as if it came from its stream; returns the event's id.

        Without a version each event is the next of its aggregate.
        """
        kind = event_type(type(event))
        source = source or kind.service or self.app.name
        aggregate_id = aggregate_id or _resource_id(event)
        key = f"{source}.{kind.aggregate}.{aggregate_id}"
        self._versions[key] = self._versions[key] + 1 if version is None else version
        headers = to_headers(
            id=event_id or self.ids.new(),
            source=source,
            type=kind.type_name,
            aggregate_id=aggregate_id,
            version=self._versions[key],
            time=time or datetime.now(UTC),
            traceparent="",
        )
        meta = from_headers(kind.subject(source), headers)
        await self.app.processing.handle([Delivery(meta, event.to_binary())])
        return meta.id

    async def events(self, kind: type[M] | None = None) -> list[Any]:
        """What the service wrote into its outbox so far, in order; of one event class if it is given."""
        async with self.session() as session:
            rows = (await session.execute(select(OutboxRow).order_by(OutboxRow.seq))).scalars().all()
        messages = [contract_events().decode(row.type, row.payload) for row in rows]
        return [message for message in messages if kind is None or isinstance(message, kind)]

    async def given(self, row: R) -> R:
        """Stores a row as it is."""
        async with self.session() as session:
            session.add(row)
            await session.commit()
        return row

    async def given_customer(self, **fields: Any) -> CustomerRef:
        """A customer in the service's replica; a group of its own in no department or region unless said."""
        id = str(fields.pop("customer_id", "") or self.ids.new())
        values: dict[str, Any] = {
            "group_id": id,
            "ancestor_ids": [id],
            "name": f"Customer {id[-6:]}",
            "kind": "ORGANISATION",
            "roles": ["END_CUSTOMER"],
            "department_id": "",
            "region_id": "",
            "owner_id": "",
            "status": "ACTIVE",
            "relationship_strategy": "MAINTAIN",
            "lifecycle_stage": "ACTIVE",
            "node_ids": [],
        }
        return await self.given(CustomerRef(customer_id=id, **(values | fields)))

    async def given_org(
        self, kind: str, *, id: str = "", name: str = "", under: OrgRef | None = None
    ) -> OrgRef:
        """A department or region in the replica."""
        id = id or self.ids.new()
        ancestors = [*(under.ancestor_ids if under else ()), id]
        return await self.given(
            OrgRef(id=id, kind=kind, name=name or f"{kind} {id[-6:]}", ancestor_ids=ancestors)
        )

    async def given_team_member(self, staff_id: str, customer_id: str) -> TeamRef:
        """A place on an account team in the replica."""
        return await self.given(TeamRef(staff_id=staff_id, customer_id=customer_id))

    async def given_staff(self, **fields: Any) -> StaffRef:
        """A member of staff in the replica."""
        id = str(fields.pop("staff_id", "") or self.ids.new())
        return await self.given(StaffRef(staff_id=id, **({"display_name": f"Staff {id[-6:]}"} | fields)))

    @asynccontextmanager
    async def session(self) -> AsyncGenerator[AsyncSession]:
        """A session with full scope, for looking at rows."""
        async with self.app.database.system_sessions() as session:
            yield session


def _public_keys() -> str:
    """A key set that nobody signs with: the harness hands over principals without tokens."""
    return json.dumps({"keys": [OKPKey.generate_key("Ed25519").as_dict(private=False)]})


def _resource_id(event: Message[Any]) -> str:
    """The id of the resource an event carries in its first field, or that field itself."""
    first = getattr(event, type(event).desc().fields[0].local_name)
    return str(getattr(first, "id", first))


def service_fixtures(
    package: str, build: Callable[[Any], ServiceApp], settings: type[Any] = KitSettings
) -> dict[str, Any]:
    """The fixtures of a service's tests: `service`, a ServiceHarness on a freshly migrated database per module.

    Use in a conftest: `globals().update(service_fixtures("facet_sales", build, Settings))`.
    """

    @pytest_asyncio.fixture(scope="module")
    async def service(databases: Databases) -> AsyncGenerator[ServiceHarness]:
        async def migrate(url: str) -> None:
            await asyncio.to_thread(commands.upgrade, package, url)

        template = await databases.template(package, migrate)
        url = await databases.create(package, template=template)
        configured = settings(
            database_url=commands.asyncpg_url(url),
            nats_url="nats://127.0.0.1:1",
            principal_jwks=_public_keys(),
            page_token_key=PAGE_TOKEN_KEY,
        )
        harness = ServiceHarness(build(configured))
        try:
            yield harness
        finally:
            await harness.app.database.close()
            await databases.drop(url)

    return {"service": service}
