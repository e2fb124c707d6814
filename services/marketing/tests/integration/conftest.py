"""Marketing on a real database, with callers and calls in a few words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest_asyncio
from protobuf import Message

from facet_contracts.facet.marketing.v1 import campaign_service_pb as campaigns
from facet_contracts.facet.marketing.v1 import consent_service_pb as consents
from facet_contracts.facet.marketing.v1 import points_service_pb as points
from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_contracts.facet.marketing.v1 import touch_service_pb as touches
from facet_kit.principal import Principal
from facet_kit.refs import CustomerRef
from facet_kit.testing.harness import ServiceHarness, service_fixtures
from facet_kit.testing.principals import a_principal
from facet_marketing.main import build
from facet_marketing.settings import Settings


def _settings(**values: Any) -> Settings:
    # Fifty calls at once wait for one lock: each needs its connection.
    return Settings(**values, backdating=True, database_pool_size=25, database_pool_overflow=25)


globals().update(service_fixtures("facet_marketing", build, _settings))

_SERVICES = {
    "consent": "ConsentService",
    "campaign": "CampaignService",
    "audience": "CampaignService",
    "touch": "TouchService",
    "frequency": "TouchService",
    "points": "PointsService",
    "summary": "SummaryService",
}


@dataclass
class Marketing:
    """Calls of the marketing service, made by its manager unless said."""

    service: ServiceHarness
    manager: Principal

    def at(self, moment: datetime, principal: Principal | None = None) -> Principal:
        """The principal, calling at that moment."""
        return replace(principal or self.manager, at=moment)

    async def call(self, rpc: str, request: Message[Any], principal: Principal | None = None) -> Any:
        client = next(service for word, service in _SERVICES.items() if word in rpc)
        return await self.service.call(client, rpc, request, principal=principal or self.manager)

    async def consent(
        self, customer: CustomerRef, principal: Principal | None = None, **fields: Any
    ) -> pb.Consent:
        """The account agrees to marketing by e-mail, unless said otherwise."""
        values = {
            "customer_id": customer.customer_id,
            "channel": pb.ContactChannel.EMAIL,
            "purpose": pb.ContactPurpose.MARKETING,
            "state": pb.ConsentState.GRANTED,
            "source": "web form",
        } | fields
        request = consents.CreateConsentRequest(consent=pb.Consent(**values))
        return await self.call("create_consent", request, principal)

    async def withdraw(
        self, consent: pb.Consent, principal: Principal | None = None, **fields: Any
    ) -> pb.Consent:
        request = consents.WithdrawConsentRequest(consent_id=consent.id, source="call", **fields)
        return await self.call("withdraw_consent", request, principal)

    async def campaign(self, principal: Principal | None = None, **fields: Any) -> pb.Campaign:
        """A draft with a strategy, by e-mail, to everybody."""
        values = {
            "display_name": "Spring",
            "segment_goal": "grow",
            "value_hypothesis": "pays back in a year",
            "stop_rule": "less than one answer in a hundred",
            "channel": pb.ContactChannel.EMAIL,
            "purpose": pb.ContactPurpose.MARKETING,
        } | fields
        request = campaigns.CreateCampaignRequest(campaign=pb.Campaign(**values))
        return await self.call("create_campaign", request, principal)

    async def activate(self, campaign: pb.Campaign) -> pb.Campaign:
        request = campaigns.ActivateCampaignRequest(campaign_id=campaign.id, etag=campaign.etag)
        return await self.call("activate_campaign", request)

    async def touch(
        self, customer: CustomerRef, principal: Principal | None = None, **fields: Any
    ) -> pb.Touch:
        """A service call by e-mail, which needs no consent, unless said otherwise."""
        values = {
            "customer_id": customer.customer_id,
            "channel": pb.ContactChannel.EMAIL,
            "purpose": pb.ContactPurpose.SERVICE,
        } | fields
        return await self.call(
            "create_touch", touches.CreateTouchRequest(touch=pb.Touch(**values)), principal
        )

    async def policy(self, **fields: Any) -> pb.FrequencyPolicy:
        """A new policy: thirty days, four a person, twenty an account, ninety days of silence."""
        values = {"window_days": 30, "person_cap": 4, "account_cap": 20, "cool_down_days": 90} | fields
        request = touches.CreateFrequencyPolicyRequest(frequency_policy=pb.FrequencyPolicy(**values))
        return await self.call("create_frequency_policy", request)

    async def points(
        self, customer: CustomerRef, amount: int, reference: str, **fields: Any
    ) -> pb.PointsEntry:
        """Gives points; a negative amount spends them."""
        kind = pb.PointsEntryKind.EARN if amount > 0 else pb.PointsEntryKind.BURN
        values: dict[str, Any] = {"kind": kind, "points": abs(amount), "reference": reference}
        values |= {"customer_id": customer.customer_id} | fields
        request = points.CreatePointsEntryRequest(points_entry=pb.PointsEntry(**values))
        return await self.call("create_points_entry", request)

    async def balance(self, customer: CustomerRef) -> pb.PointsAccount:
        request = points.GetPointsAccountRequest(customer_id=customer.customer_id)
        return await self.call("get_points_account", request)


@pytest_asyncio.fixture
async def marketing(service: ServiceHarness) -> Marketing:
    """Marketing with a manager who sees everything."""
    return Marketing(service, a_principal("marketing_manager"))
