"""A try-out on a real FreeSWITCH: its callers press keys and stay, and the verdict is the same."""

from __future__ import annotations

import pytest

from tests.demo.process import demo
from tests.lab.switches import FreeSwitch
from tests.lab.web import Application

MENU = '<Response><Gather action="/chosen" numDigits="2" timeout="3"><Pause length="5"/></Gather></Response>'
ROOM = (
    '<Response><Dial><Conference startConferenceOnEnter="{}" statusCallback="/events" '
    'statusCallbackEvent="start join leave">Mine</Conference></Dial></Response>'
)


def run(switch: FreeSwitch, application: Application, *words: str):
    where = ["--freeswitch", f"{switch.host}:{switch.port}", "--password", switch.password]
    return demo("--voice-url", application.url("/voice"), *where, *words, timeout=120)


@pytest.mark.only("freeswitch")
def test_the_keys_of_a_caller_reach_the_application(switch: FreeSwitch, application: Application) -> None:
    application.document("/voice", MENU)
    application.document("/chosen", ROOM.format("true"))
    application.takes_callbacks("/events")
    done = run(switch, application, "--calls", "1", "--press", "4*", "--to", "+4930123456")
    assert done.returncode == 0, done.stdout
    (chosen,) = application.to("/chosen")
    assert (chosen.fields["Digits"], chosen.fields["To"]) == ("4*", "+4930123456")
    assert "can be used: 2 documents, 0 warnings, 3 callbacks delivered" in done.stdout


@pytest.mark.only("freeswitch")
def test_a_conference_that_nobody_can_start_is_one_there_too(
    switch: FreeSwitch, application: Application
) -> None:
    application.document("/voice", ROOM.format("false"))
    application.takes_callbacks("/events")
    done = run(switch, application)
    assert done.returncode == 1, done.stdout
    assert "nobody can start the conference Mine: 2 callers wait in it" in done.stdout
    assert switch.leftovers(5) == []
