from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.calls.conftest import bench, scripted
from tests.lab import invariants
from tests.recovery.left import Left
from tests.scenarios.conftest import House, house

__all__ = ["bench", "house", "scripted"]


@pytest.fixture
def left(bench: House) -> Iterator[Left]:
    """The state that the last run leaves; the test writes it and starts the orchestrator."""
    bench.stop()
    bench.application.takes_callbacks("/recording")
    yield Left(bench)
    if bench.orchestrator is not None and bench.switch.running:
        bench.switch.hang_up_all()
        assert not invariants.wait_until_nothing_is_left(bench.orchestrator)
    # Callbacks of these conferences sent before are not there to be compared with.
    bench.forget_callbacks()
