"""The contracts, read once for all unit tests."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from facet_gateway.contracts import Contracts
from facet_gateway.transcoding.operation import Operation, operations_of


@pytest.fixture(scope="session")
def contracts() -> Contracts:
    """The packaged contracts."""
    return Contracts.packaged()


@pytest.fixture(scope="session")
def operations(contracts: Contracts) -> Mapping[str, Operation]:
    """Every operation by its id."""
    return {operation.id: operation for operation in operations_of(contracts)}
