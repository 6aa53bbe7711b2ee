"""Dial with Number and Sip: ringing, the connected callee, and the callbacks."""

from __future__ import annotations

import time

import numpy as np
import pytest
import soundfile

from tests.lab import sound
from tests.lab.softphones import Answers, NeverAnswers, Phone, Rejects
from tests.scenarios.conftest import House

NUMBER, CALLER = "+13125550100", "+13125550001"
FIRST, SECOND, THIRD = "+13125550021", "+13125550022", "+13125550023"
A, B, AFTER, WHISPER = 500, 900, 1500, 1900
US_RINGING = 440


def dial(house: House, nouns: str, **attributes: str) -> None:
    text = "".join(f' {name}="{value}"' for name, value in ({"action": "/dialled"} | attributes).items())
    house.voice(f"<Response><Dial{text}>{nouns}</Dial></Response>")
    after = house.application.tone(AFTER, 0.6)
    house.application.document("/dialled", f"<Response><Play>{after}</Play></Response>")


def dialled(house: House, timeout: float = 8.0) -> dict[str, str]:
    (request,) = house.application.wait_for("/dialled", timeout=timeout)
    return request.fields


def connected(house: House, number: str = FIRST) -> tuple[Phone, Phone]:
    """A caller and a callee who hear each other."""
    target = house.switch.register(number, Answers(0.3, sounds=B))
    caller = house.switch.call(NUMBER, from_=CALLER, sounds=A)
    callee = target.wait_called()
    caller.wait_hears(B)
    callee.wait_hears(A)
    return caller, callee


def test_both_hear_each_other_and_the_caller_goes_on_afterwards(house: House) -> None:
    dial(house, FIRST)
    caller, callee = connected(house)
    time.sleep(1.0)
    callee.hang_up()
    fields = dialled(house)
    assert (fields["DialCallStatus"], fields["DialBridged"]) == ("completed", "true")
    assert 1 <= int(fields["DialCallDuration"]) <= 3
    assert fields["DialCallSid"] == fields["DialCallSidLegacy"] != fields["CallSid"]
    assert fields["CallStatus"] == "in-progress"
    caller.wait_hears(AFTER)
    caller.wait_ended()


def test_without_an_action_the_next_verb_runs(house: House) -> None:
    after = house.application.tone(AFTER, 1.0)
    house.voice(f"<Response><Dial>{FIRST}</Dial><Play>{after}</Play></Response>")
    caller, callee = connected(house)
    callee.hang_up()
    caller.wait_hears(AFTER)
    caller.wait_ended()


@pytest.mark.parametrize(
    ("behaviour", "status"),
    [
        pytest.param(Rejects(486), "busy", id="busy"),
        pytest.param(Rejects(486, after=0.5), "busy", id="rang and then busy"),
        pytest.param(Rejects(603), "failed", id="declined"),
        pytest.param(Rejects(404), "failed", id="no such number"),
        pytest.param(Rejects(480), "no-answer", id="not available"),
        pytest.param(Rejects(503), "failed", id="out of order"),
        pytest.param(None, "failed", id="not registered"),
    ],
)
def test_a_callee_who_cannot_be_had(house: House, behaviour: Rejects | None, status: str) -> None:
    if behaviour is not None:
        house.switch.register(FIRST, behaviour)
    dial(house, FIRST)
    caller = house.switch.call(NUMBER, from_=CALLER)
    fields = dialled(house)
    assert (fields["DialCallStatus"], fields["DialBridged"]) == (status, "false")
    assert "DialCallSid" not in fields
    caller.wait_hears(AFTER)
    caller.wait_ended()


def test_nobody_answers_in_time(house: House) -> None:
    target = house.switch.register(FIRST, NeverAnswers())
    dial(house, FIRST, timeout="5")
    house.switch.call(NUMBER, from_=CALLER)
    callee = target.wait_called()
    began = time.monotonic()
    assert dialled(house, 10)["DialCallStatus"] == "no-answer"
    assert 3.5 < time.monotonic() - began < 8
    callee.wait_ended()
    assert callee.sip_status == 487


