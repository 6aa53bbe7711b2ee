"""Short crash tests: `python -m tests.crash` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.run import Options, running
from tests.crash.switches import RealLab


@pytest.fixture
def kind(pytestconfig: pytest.Config) -> str:
    return "emulator" if pytestconfig.getoption("--switch") == "emulator" or RealLab.why_not() else "freeswitch"


@pytest.mark.parametrize(
    ("kills", "freeswitch_kills", "fails"),
    [
        pytest.param(4, 0, 0.0, id="the orchestrator is killed"),
        pytest.param(1, 1, 0.3, id="both are killed, and the receiver fails"),
    ],
)
def test_every_callback_is_told_and_none_is_invented(
    tmp_path: Path, kind: str, kills: int, freeswitch_kills: int, fails: float
) -> None:
    options = Options(
        kills=kills,
        freeswitch_kills=freeswitch_kills,
        receiver_fails=fails,
        rate=6,
        pace=0.4,
        longest_life=4,
        longest_death=2,
        switch=kind,
    )
    said: list[str] = []
    with running(options, tmp_path / "run", said.append) as run:
        assert run.go().good, "\n".join(said)
