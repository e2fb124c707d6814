"""The local platform as its users see it: run.json, sign-ins, services that die and services that are switched off."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import httpx
import psutil
import pytest

from facet_local.catalogue import SERVICES
from facet_local.signins import PEOPLE
from facet_local.waiting import wait_until

from .conftest import RunningPlatform


def test_run_json_says_where_everything_is(platform: RunningPlatform) -> None:
    run = platform.run
    assert set(run) == {"gateway", "tokens", "group_id", "services"}
    assert set(run["tokens"]) == set(PEOPLE)
    assert run["group_id"]
    assert set(run["services"]) == set(SERVICES)
    for service in run["services"].values():
        assert set(service) == {"pid", "grpc", "http"}
        assert psutil.pid_exists(service["pid"])


@pytest.mark.parametrize("role", PEOPLE)
def test_every_sign_in_is_accepted(
    as_role: Callable[[str], httpx.Client], platform: RunningPlatform, role: str
) -> None:
    answer = as_role(role).get(f"/v1/customers/{platform.group_id}/unifiedView")
    assert answer.status_code in (
        200,
        403,
        404,
    )  # who may see what is told elsewhere: here, nobody is a stranger


def test_without_a_token_nobody_comes_in(anonymous: httpx.Client, platform: RunningPlatform) -> None:
    assert anonymous.get(f"/v1/customers/{platform.group_id}/unifiedView").status_code == 401


def test_a_service_that_dies_is_back_with_a_new_process_id(platform: RunningPlatform) -> None:
    killed = platform.pid("marketing")
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    wait_until(
        lambda: platform.pid("marketing") not in (None, killed), seconds=60, what="marketing's restart"
    )
    assert httpx.get(f"{platform.run['services']['marketing']['http']}/readyz").status_code == 200


def test_a_service_that_is_switched_off_stays_off_until_it_is_switched_on(
    platform: RunningPlatform, without: Callable[[str], None]
) -> None:
    without("analytics")
    assert platform.pid("analytics") is None
    with pytest.raises(TimeoutError):
        wait_until(
            lambda: platform.pid("analytics") is not None, seconds=2, what="a restart that must not come"
        )
    platform.start("analytics")
    assert platform.pid("analytics") is not None
