"""A restart in the middle of each verb, of a ringing phone and of a hold: what each of them had is kept.

The API shows the same of calls and participants before and after; reported events are not repeated.
"""

from __future__ import annotations

import time
from typing import Any

import gevent
import pytest
import requests

from tests.lab.softphones import Answers, NeverAnswers
from tests.lab.web import Answer
from tests.scenarios.conftest import ACCOUNT, API_KEY, NUMBER, House
from tests.sdk.conftest import Client
from tests.sound.common import recorded, recording_callbacks, until, watching

FIRST, CALLEE = "+13125550002", "+13125550777"
MAIN = "1568109700606592442"
BEEP, PROMPT, VOICE, AFTER = 1000, 700, 500, 900
ALL = "initiated ringing answered completed"


@pytest.fixture
def client(house: House) -> Client:
    return Client(house, ACCOUNT, API_KEY)


def restart(house: House, meanwhile: float = 0.5) -> float:
    """When it began, as phones count."""
    at = time.monotonic()
    house.stop()
    gevent.sleep(meanwhile)
    house.start()
    return at


def calls(client: Client, **more: str) -> str:
    form = {"To": CALLEE, "From": NUMBER, "ApplicationSid": MAIN} | more
    answer = client.ask("POST", "/Calls", data=form)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["sid"])


def statuses(house: House, path: str, count: int) -> list[tuple[str, str]]:
    """The callbacks to `path`, with nothing more a moment later."""
    house.application.wait_for(path, count, 15)
    gevent.sleep(0.7)
    return [(one.fields["SequenceNumber"], one.fields["CallStatus"]) for one in house.application.to(path)]


# Verbs


def test_a_prompt_that_a_key_has_silenced_stays_silent(house: House) -> None:
    tone = house.application.tone(PROMPT, 3.0)
    gather = f'<Gather numDigits="4" timeout="20" action="/got"><Play loop="0">{tone}</Play></Gather>'
    house.voice(f"<Response>{gather}</Response>")
    house.application.document("/got", "<Response><Hangup/></Response>")
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_hears(PROMPT)
    phone.press("1")
    phone.wait_stops_hearing(PROMPT, 5)
    gevent.sleep(0.5)
    restarted_at = restart(house)
    gevent.sleep(1.5)
    assert not phone.heard(PROMPT, since=restarted_at)
    phone.press("234")
    assert house.application.wait_for("/got", 1)[0].fields["Digits"] == "1234"
    phone.wait_ended(5)


def test_a_message_goes_on_without_another_beep_and_ends_at_its_longest(house: House) -> None:
    house.application.takes_callbacks("/recording")
    house.voice(
        '<Response><Record action="/done" maxLength="7" timeout="0" trim="do-not-trim" '
        'recordingStatusCallback="/recording" recordingStatusCallbackEvent="in-progress completed"/>'
        "</Response>"
    )
    house.application.document("/done", "<Response><Hangup/></Response>")
    phone = house.switch.call(NUMBER, from_=FIRST, sounds=VOICE)
    phone.wait_hears(BEEP)
    phone.wait_stops_hearing(BEEP, 5)
    house.application.wait_for("/recording", 1)
    began = time.monotonic()
    gevent.sleep(1.5)
    restarted_at = restart(house, 1.0)
    (done,) = house.application.wait_for("/done", 1, 15)
    assert 5.5 < time.monotonic() - began < 9.5, "its longest counts from its beginning"
    assert not phone.heard(BEEP, since=restarted_at)
    assert 6 <= int(done.fields["RecordingDuration"]) <= 8
    delivered = [one.fields for one in house.application.wait_for("/recording", 2, 10)]
    assert [(one["RecordingStatus"], one["RecordingSid"]) for one in delivered] == [
        ("in-progress", done.fields["RecordingSid"]),
        ("completed", done.fields["RecordingSid"]),
    ]


