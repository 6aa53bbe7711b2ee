"""A whole orchestrator in front of a switch that has what the test says and does nothing by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.calls.left import Left
from tests.calls.scripted import ScriptedSwitch
from tests.lab import invariants
from tests.lab.web import Application
from tests.scenarios.conftest import House, lived_in


@pytest.fixture
def scripted(tmp_path: Path) -> Iterator[ScriptedSwitch]:
    switch = ScriptedSwitch(tmp_path)
    yield switch
    switch.stop()


@pytest.fixture
def bench(scripted: ScriptedSwitch, application: Application, tmp_path: Path) -> Iterator[House]:
    with lived_in(scripted, application, tmp_path) as house:
        yield house


@pytest.fixture
def left(bench: House) -> Iterator[Left]:
    """What the last run leaves; the test writes it and starts the orchestrator."""
    bench.stop()
    bench.application.takes_callbacks("/recording")
    yield Left(bench)
    if bench.orchestrator is not None and bench.switch.running:
        bench.switch.hang_up_all()
        assert not invariants.wait_until_nothing_is_left(bench.orchestrator)
    # Whatever was sent of these conferences before is not there to be compared with.
    bench.forget_callbacks()
