"""Record's attributes, as FreeSWITCH is ordered to record."""

from __future__ import annotations

import re

import pytest

from tests.calls.conftest import bench, scripted
from tests.calls.scripted import ScriptedSwitch
from tests.scenarios.conftest import House

__all__ = ["bench", "scripted"]
LONGEST = 3600


@pytest.mark.parametrize(
    ("attributes", "keys", "longest", "silence"),
    [
        ("", "1234567890*#", LONGEST, 0),
        ("finishOnKey='#'", "#", LONGEST, 0),
        ("finishOnKey='12'", "12", LONGEST, 0),
        ("finishOnKey=''", "none", LONGEST, 0),
        ("maxLength='0'", "1234567890*#", 14400, 0),
        ("maxLength='7'", "1234567890*#", 7, 0),
        ("timeout='4' maxLength='9'", "1234567890*#", 9, 4),
    ],
)
@pytest.mark.parametrize("beep", ["true", "false"])
def test_the_attributes_of_record_are_passed_to_freeswitch(
    bench: House, scripted: ScriptedSwitch, attributes: str, keys: str, longest: int, silence: int, beep: str
) -> None:
    bench.voice(f"<Response><Record playBeep='{beep}' {attributes}/></Response>")
    scripted.silent.add("record")
    uuid = scripted.parks()
    scripted.wait_for(f"sendmsg {uuid}", "execute-app-name: record")
    apps = [(app, argument) for app, argument in scripted.applications(uuid) if app != "answer"]
    sound = [argument for app, argument in apps if app == "playback"]
    assert bool(sound) is (beep == "true")
    (argument,) = [argument for app, argument in apps if app == "record"]
    _, limit, _, quiet = argument.rsplit(" ", 3)
    assert (int(limit), int(quiet)) == (longest, silence)
    (variables,) = [one for app, one in apps if app == "multiset" and "playback_terminators" in one]
    found = re.search(r"playback_terminators=([^^|;~ ]*)", variables)
    assert found is not None
    assert found[1] == keys
    bench.log.allows("no recording")
    scripted.hangs_up(uuid)
