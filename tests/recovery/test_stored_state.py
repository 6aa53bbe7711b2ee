"""A restart keeps what a call and a conference had: its place, its limits, its cookies, who is muted.

Each document has a verb before the one that runs, so that beginning again is heard; each limit is short
enough to see whether it began anew.
"""

from __future__ import annotations

import time

import gevent
import pytest
import requests

from tests.lab.phone import Answers
from tests.lab.web import Answer
from tests.scenarios.conftest import ACCOUNT, API_KEY, NUMBER, House
from tests.sound.common import until

FIRST, SECOND, MODERATOR, CALLEE = "+13125550002", "+13125550003", "+13125550009", "+13125550777"
BEFORE, AFTER, VOICE = 1500, 900, 500
LIMIT, SPENT = 7, 2.0


def restart(house: House, meanwhile: float = 0.0) -> None:
    house.stop()
    gevent.sleep(meanwhile)
    house.start()


def with_play_before(house: House, document: str) -> str:
    return document.replace("<Response>", f"<Response><Play>{house.application.tone(BEFORE, 0.3)}</Play>", 1)


def api(house: House, method: str, path: str, **form: str) -> dict[str, object]:
    assert house.orchestrator is not None
    url = f"http://127.0.0.1:{house.orchestrator.web.port}/v2/texml/Accounts/{ACCOUNT}{path}"
    headers = {"Authorization": f"Bearer {API_KEY}"}
    answer = requests.request(method, url, headers=headers, data=form, timeout=10)
    assert answer.ok, answer.text
    return dict(answer.json())


def test_a_document_goes_on_behind_the_conference(house: House) -> None:
    after = house.application.tone(AFTER, 2.0)
    guest = with_play_before(house, house.joins(after=f"<Play>{after}</Play>"))
    house.documents({FIRST: guest, MODERATOR: house.joins(endConferenceOnExit="true")})
    first = house.switch.call(NUMBER, from_=FIRST)
    house.delivered(2)
    moderator = house.switch.call(NUMBER, from_=MODERATOR)
    house.delivered(3)
    restarted_at = time.monotonic()
    restart(house)
    moderator.hang_up()
    first.wait_hears(AFTER, 10)
    assert not first.heard(BEFORE, since=restarted_at)
    first.wait_ended(10)
    assert len(house.application.to("/voice")) == 2


@pytest.mark.parametrize("noun", ["Conference", "Number"])
def test_a_time_limit_goes_on_where_it_stood(house: House, noun: str) -> None:
    target = house.switch.register(CALLEE, Answers(sounds=AFTER))
    joins = house.joins() if noun == "Conference" else f"<Response><Dial>{CALLEE}</Dial></Response>"
    house.voice(with_play_before(house, joins.replace("<Dial>", f'<Dial timeLimit="{LIMIT}">')))
    phone = house.switch.call(NUMBER, from_=FIRST)
    if noun == "Conference":
        house.delivered(2)
    else:
        target.wait_called(10)
        phone.wait_hears(AFTER, 10)
    began = time.monotonic()
    gevent.sleep(SPENT)
    restart(house, SPENT)
    phone.wait_ended(LIMIT + 5)
    # Counted anew it would be at least 11 s.
    assert LIMIT - 1.5 < time.monotonic() - began < LIMIT + 2


def test_silence_before_a_restart_counts_for_the_recording_s_time_limit(house: House) -> None:
    house.application.takes_callbacks("/recordings")
    house.voice(
        house.joins(
            record="record-from-start",
            recordingTimeout="6",
            recordingStatusCallback=house.application.url("/recordings"),
        )
    )
    phone = house.switch.call(NUMBER, from_=FIRST, sounds=VOICE)
    house.delivered(2)
    gevent.sleep(2)
    phone.sounds(None)
    silent_at = time.monotonic()
    gevent.sleep(SPENT)
    restart(house, SPENT)
    house.application.wait_for("/recordings", 1, 15)
    # Counted anew it would be at least 10 s.
    assert 5 < time.monotonic() - silent_at < 9
    phone.hang_up()


def test_cookies_go_on(house: House) -> None:
    first = Answer(
        '<Response><Pause length="3"/><Redirect>/next</Redirect></Response>',
        headers={"Content-Type": "application/xml", "Set-Cookie": "session=abc; Path=/"},
    )
    house.application.route("/voice", first)
    house.application.document("/next", "<Response><Hangup/></Response>")
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_ringing(10)
    gevent.sleep(0.5)
    restart(house)
    phone.wait_ended(10)
    (asked,) = house.application.to("/next")
    assert asked.headers["cookie"] == "session=abc"


@pytest.mark.parametrize("state", ["Muted", "Hold"])
def test_a_participant_stays_as_the_api_made_it(house: House, state: str) -> None:
    house.voice(house.joins(beep="false"))
    first = house.switch.call(NUMBER, from_=FIRST, sounds=VOICE)
    second = house.switch.call(NUMBER, from_=SECOND)
    sid = house.events(3)[0]["ConferenceSid"]
    call_sid = next(event["CallSid"] for event in house.events() if event["From"] == FIRST)
    second.wait_hears(VOICE, 10)
    path = f"/Conferences/{sid}/Participants/{call_sid}"
    api(house, "POST", path, **{state: "true"})
    until(lambda: not second.hears_now(VOICE), 10, "it is heard no more")
    restart(house, 0.5)
    gevent.sleep(2)
    assert not second.hears_now(VOICE)
    assert api(house, "GET", path)[state.lower()] is True
    api(house, "POST", path, **{state: "false"})
    second.wait_hears(VOICE, 10)
    for phone in (first, second):
        phone.hang_up()
    house.delivered(6)


def test_a_call_that_ended_meanwhile_is_reported_once_with_its_own_length(house: House) -> None:
    house.voice(with_play_before(house, '<Response><Pause length="60"/></Response>'))
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_answered(10)
    gevent.sleep(2)
    house.stop()
    phone.hang_up()
    phone.wait_ended(5)
    gevent.sleep(3)
    house.start()
    house.application.wait_for("/status", 1, 10)
    gevent.sleep(0.5)
    (delivered,) = [request.fields for request in house.application.to("/status")]
    assert (delivered["CallStatus"], delivered["From"], delivered["To"]) == ("completed", FIRST, NUMBER)
    assert 1 <= int(delivered["CallDuration"]) <= 3
    restart(house)
    gevent.sleep(0.5)
    assert len(house.application.to("/status")) == 1