def test_a_wait_document_goes_on_with_the_verb_and_the_cookies_that_it_had(house: House) -> None:
    """The second document of a wait, at its second verb."""
    before, then = house.application.tone(VOICE, 0.6), house.application.tone(PROMPT, 2.5)
    house.application.document("/wait", "<Response><Redirect>/wait/second</Redirect></Response>")
    verbs = f"<Play>{before}</Play><Play>{then}</Play><Redirect method='GET'>third</Redirect>"
    house.application.route(
        "/wait/second",
        Answer(
            f"<Response>{verbs}</Response>",
            headers={"Content-Type": "application/xml", "Set-Cookie": "place=second; Path=/"},
        ),
    )
    house.application.document("/wait/third", f"<Response><Play>{then}</Play></Response>")
    house.voice(house.joins(startConferenceOnEnter="false", waitUrl="/wait", beep="false"))
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_hears(PROMPT, 10)
    restarted_at = restart(house)
    (asked,) = house.application.wait_for("/wait/third", 1, 10)
    assert not phone.heard(VOICE, since=restarted_at), "the document began again"
    assert (asked.method, asked.headers.get("cookie")) == ("GET", "place=second")
    assert len(house.application.to("/wait")) == len(house.application.to("/wait/second")) == 1
    phone.hang_up()


def test_a_wait_that_begins_anew_begins_with_its_first_verb(house: House) -> None:
    """The same call waits in one conference, then in another: the second wait has not begun when the
    orchestrator dies while its first document is asked for."""
    tone = house.application.tone(PROMPT, 4.0)
    menu = f'<Gather numDigits="2" timeout="30" action="/then"><Play loop="0">{tone}'
    house.application.document("/wait", f"<Response>{menu}</Play></Gather></Response>")
    house.application.document("/then", "<Response><Leave/></Response>")
    other = f"<Response>{menu}</Play></Gather></Response>"
    house.application.document("/other", other, delay=1.0)
    waits = {"startConferenceOnEnter": "false", "beep": "false"}
    first = house.joins("First", waitUrl="/wait", **waits)
    second = house.joins("Second", waitUrl="/other", **waits)
    dial = second.removeprefix("<Response>").removesuffix("</Response>")
    house.voice(first.replace("</Response>", f"{dial}</Response>"))
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_hears(PROMPT)
    phone.press("1")
    phone.wait_stops_hearing(PROMPT, 5)
    phone.press("2")
    house.application.wait_for("/other", 1, 10)
    restarted_at = restart(house, 0.2)
    phone.wait_hears(PROMPT, 10, since=restarted_at)
    phone.press("34")
    until(lambda: len(house.application.to("/then")) == 2, 10, "the second menu is answered")
    assert house.application.to("/then")[1].fields["Digits"] == "34"
    phone.wait_ended(10)


# Phones that ring


def test_a_call_that_rings_over_a_restart_keeps_its_time_limit_and_its_fallback(
    house: House, client: Client
) -> None:
    house.log.allows("instructions failed")
    target = house.switch.register(CALLEE, Answers(3.0, sounds=AFTER))
    house.application.route("/gone", 500)
    tone = house.application.tone(PROMPT, 20.0)
    house.application.document("/own-fallback", f"<Response><Play>{tone}</Play></Response>")
    url = house.application.url
    calls(client, Url=url("/gone"), FallbackUrl=url("/own-fallback"), TimeLimit="4")
    phone = target.wait_called(10)
    restart(house)
    phone.wait_answered(10)
    answered_at = time.monotonic()
    phone.wait_hears(PROMPT, 10)
    phone.wait_ended(12)
    assert 2.5 < time.monotonic() - answered_at < 7
    assert house.application.to("/fallback") == []


