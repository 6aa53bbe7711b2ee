"""The step after each verb: the request for its action with what it says, or the next verb."""

from __future__ import annotations

import pytest

from tests.calls.conftest import bench, scripted
from tests.calls.scripted import ScriptedSwitch
from tests.lab.web import Request
from tests.scenarios.conftest import House

__all__ = ["bench", "scripted"]
NEXT = "<Redirect>/next</Redirect>"
FOLLOWS = ("/then", "/invalid", "/next")


class Calls:
    """Callers, each with a document of its own, who are there at the same time."""

    def __init__(self, bench: House, scripted: ScriptedSwitch, documents: list[str]) -> None:
        self.bench, self.scripted = bench, scripted
        self.callers = [f"+1312555{number:04}" for number in range(1000, 1000 + len(documents))]
        bench.documents(dict(zip(self.callers, documents, strict=True)))
        for path in FOLLOWS:
            bench.application.document(path, "<Response><Hangup/></Response>")
        self.legs = [scripted.leg(answered=False) for _ in self.callers]
        for leg, caller in zip(self.legs, self.callers, strict=True):
            scripted.legs[leg]["Caller-Caller-ID-Number"] = caller
            scripted.parks_again(leg)

    def press(self, keys: list[str]) -> None:
        """Each its own, once it hears its prompt."""
        for leg, pressed in zip(self.legs, keys, strict=True):
            self.scripted.wait_for(f"sendmsg {leg}", "execute-app-name: playback")
            for key in pressed:
                self.scripted.event("DTMF", leg, DTMF_Digit=key)

    def follow(self) -> list[Request | None]:
        """The first request for another document of each; None: it is hung up without one."""
        for leg in self.legs:
            self.scripted.wait_for("uuid_kill", leg)
        first: dict[str, Request] = {}
        for request in self.bench.application.requests:
            if request.path in FOLLOWS:
                first.setdefault(request.fields["From"], request)
        return [first.get(caller) for caller in self.callers]

    def played(self, leg: str) -> list[str]:
        return [argument for app, argument in self.scripted.applications(leg) if app == "playback"]


VALID = "validDigits='12' invalidDigitsAction='/invalid'"
GATHERED: list[tuple[str, str, str, str]] = [
    ("", "12#", "POST /then", "12"),
    ("", "#", "POST /next", ""),
    ("", "1*2#", "POST /then", "1*2"),
    ("method='GET'", "12#", "GET /then", "12"),
    ("actionOnEmptyResult='true'", "#", "POST /then", ""),
    ("actionOnEmptyResult='true'", "1#", "POST /then", "1"),
    ("minDigits='2'", "12#", "POST /then", "12"),
    ("minDigits='3'", "12#", "POST /next", ""),
    ("minDigits='3' actionOnEmptyResult='true'", "#", "POST /then", ""),
    ("minDigits='3' actionOnEmptyResult='true'", "12#", "POST /next", ""),
    ("numDigits='2'", "123", "POST /then", "12"),
    ("numDigits='3'", "1#", "POST /then", "1"),
    ("maxDigits='2'", "123", "POST /then", "12"),
    ("numDigits='3' maxDigits='2'", "123", "POST /then", "12"),
    ("finishOnKey='*'", "1#*", "POST /then", "1#"),
    ("finishOnKey='' numDigits='4'", "1*#2", "POST /then", "1*#2"),
    ("finishOnKey='*#'", "1#", "POST /then", "1"),
    ("finishOnKey='*#'", "1*", "POST /then", "1"),
    (VALID, "12#", "POST /then", "12"),
    (VALID, "13#", "POST /invalid", "13"),
    (VALID, "#", "POST /next", ""),
    (f"{VALID} minDigits='3'", "13#", "POST /invalid", "13"),
    (f"{VALID} method='GET'", "13#", "GET /invalid", "13"),
    ("validDigits='12'", "13#", "POST /then", "13"),
]


def test_the_keys_of_a_caller_decide_the_next_request(bench: House, scripted: ScriptedSwitch) -> None:
    prompt = f"<Play>{bench.application.tone(500, 9.0)}</Play>"
    scripted.through_at_once = False
    calls = Calls(
        bench,
        scripted,
        [
            f"<Response><Gather action='/then' {attributes}>{prompt}</Gather>{NEXT}</Response>"
            for attributes, *_ in GATHERED
        ],
    )
    calls.press([pressed for _, pressed, _, _ in GATHERED])
    found = [
        (f"{request.method} {request.path}", request.fields.get("Digits", ""))
        for request in calls.follow()
        if request is not None
    ]
    assert dict(zip(GATHERED, found, strict=True)) == {each: each[2:] for each in GATHERED}
    assert all(scripted.saw("uuid_break", leg) for leg in calls.legs), "the prompts are silent"


RESPONSES = {
    "FILE PLAYED": True,
    "FILE NOT FOUND": False,
    "PLAYBACK ERROR [7]": False,
}


@pytest.mark.parametrize("says", RESPONSES)
def test_a_sound_that_freeswitch_cannot_play_gives_way_to_its_failover_or_ends_the_document(
    bench: House, scripted: ScriptedSwitch, says: str
) -> None:
    bench.log.allows("nothing played")
    scripted.refused["playback"] = says
    is_played = RESPONSES[says]
    first, second = bench.application.tone(500, 1.0), bench.application.tone(700, 1.0)
    failover, ends = f"failoverUrl='{second}'", "continueOnError='false'"
    # With these attributes: how many files are tried where none can be played, and whether it goes on.
    cases = [
        ("", 1, True),
        ("continueOnError='true'", 1, True),
        (ends, 1, False),
        (failover, 2, True),
        (f"{failover} {ends}", 2, False),
    ]
    calls = Calls(
        bench,
        scripted,
        [f"<Response><Play {attributes}>{first}</Play>{NEXT}</Response>" for attributes, *_ in cases],
    )
    followed = [request is not None for request in calls.follow()]
    assert followed == [is_played or goes_on for _, _, goes_on in cases]
    assert [len(calls.played(leg)) for leg in calls.legs] == [
        1 if is_played else tries for _, tries, _ in cases
    ]
