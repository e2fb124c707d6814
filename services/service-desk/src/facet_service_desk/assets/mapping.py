"""Assets as contract messages."""

from __future__ import annotations

from facet_contracts.facet.service_desk.v1 import resources_pb as pb
from facet_kit.mapping import Mapper
from facet_service_desk.assets.model import Asset

asset_map = Mapper(Asset, pb.Asset)
