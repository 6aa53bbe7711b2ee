from __future__ import annotations

import pytest

from tests.calls.conftest import bench, scripted
from tests.scenarios.conftest import ACCOUNT, API_KEY, House
from tests.sdk.conftest import Client

__all__ = ["bench", "scripted"]


@pytest.fixture
def client(bench: House) -> Client:
    return Client(bench, ACCOUNT, API_KEY)
