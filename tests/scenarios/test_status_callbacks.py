"""Call status callbacks: the application's, and those of Number and Sip."""

from __future__ import annotations

import re
import time
from datetime import datetime

import pytest

from tests.lab.softphones import Answers, NeverAnswers, Rejects
from tests.scenarios.conftest import ACCOUNT, House

NUMBER, CALLER = "+13125550100", "+13125550001"
FIRST, SECOND = "+13125550021", "+13125550022"
ALL = "initiated ringing answered completed"
TIMES = ("CallInitiatedAt", "StartTime", "AnsweredTime", "EndTime", "OccurredAt")


def at(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def callbacks(house: House, count: int = 1, path: str = "/status") -> list[dict[str, str]]:
    return house.callbacks(path, count, 8)


def dials(house: House, *nouns: str, events: str = ALL, **attributes: str) -> None:
    text = "".join(f' {name}="{value}"' for name, value in attributes.items())
    numbers = "".join(
        f'<Number statusCallback="/{number[1:]}" statusCallbackEvent="{events}">{number}</Number>'
        for number in nouns
    )
    for number in nouns:
        house.application.takes_callbacks(f"/{number[1:]}")
    house.voice(f"<Response><Dial{text}>{numbers}</Dial></Response>")


@pytest.mark.parametrize("who", ["caller", "application"])
def test_an_answered_call_is_completed(house: House, who: str) -> None:
    tone = house.application.tone(700, 30.0 if who == "caller" else 1.2)
    house.voice(f"<Response><Play>{tone}</Play></Response>")
    began = time.time()
    phone = house.switch.call(NUMBER, from_=CALLER)
    phone.wait_answered()
    if who == "caller":
        time.sleep(1.2)
        phone.hang_up()
    phone.wait_ended()
    (fields,) = callbacks(house)
    assert fields["CallStatus"] == "completed"
    assert (fields["AccountSid"], fields["ConnectionId"]) == (ACCOUNT, "1568109700606592442")
    assert fields["CallSid"] == fields["CallSidLegacy"] == house.application.to("/voice")[0].fields["CallSid"]
    assert (fields["From"], fields["To"], fields["CallerId"]) == (CALLER, NUMBER, CALLER)
    assert fields["CallbackSource"] == "call-progress-events"
    assert fields["SequenceNumber"] == "0"
    assert fields["HangupCause"] == "normal_clearing"
    assert fields["HangupSource"] == ("caller" if who == "caller" else "callee")
    assert fields["SipHangupCause"] == "200"
    assert re.fullmatch(r"[0-9a-f-]{36}", fields["CallLegId"])
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", fields[name]) for name in TIMES)
    moments = [at(fields[name]) for name in ("StartTime", "AnsweredTime", "EndTime")]
    assert moments == sorted(moments)
    assert abs(moments[0] - began) < 5
    assert 1.0 < moments[2] - moments[1] < 10
    # Whole seconds of it, and the moments have milliseconds.
    assert -0.01 < moments[2] - moments[1] - int(fields["CallDuration"]) < 1.01


@pytest.mark.parametrize(
    ("document", "status", "cause", "sip"),
    [
        ("<Reject/>", "failed", "call_rejected", "603"),
        ("<Reject reason='busy'/>", "busy", "user_busy", "486"),
    ],
)
def test_a_call_that_is_refused(house: House, document: str, status: str, cause: str, sip: str) -> None:
    house.voice(f"<Response>{document}</Response>")
    house.switch.call(NUMBER)
    (fields,) = callbacks(house)
    assert (fields["CallStatus"], fields["HangupCause"]) == (status, cause)
    assert (fields["HangupSource"], fields["SipHangupCause"]) == ("callee", sip)
    assert fields["CallDuration"] == "0"
    assert "AnsweredTime" not in fields


def test_a_call_that_its_caller_ends(house: House) -> None:
    house.voice('<Response><Pause length="30"/></Response>')
    phone = house.switch.call(NUMBER)
    house.application.wait_for("/voice")
    phone.hang_up()
    (fields,) = callbacks(house)
    assert (fields["CallStatus"], fields["HangupSource"]) == ("canceled", "caller")
    assert fields["HangupCause"] == "originator_cancel"
    assert fields["SipHangupCause"] == "487"


def test_a_call_without_instructions_has_failed(house: House) -> None:
    house.log.allows("no instructions")
    house.application.route("/voice", 500)
    house.application.route("/fallback", 500)
    house.switch.call(NUMBER)
    (fields,) = callbacks(house)
    assert (fields["CallStatus"], fields["SipHangupCause"]) == ("failed", "503")


def test_a_callee_from_the_first_ring_to_the_end(house: House) -> None:
    house.switch.register(FIRST, Answers(0.5))
    dials(house, FIRST, timeLimit="2")
    phone = house.switch.call(NUMBER, from_=CALLER)
    events = callbacks(house, 4, f"/{FIRST[1:]}")
    assert [(event["CallStatus"], event["SequenceNumber"]) for event in events] == [
        ("initiated", "0"),
        ("ringing", "1"),
        ("in-progress", "2"),
        ("completed", "3"),
    ]
    parent = house.application.to("/voice")[0].fields["CallSid"]
    for event in events:
        assert event["CallSid"] == events[0]["CallSid"] != parent
        assert event["ParentCallSid"] == event["ParentCallSidLegacy"] == parent
        assert (event["From"], event["To"]) == (CALLER, FIRST)
    assert (events[2]["Codec"], events[2]["SamplingRate"]) == ("PCMU", "8000")
    assert events[3]["CallDuration"] in ("1", "2")
    assert events[3]["HangupCause"] == "normal_clearing"
    phone.wait_ended()


def test_each_callee_of_several_has_callbacks_of_its_own(house: House) -> None:
    house.switch.register(FIRST, Answers(0.8))
    house.switch.register(SECOND, NeverAnswers())
    dials(house, FIRST, SECOND, timeLimit="1")
    house.switch.call(NUMBER, from_=CALLER)
    won, lost = (callbacks(house, count, f"/{number[1:]}") for number, count in ((FIRST, 4), (SECOND, 3)))
    assert [event["CallStatus"] for event in won] == ["initiated", "ringing", "in-progress", "completed"]
    assert [event["CallStatus"] for event in lost] == ["initiated", "ringing", "canceled"]
    assert [event["SequenceNumber"] for event in lost] == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("behaviour", "status", "sip"),
    [
        (Rejects(486), "busy", "486"),
        (Rejects(404), "failed", "404"),
        (Rejects(480), "no-answer", "480"),
        (NeverAnswers(), "no-answer", ""),
    ],
    ids=["busy", "not found", "not available", "no answer"],
)
def test_a_callee_who_cannot_be_had(
    house: House, behaviour: Rejects | NeverAnswers, status: str, sip: str
) -> None:
    house.switch.register(FIRST, behaviour)
    dials(house, FIRST, events="completed", timeout="5")
    house.switch.call(NUMBER, from_=CALLER)
    (fields,) = callbacks(house, path=f"/{FIRST[1:]}")
    assert (fields["CallStatus"], fields["SequenceNumber"]) == (status, "0")
    if sip:
        assert fields["SipHangupCause"] == sip
        assert fields["HangupSource"] == "callee"


def test_only_the_end_is_reported_unless_asked(house: House) -> None:
    house.switch.register(FIRST, Answers())
    house.application.takes_callbacks("/status")
    house.voice(
        f"<Response><Dial timeLimit='1'><Number statusCallback='/status'>{FIRST}</Number></Dial></Response>"
    )
    phone = house.switch.call(NUMBER)
    phone.wait_ended(8)
    (fields,) = callbacks(house, path="/status")
    assert fields["CallStatus"] == "completed"