@pytest.mark.parametrize("by", ["api", "document"])
def test_reported_events_are_not_reported_again_and_the_numbers_go_on(
    house: House, client: Client, by: str
) -> None:
    """A restart while the phone rings, one while the two talk, one after the end."""
    house.application.takes_callbacks("/callee")
    target = house.switch.register(CALLEE, Answers(2.5, sounds=AFTER))
    if by == "api":
        house.voice("<Response><Pause length='60'/></Response>")
        calls(client, StatusCallback=house.application.url("/callee"), StatusCallbackEvent=ALL)
    else:
        noun = f'<Number statusCallback="/callee" statusCallbackEvent="{ALL}">{CALLEE}</Number>'
        house.voice(f"<Response><Dial>{noun}</Dial></Response>")
        house.switch.call(NUMBER, from_=FIRST)
    phone = target.wait_called(10)
    house.application.wait_for("/callee", 2, 10)
    restart(house)
    phone.wait_answered(10)
    assert statuses(house, "/callee", 3) == [("0", "initiated"), ("1", "ringing"), ("2", "in-progress")]
    restart(house)
    gevent.sleep(0.5)
    phone.hang_up()
    assert statuses(house, "/callee", 4)[2:] == [("2", "in-progress"), ("3", "completed")]
    restart(house)
    assert len(statuses(house, "/callee", 4)) == 4


def test_an_answer_that_nobody_heard_is_reported_with_its_own_time(house: House, client: Client) -> None:
    """Symptom: a call that answered during a restart was never reported as answered. Cause: what is seen of
    it at the next connect was its park alone. Fix: its answer comes before that."""
    house.application.takes_callbacks("/callee")
    target = house.switch.register(CALLEE, Answers(1.5, sounds=AFTER))
    house.voice("<Response><Pause length='60'/></Response>")
    sid = calls(client, StatusCallback=house.application.url("/callee"), StatusCallbackEvent=ALL)
    phone = target.wait_called(10)
    house.application.wait_for("/callee", 2, 10)
    house.stop()
    phone.wait_answered(10)
    gevent.sleep(2.0)
    house.start()
    delivered = ["initiated", "ringing", "in-progress", "completed"]
    assert [status for _, status in statuses(house, "/callee", 3)] == delivered[:3]
    call = client.ask("GET", f"/Calls/{sid}").json()
    assert call["status"] == "in-progress"
    phone.hang_up()
    assert [status for _, status in statuses(house, "/callee", 4)] == delivered
    fields = house.application.to("/callee")[3].fields
    assert int(fields["CallDuration"]) >= 2


def test_a_callee_that_answered_while_nobody_listened_was_connected(house: House) -> None:
    house.application.takes_callbacks("/callee")
    target = house.switch.register(CALLEE, Answers(1.5, sounds=AFTER))
    noun = f'<Number statusCallback="/callee" statusCallbackEvent="{ALL}">{CALLEE}</Number>'
    house.voice(f'<Response><Dial action="/after">{noun}</Dial></Response>')
    house.application.document("/after", "<Response><Hangup/></Response>")
    phone = house.switch.call(NUMBER, from_=FIRST)
    callee = target.wait_called(10)
    house.application.wait_for("/callee", 2, 10)
    house.stop()
    callee.wait_answered(10)
    gevent.sleep(2.0)
    house.start()
    gevent.sleep(1.0)
    callee.hang_up()
    (after,) = house.application.wait_for("/after", 1, 10)
    assert (after.fields["DialCallStatus"], after.fields["DialBridged"]) == ("completed", "true")
    assert int(after.fields["DialCallDuration"]) >= 2
    delivered = [status for _, status in statuses(house, "/callee", 4)]
    assert delivered == ["initiated", "ringing", "in-progress", "completed"]
    phone.wait_ended(5)


def test_the_numbers_of_a_call_s_statuses_go_on(house: House, client: Client) -> None:
    """Of one that came in, and whose statuses the API has sent elsewhere."""
    house.application.takes_callbacks("/other")
    tone = house.application.tone(PROMPT, 30.0)
    house.voice(f"<Response><Pause length='3'/><Play>{tone}</Play></Response>")
    phone = house.switch.call(NUMBER, from_=FIRST)
    (asked,) = house.application.wait_for("/voice", 1, 10)
    until(lambda: client.ask("GET", f"/Calls/{asked.fields['CallSid']}").status_code == 200)
    form = {"StatusCallback": house.application.url("/other"), "StatusCallbackEvent": "answered completed"}
    updated = client.ask("POST", f"/Calls/{asked.fields['CallSid']}", data=form)
    assert updated.status_code == 200, updated.text
    assert statuses(house, "/other", 1) == [("0", "in-progress")]
    restart(house)
    phone.hang_up()
    assert statuses(house, "/other", 2) == [("0", "in-progress"), ("1", "completed")]


