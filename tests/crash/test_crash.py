"""Short crash tests: `python -m tests.crash` is the long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.crash.run import Options, running
from tests.crash.switches import RealLab


@pytest.fixture
def kind(pytestconfig: pytest.Config) -> str:
    return (
        "emulator" if pytestconfig.getoption("--switch") == "emulator" or RealLab.why_not() else "freeswitch"
    )


def test_every_callback_is_reported_and_none_is_invented(
    tmp_path: Path, kind: str, pytestconfig: pytest.Config
) -> None:
    options = Options(
        kills=3,
        freeswitch_kills=1,
        stalls=2,
        longest_stall=4,
        receiver_fails=0.1,
        rate=5,
        pace=0.4,
        longest_life=4,
        longest_death=2,
        goodbye=3,
        switch=kind,
        engine=pytestconfig.getoption("--store"),
    )
    said: list[str] = []
    with running(options, tmp_path / "run", said.append) as run:
        assert run.go().good, "\n".join(said)
