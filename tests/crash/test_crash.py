"""A short crash test: `python -m tests.crash` is the long one."""

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


def test_a_receiver_that_fails_every_third_time_is_told_all_of_it(tmp_path: Path, kind: str) -> None:
    options = Options(kills=0, seconds=8, rate=6, pace=0.4, receiver_fails=0.3, switch=kind)
    said: list[str] = []
    with running(options, tmp_path / "run", said.append) as run:
        assert run.go().good, "\n".join(said)