def test_a_callee_that_ended_meanwhile_counts_against_no_limit(house: House) -> None:
    house.stop()
    house.start(trunks="    max_calls: 1\n")
    target = house.switch.register(CALLEE, Answers(0.1, sounds=AFTER))
    house.voice(f'<Response><Dial>{CALLEE}</Dial><Dial action="/after">{CALLEE}</Dial></Response>')
    house.application.document("/after", "<Response><Hangup/></Response>")
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_hears(AFTER, 10)
    house.stop()
    target.wait_called(5).hang_up()
    gevent.sleep(0.5)
    house.start(trunks="    max_calls: 1\n")
    second = target.wait_called(10, nth=2)
    second.wait_answered(10)
    gevent.sleep(0.5)
    second.hang_up()
    assert house.application.wait_for("/after", 1, 10)[0].fields["DialCallStatus"] == "completed"
    phone.wait_ended(5)


# Participants


def test_music_of_a_hold_goes_on_as_it_was_asked_for(house: House, client: Client) -> None:
    house.voice(house.joins(beep="false"))
    phone = house.switch.call(NUMBER, from_=FIRST)
    (joined,) = [event for event in house.events(2, 10) if event["StatusCallbackEvent"] == "participant-join"]
    music = house.application.tone(PROMPT, 1.0)
    path = f"/Conferences/{joined['ConferenceSid']}/Participants/{joined['CallSid']}"
    answer = client.ask("POST", path, data={"Hold": "true", "HoldUrl": music, "HoldMethod": "GET"})
    assert answer.status_code == 200, answer.text
    phone.wait_hears(PROMPT, 10)
    restart(house)
    # The playback that FreeSWITCH went on with has ended by then.
    gevent.sleep(2.5)
    until(lambda: phone.hears_now(PROMPT), 3, "it hears the music of its hold")
    phone.hang_up()


SHOWN = {"Label": "guest", "Muted": "true", "EndConferenceOnExit": "true", "StartConferenceOnEnter": "true"}


def test_the_api_shows_the_same_of_those_inside(house: House, client: Client) -> None:
    house.voice(house.joins(beep="false", participantLabel="first"))
    first = house.switch.call(NUMBER, from_=FIRST, sounds=VOICE)
    sid = house.events(2, 10)[0]["ConferenceSid"]
    target = house.switch.register(CALLEE, Answers(0.2))
    coached = next(event["CallSid"] for event in house.events() if event.get("From") == FIRST)
    form = {"To": CALLEE, "From": NUMBER, "Beep": "false"} | SHOWN
    form |= {"Coaching": "true", "CallSidToCoach": coached}
    guest = client.ask("POST", f"/Conferences/{sid}/Participants", data=form)
    assert guest.status_code == 200, guest.text
    target.wait_called(10)
    house.delivered(3, 10)
    before = shown(client, sid)
    assert {one["label"] for one in before["twilio"]["participants"]} == {"first", "guest"}
    assert [one["coaching_call_sid"] for one in before["telnyx"]["participants"]].count(coached) == 1
    restart(house)
    gevent.sleep(0.5)
    assert shown(client, sid) == before
    target.wait_called(5).hang_up()
    # endConferenceOnExit of the guest counts still.
    assert house.events(6, 10)[-1]["StatusCallbackEvent"] == "conference-end"
    first.wait_ended(10)


def shown(client: Client, sid: str) -> dict[str, Any]:
    """By each vendor's address, without what a restart may change."""
    found = {}
    for vendor, prefix in (("telnyx", "/v2/texml"), ("twilio", "/2010-04-01")):
        url = f"{client.base}{prefix}/Accounts/{ACCOUNT}"
        for what, path in (("", f"/Conferences/{sid}/Participants.json"), (" calls", "/Calls.json")):
            answer = requests.get(url + path, headers={"Authorization": f"Bearer {API_KEY}"}, timeout=10)
            assert answer.status_code == 200, answer.text
            found[vendor + what] = answer.json()
    for one in found["telnyx calls"]["calls"] + found["twilio calls"]["calls"]:
        del one["duration"], one["date_updated"]
    return found


