"""Two real FreeSWITCH nodes under one orchestrator: calls come to one, and rooms are opened on the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.emulated import Emulator
from tests.lab.plugin import GOING_TIME, OWNER
from tests.lab.switches import FreeSwitch, Switch
from tests.lab.web import Application
from tests.scenarios.conftest import House, lived_in


@pytest.fixture
def home(switch: Switch, real_home: FreeSwitch) -> Iterator[FreeSwitch]:
    """The other node."""
    assert isinstance(switch, FreeSwitch)
    real_home.begin()
    real_home.api(f"global_setvar {OWNER}=free")
    switch.others = (real_home,)
    yield real_home
    switch.others = ()
    left = real_home.leftovers(GOING_TIME) if real_home.running else []
    if left:
        real_home.force_clean()
        pytest.fail("left on the other node after the test: " + "; ".join(left))


@pytest.fixture
def two_emulators(application: Application, tmp_path: Path) -> Iterator[House]:
    """Two nodes; a room is opened on its first caller's."""
    here, there = Emulator(tmp_path / "here"), Emulator(tmp_path / "there")
    here.relay_port, there.relay_port = 1, 2
    here.others = (there,)
    for switch in (here, there):
        switch.begin()
    with lived_in(here, application, tmp_path) as house:
        assert house.orchestrator is not None
        del house.orchestrator.directory._choose
        yield house
    for switch in (here, there):
        switch.stop()


@pytest.fixture
def house(home: FreeSwitch, switch: Switch, application: Application, tmp_path: Path) -> Iterator[House]:
    with lived_in(switch, application, tmp_path) as house:
        yield house
