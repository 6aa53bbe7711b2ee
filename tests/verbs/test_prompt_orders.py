"""A prompt that a key ends: the next sound is ordered when FreeSWITCH has ended the one before."""

from __future__ import annotations

import gevent
import pytest

from orchestrator.esl import background_playback
from tests.calls.conftest import bench, scripted
from tests.calls.scripted import ScriptedSwitch
from tests.scenarios.conftest import House

__all__ = ["bench", "scripted"]


def pressed(bench: House, scripted: ScriptedSwitch) -> str:
    """A caller in a menu has pressed the key that leads on to a sound; its leg."""
    prompt, then = bench.application.tone(500, 9.0), bench.application.tone(700, 9.0)
    bench.voice(f"<Response><Gather numDigits='1' action='/then'><Play>{prompt}</Play></Gather></Response>")
    bench.application.document("/then", f"<Response><Play>{then}</Play></Response>")
    scripted.through_at_once = False
    # FreeSWITCH takes its time.
    scripted.answers["uuid_break"] = "+OK\n"
    uuid = scripted.parks(answer_state="answered")
    scripted.wait_for(f"sendmsg {uuid}", "execute-app-name: playback")
    scripted.event("DTMF", uuid, DTMF_Digit="1")
    scripted.wait_for("uuid_break", uuid)
    return uuid


def sounds(scripted: ScriptedSwitch, uuid: str) -> int:
    return sum(app == "playback" for app, _ in scripted.applications(uuid))


def test_the_next_sound_waits_for_the_end_of_the_prompt(bench: House, scripted: ScriptedSwitch) -> None:
    uuid = pressed(bench, scripted)
    gevent.sleep(0.5)
    assert sounds(scripted, uuid) == 1
    scripted.stops(uuid)
    scripted.wait_for(f"sendmsg {uuid}", "execute-app-name: playback", count=2)
    assert bench.application.to("/then")[0].fields["Digits"] == "1"
    scripted.hangs_up(uuid)


def test_a_prompt_that_does_not_end_holds_up_nobody_for_ever(
    bench: House, scripted: ScriptedSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background_playback, "QUIET_SECONDS", 0.5)
    uuid = pressed(bench, scripted)
    bench.application.wait_for("/then", 1, 5)
    scripted.hangs_up(uuid)