def test_the_first_who_answers_wins_and_the_others_are_cancelled(house: House) -> None:
    slow = house.switch.register(FIRST, NeverAnswers())
    quick = house.switch.register(SECOND, Answers(0.8, sounds=B))
    busy = house.switch.register(THIRD, Rejects(486))
    dial(house, "".join(f"<Number>{number}</Number>" for number in (FIRST, SECOND, THIRD)))
    caller = house.switch.call(NUMBER, from_=CALLER, sounds=A)
    caller.wait_hears(B)
    winner, loser = quick.wait_called(), slow.wait_called()
    winner.wait_hears(A)
    loser.wait_ended()
    assert loser.sip_status == 487
    assert busy.wait_called().sip_status == 486
    winner.hang_up()
    assert dialled(house)["DialCallStatus"] == "completed"


def test_a_caller_who_hangs_up_cancels_the_callees(house: House) -> None:
    targets = [house.switch.register(number, NeverAnswers()) for number in (FIRST, SECOND)]
    dial(house, f"<Number>{FIRST}</Number><Number>{SECOND}</Number>")
    caller = house.switch.call(NUMBER, from_=CALLER)
    callees = [target.wait_called() for target in targets]
    caller.hang_up()
    for callee in callees:
        callee.wait_ended()
        assert callee.sip_status == 487
    assert not house.application.to("/dialled")


def test_a_caller_who_hangs_up_ends_the_callee(house: House) -> None:
    dial(house, FIRST)
    caller, callee = connected(house)
    caller.hang_up()
    callee.wait_ended()
    assert not house.application.to("/dialled")


def test_the_time_limit_ends_the_conversation(house: House) -> None:
    dial(house, FIRST, timeLimit="2")
    caller, callee = connected(house)
    callee.wait_ended(4)
    fields = dialled(house)
    assert (fields["DialCallStatus"], fields["DialCallDuration"]) == ("completed", "2")
    caller.wait_hears(AFTER)


def test_a_star_ends_the_conversation_where_it_may(house: House) -> None:
    dial(house, FIRST, hangupOnStar="true")
    caller, callee = connected(house)
    caller.press("1")
    time.sleep(0.6)
    assert callee.state == "answered"
    caller.press("*")
    callee.wait_ended()
    assert dialled(house)["DialCallStatus"] == "completed"
    caller.wait_hears(AFTER)


def test_a_star_is_a_key_as_any_other_otherwise(house: House) -> None:
    dial(house, FIRST)
    caller, callee = connected(house)
    caller.press("*")
    callee.wait_digits("*")
    assert callee.state == "answered"
    callee.hang_up()
    dialled(house)


def test_the_callee_sees_who_calls(house: House) -> None:
    dial(house, FIRST, callerId="+15551112222", fromDisplayName="Front desk")
    target = house.switch.register(FIRST)
    house.switch.call(NUMBER, from_=CALLER)
    callee = target.wait_called()
    assert callee.caller == "+15551112222"
    if house.switch.kind == "freeswitch":
        assert '"Front desk"' in callee.request


def test_the_callee_sees_the_caller_where_the_document_names_nobody(house: House) -> None:
    dial(house, FIRST)
    target = house.switch.register(FIRST)
    house.switch.call(NUMBER, from_=CALLER)
    assert target.wait_called().caller == CALLER


def test_a_name_cannot_change_what_is_dialled(house: House) -> None:
    target = house.switch.register(FIRST)
    dial(house, FIRST, fromDisplayName="x}sofia/texml/evil@10.0.0.1,{a=b", callerId="+1,origination_uuid=7")
    house.switch.call(NUMBER, from_=CALLER)
    target.wait_called().wait_answered()
    assert len(target.calls) == 1


def test_keys_are_sent_before_the_two_are_connected(house: House) -> None:
    dial(house, f'<Number sendDigits="w12#">{FIRST}</Number>')
    target = house.switch.register(FIRST, Answers(sounds=B))
    caller = house.switch.call(NUMBER, from_=CALLER, sounds=A)
    callee = target.wait_called()
    callee.wait_digits("12#")
    caller.wait_hears(B)
    callee.wait_hears(A)


def test_a_whisper_is_heard_by_the_callee_alone(house: House) -> None:
    whisper = house.application.tone(WHISPER, 1.5)
    house.application.document("/whisper", f"<Response><Play>{whisper}</Play></Response>")
    dial(house, f'<Number url="/whisper">{FIRST}</Number>', ringTone="de")
    target = house.switch.register(FIRST, Answers(0.3, sounds=B))
    caller = house.switch.call(NUMBER, from_=CALLER, sounds=A)
    callee = target.wait_called()
    began = callee.wait_hears(WHISPER)
    assert not callee.hears_now(A)
    (request,) = house.application.to("/whisper")
    assert (request.fields["Direction"], request.fields["To"]) == ("outbound", FIRST)
    callee.wait_hears(A)
    caller.wait_hears(B)
    assert not caller.heard(WHISPER)
    if house.switch.kind == "freeswitch":
        ringing = sum(
            min(h.end, began + 1.5) - max(h.start, began) for h in caller.heard(425) if h.end > began
        )
        assert ringing > 0.3, "the ringing stopped at the whisper"
    callee.hang_up()
    assert dialled(house)["DialCallStatus"] == "completed"


