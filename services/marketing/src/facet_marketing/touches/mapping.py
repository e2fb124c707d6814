"""Touches and frequency policies as contract messages."""

from __future__ import annotations

from facet_contracts.facet.marketing.v1 import resources_pb as pb
from facet_kit.mapping import Mapper
from facet_marketing.touches.model import FrequencyPolicy, Touch
from facet_marketing.touches.policy import BUILT_IN

touch_map = Mapper(Touch, pb.Touch)
policy_map = Mapper(
    FrequencyPolicy,
    pb.FrequencyPolicy,
    compute={
        "channel_weights": lambda policy: [
            pb.ChannelWeight(channel=pb.ContactChannel[name], weight=weight)
            for name, weight in sorted(policy.channel_weights.items())
        ]
    },
)


def built_in_policy() -> pb.FrequencyPolicy:
    """The policy that holds before any was set."""
    return pb.FrequencyPolicy(
        id="built-in",
        window_days=BUILT_IN.window.days,
        person_cap=BUILT_IN.person_cap,
        account_cap=BUILT_IN.account_cap,
        channel_weights=[
            pb.ChannelWeight(channel=channel, weight=weight)
            for channel, weight in sorted(BUILT_IN.weights.items())
        ],
        cool_down_days=BUILT_IN.cool_down.days,
    )
