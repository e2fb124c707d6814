"""Consents as contract messages."""

from __future__ import annotations

from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_kit.mapping import Mapper
from facet_marketing.consents.model import Consent, ConsentChange

consent_map = Mapper(Consent, pb.Consent)
change_map = Mapper(ConsentChange, pb.ConsentChange)
