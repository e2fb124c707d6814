"""Points as contract messages."""

from __future__ import annotations

from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_kit.mapping import Mapper
from facet_marketing.points.model import PointsAccount, PointsEntry

entry_map = Mapper(PointsEntry, pb.PointsEntry)
account_map = Mapper(PointsAccount, pb.PointsAccount)