def test_a_callee_can_be_asked_before_it_is_connected(house: House) -> None:
    """Keys go to the whisper's Gather and do not connect the two; its prompt is heard to its end."""
    prompt = house.application.tone(WHISPER, 1.5)
    ask = f'<Gather numDigits="2" action="/decide"><Play>{prompt}</Play></Gather><Hangup/>'
    house.application.document("/whisper", f"<Response>{ask}</Response>")
    house.application.document(
        "/decide", f"<Response><Play>{house.application.tone(1700, 1.0)}</Play></Response>"
    )
    dial(house, f'<Number url="/whisper">{FIRST}</Number>')
    target = house.switch.register(FIRST, Answers(sounds=B))
    caller = house.switch.call(NUMBER, from_=CALLER, sounds=A)
    callee = target.wait_called()
    callee.wait_hears(WHISPER)
    callee.press("1")
    callee.wait_stops_hearing(WHISPER)
    time.sleep(0.5)
    assert not callee.hears_now(A)
    callee.press("7")
    callee.wait_hears(1700)
    callee.wait_hears(A)
    caller.wait_hears(B)
    assert house.application.to("/decide")[0].fields["Digits"] == "17"


def test_a_whisper_can_hang_up(house: House) -> None:
    house.application.document("/whisper", "<Response><Hangup/></Response>")
    dial(house, f'<Number url="/whisper">{FIRST}</Number>')
    target = house.switch.register(FIRST, Answers(sounds=B))
    caller = house.switch.call(NUMBER, from_=CALLER)
    target.wait_called().wait_ended()
    assert dialled(house)["DialBridged"] == "false"
    caller.wait_hears(AFTER)
    assert not caller.heard(B)


def test_a_whisper_that_fails_keeps_nobody_apart(house: House) -> None:
    house.application.route("/whisper", 500)
    dial(house, f'<Number url="/whisper">{FIRST}</Number>')
    caller, callee = connected(house)
    assert house.log.has("no screening document")
    callee.hang_up()
    caller.wait_ended()


def test_a_callee_who_hangs_up_in_the_whisper(house: House) -> None:
    house.application.document("/whisper", '<Response><Pause length="60"/></Response>')
    dial(house, f'<Number url="/whisper">{FIRST}</Number>')
    target = house.switch.register(FIRST, Answers())
    caller = house.switch.call(NUMBER, from_=CALLER)
    callee = target.wait_called()
    house.application.wait_for("/whisper")
    callee.wait_answered()
    callee.hang_up()
    assert dialled(house)["DialBridged"] == "false"
    caller.wait_hears(AFTER)


def test_a_caller_who_hangs_up_in_the_whisper(house: House) -> None:
    house.application.document("/whisper", '<Response><Pause length="60"/></Response>')
    dial(house, f'<Number url="/whisper">{FIRST}</Number>')
    target = house.switch.register(FIRST, Answers())
    caller = house.switch.call(NUMBER, from_=CALLER)
    callee = target.wait_called()
    house.application.wait_for("/whisper")
    caller.hang_up()
    callee.wait_ended()


def test_ringing_is_heard_on_an_answered_call(house: House) -> None:
    dial(house, FIRST)
    target = house.switch.register(FIRST, NeverAnswers())
    caller = house.switch.call(NUMBER, from_=CALLER)
    target.wait_called()
    caller.wait_answered()
    if house.switch.kind == "freeswitch":
        deadline = time.monotonic() + 5
        while not sum(heard.end - heard.start for heard in caller.heard(US_RINGING, share=0.2)) > 0.5:
            assert time.monotonic() < deadline, "no ringing was heard"
            time.sleep(0.05)


