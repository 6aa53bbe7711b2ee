"""A whole orchestrator in front of a switch that has what the test says and does nothing by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.calls.scripted import ScriptedSwitch
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
