from __future__ import annotations

import gevent
import pytest

from orchestrator.esl import later_commands
from orchestrator.esl.later_commands import LaterCommands


def test_commands_that_nobody_waits_for_are_posted_together_and_in_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(later_commands, "LATER_SECONDS", 0.02)
    posted: list[list[str]] = [[]]
    later = LaterCommands(posted[-1].append)
    for name in ("a", "b", "c"):
        later.post(f"api global_setvar {name}=")
    assert posted == [[]], "nothing is sent at once"
    gevent.sleep(0.1)
    assert posted == [["api global_setvar a=", "api global_setvar b=", "api global_setvar c="]]
    later.post("api global_setvar d=")
    gevent.sleep(0.1)
    assert posted[0][3:] == ["api global_setvar d="]