def test_with_answer_on_bridge_the_caller_is_answered_when_the_callee_is(house: House) -> None:
    dial(house, FIRST, answerOnBridge="true")
    target = house.switch.register(FIRST, Answers(1.5, sounds=B))
    caller = house.switch.call(NUMBER, from_=CALLER, sounds=A)
    callee = target.wait_called()
    caller.wait_ringing()
    assert caller.state == "ringing"
    caller.wait_answered()
    assert caller.times["answered"] >= callee.times["answered"] - 0.1
    caller.wait_hears(B)
    callee.wait_hears(A)


def test_with_answer_on_bridge_a_caller_can_still_be_rejected(house: House) -> None:
    house.switch.register(FIRST, Rejects(486))
    house.voice(f"<Response><Dial answerOnBridge='true'>{FIRST}</Dial><Reject reason='busy'/></Response>")
    caller = house.switch.call(NUMBER, from_=CALLER)
    caller.wait_ended()
    assert caller.sip_status == 486


def test_a_ringing_of_ones_own(house: House) -> None:
    dial(house, FIRST, audioUrl="/ringing")
    house.application.route("/ringing", house_tone(house, 1100))
    target = house.switch.register(FIRST, NeverAnswers())
    caller = house.switch.call(NUMBER, from_=CALLER)
    target.wait_called()
    caller.wait_hears(1100)
    time.sleep(1.0)
    caller.wait_hears(1100)


def house_tone(house: House, hz: float) -> bytes:
    """The WAV itself."""
    import requests

    return requests.get(house.application.tone(hz, 0.5), timeout=5).content


def test_a_sip_address_is_called(house: House) -> None:
    address = house.switch.phones.address if house.switch.kind == "freeswitch" else "127.0.0.1:5060"
    target = house.switch.register("alice", Answers(sounds=B))
    dial(house, f"<Sip username='me' password='it is secret'>sip:alice@{address}</Sip>")
    caller = house.switch.call(NUMBER, from_=CALLER, sounds=A)
    callee = target.wait_called()
    caller.wait_hears(B)
    if house.switch.kind == "freeswitch":
        listing = house.switch.api("show channels as json")
        assert "it is secret" not in "\n".join(house.log.lines)
        assert listing
    callee.hang_up()
    assert dialled(house)["DialCallStatus"] == "completed"


@pytest.mark.parametrize(
    "noun", ["<Sip>sip:alice@10.9.8.7</Sip>", "<Sip>nonsense</Sip>", "<Number>call me</Number>"]
)
def test_a_number_that_may_not_be_called_is_a_failed_dial(house: House, noun: str) -> None:
    house.log.allows("not dialled")
    dial(house, noun)
    caller = house.switch.call(NUMBER, from_=CALLER)
    assert dialled(house)["DialCallStatus"] == "failed"
    caller.wait_hears(AFTER)


@pytest.mark.parametrize(
    ("value", "channels"),
    [("record-from-answer", 1), ("record-from-answer-dual", 2), ("record-from-ringing", 1)],
)
def test_both_parties_are_recorded(house: House, value: str, channels: int) -> None:
    house.application.takes_callbacks("/recording")
    dial(
        house,
        FIRST,
        record=value,
        recordingStatusCallback="/recording",
        recordingStatusCallbackEvent="in-progress completed",
    )
    _caller, callee = connected(house)
    time.sleep(1.5)
    callee.hang_up()
    fields = dialled(house)
    delivered = [request.fields for request in house.application.wait_for("/recording", 2)]
    assert [one["RecordingStatus"] for one in delivered] == ["in-progress", "completed"]
    assert delivered[0]["RecordingSource"] == "DialVerb"
    assert fields["RecordingUrl"] == delivered[1]["RecordingUrl"]
    path = house.switch.recordings_dir / f"{fields['RecordingSid']}.wav"
    assert soundfile.info(path).channels == channels
    if house.switch.kind == "freeswitch":
        samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
        mixed = np.ascontiguousarray(samples.max(axis=1))
        for hz in (A, B):
            assert sound.timeline(mixed, hz, rate=rate), f"{hz} Hz is not in the recording"


@pytest.mark.only("freeswitch")  # the emulator closes the file a moment after the leg is gone
def test_a_caller_who_hangs_up_leaves_the_recording_of_the_dial(house: House) -> None:
    house.application.takes_callbacks("/recording")
    dial(house, FIRST, record="record-from-answer", recordingStatusCallback="/recording")
    caller, callee = connected(house)
    time.sleep(1.0)
    caller.hang_up()
    (delivered,) = house.application.wait_for("/recording")
    assert delivered.fields["RecordingStatus"] == "completed"
    callee.wait_ended()