def test_a_phone_that_never_answers_is_called_off_after_a_restart_too(house: House, client: Client) -> None:
    target = house.switch.register(CALLEE, NeverAnswers())
    form = {"To": CALLEE, "From": NUMBER, "ApplicationSid": MAIN}
    guest = client.ask("POST", "/Conferences/Room/Participants", data=form).json()
    phone = target.wait_called(10)
    restart(house)
    path = f"/Conferences/{guest['conference_sid']}/Participants/{guest['call_sid']}"
    assert client.ask("DELETE", path).status_code == 204
    phone.wait_ended(10)
    until(lambda: client.ask("GET", path).status_code == 404, 5, "nobody is in the conference")


# Meanwhile


def test_a_speaker_that_fell_silent_meanwhile_speaks_no_more(house: House) -> None:
    house.voice(house.joins(statusCallbackEvent="speaker"))
    phone = house.switch.call(NUMBER, from_=FIRST, sounds=VOICE)
    assert house.delivered(1, 10)[0][1] == "participant-speech-start"
    house.stop()
    phone.sounds(None)
    gevent.sleep(2.5)
    house.start()
    assert house.delivered(2, 5)[1][1] == "participant-speech-stop"
    phone.hang_up()


def test_the_end_of_a_message_is_reported_once_and_its_action_after_a_restart_too(house: House) -> None:
    house.application.takes_callbacks("/recording")
    house.voice(
        '<Response><Record action="/done" playBeep="false" timeout="0" '
        'recordingStatusCallback="/recording" recordingStatusCallbackEvent="in-progress completed absent"/>'
        "</Response>"
    )
    house.application.document("/done", "<Response/>", delay=3.0)
    phone = house.switch.call(NUMBER, from_=FIRST, sounds=VOICE)
    house.application.wait_for("/recording", 1, 10)
    gevent.sleep(1.5)
    phone.hang_up()
    (asked,) = house.application.wait_for("/done", 1, 10)
    restart(house)
    again = house.application.wait_for("/done", 2, 10)[1]
    for name in ("RecordingSid", "RecordingDuration"):
        assert again.fields[name] == asked.fields[name]
    gevent.sleep(1.0)
    delivered = [one.fields["RecordingStatus"] for one in house.application.to("/recording")]
    assert delivered == ["in-progress", "completed"]


@pytest.mark.parametrize("paused", [True, False], ids=["paused", "written"])
def test_a_conference_s_recording_is_again_as_the_api_left_it(
    house: House, client: Client, paused: bool
) -> None:
    """Somebody else pauses it, or goes on with it, while the orchestrator is away."""
    house.voice(house.joins(**recorded(house)))
    phone = house.switch.call(NUMBER, from_=FIRST, sounds=VOICE)
    (began,) = recording_callbacks(house, 1)
    conference, sid = began["ConferenceSid"], began["RecordingSid"]
    path = f"/Conferences/{conference}/Recordings/{sid}.json"
    if paused:
        assert client.ask("POST", path, data={"Status": "paused"}).status_code == 200
    assert house.orchestrator is not None
    there = house.orchestrator.node.call_context.call_recorder.files.path(sid)
    file = house.orchestrator.node.call_context.node.path_on_freeswitch(there)
    house.stop()
    other, ours = ("resume", "pause") if paused else ("pause", "resume")
    with watching(house) as watcher:
        house.switch.api(f"conference {conference} recording {other} {file}")
        watcher.wait(f"{other}-recording")
        house.start()
        watcher.wait(f"{ours}-recording", timeout=10)
    shown = client.ask("GET", path).json()["status"]
    assert shown == ("paused" if paused else "in-progress")
    phone.hang_up()
    recording_callbacks(house, 2, 15)
