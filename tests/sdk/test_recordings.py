"""Recordings as both vendors' clients ask for them: of a call, of a conference, and their audio."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import gevent
import pytest
import requests
import soundfile
import telnyx
from twilio.base.exceptions import TwilioRestException
from twilio.rest import Client as Twilio

from tests.lab.softphones import Answers
from tests.scenarios.conftest import ACCOUNT, API_KEY, OTHER_ACCOUNT, OTHER_API_KEY, House
from tests.sdk.conftest import Client
from tests.sdk.test_twilio import Here
from tests.sound.common import ROOM, recorded, recording_callbacks, until

ANNA, GUEST = "+13125550002", "+13125550021"


@pytest.fixture
def twilio(client: Client) -> Any:
    return Twilio(ACCOUNT, API_KEY, http_client=Here(client.base))


def begin_in_conference(house: House) -> tuple[Any, dict[str, str]]:
    house.voice(house.joins(**recorded(house)))
    phone = house.switch.call(ROOM, from_=ANNA, sounds=500)
    (began,) = recording_callbacks(house, 1)
    return phone, began


def begin_in_call(house: House, client: Client) -> tuple[Any, str]:
    house.application.takes_callbacks("/recording")
    house.voice(f"<Response><Play loop='9'>{house.application.tone(1500, 9.0)}</Play></Response>")
    phone = house.switch.call(ROOM, from_=ANNA, sounds=500)
    phone.wait_hears(1500, 10)
    return phone, house.application.to("/voice")[-1].fields["CallSid"]


def of_twilio(twilio: Any, where: str, owner: str, sid: str) -> Any:
    owners = twilio.conferences if where == "conference" else twilio.calls
    return owners(owner).recordings(sid)


@pytest.mark.parametrize("named", ["by its sid", "as the current one"])
@pytest.mark.parametrize("where", ["conference", "call"])
def test_twilios_client_pauses_resumes_stops_and_deletes_a_recording(
    house: House, client: Client, twilio: Any, where: str, named: str
) -> None:
    if where == "conference":
        phone, began = begin_in_conference(house)
        owner, sid = began["ConferenceSid"], began["RecordingSid"]
    else:
        phone, owner = begin_in_call(house, client)
        started = twilio.calls(owner).recordings.create(
            recording_status_callback=house.application.url("/recording")
        )
        sid = started.sid
    asked = of_twilio(twilio, where, owner, sid if named == "by its sid" else "Twilio.CURRENT")
    assert (asked.fetch().sid, asked.fetch().status) == (sid, "in-progress")
    with pytest.raises(TwilioRestException):
        asked.delete()
    gevent.sleep(1.0)
    assert asked.update(status="paused").status == "paused"
    assert asked.fetch().status == "paused"
    assert asked.update(status="paused", pause_behavior="skip").status == "paused"
    assert asked.update(status="in-progress").status == "in-progress"
    gevent.sleep(0.5)
    assert asked.update(status="stopped").status == "stopped"
    by_sid = of_twilio(twilio, where, owner, sid)
    until(lambda: by_sid.fetch().status == "completed", 10, "it is completed")
    assert int(by_sid.fetch().duration) >= 1
    with pytest.raises(TwilioRestException) as gone:
        of_twilio(twilio, where, owner, "Twilio.CURRENT").fetch()
    assert gone.value.status == 404
    with pytest.raises(TwilioRestException):
        by_sid.update(status="in-progress")
    assert by_sid.delete() is True
    with pytest.raises(TwilioRestException):
        by_sid.fetch()
    phone.hang_up()


def test_telnyxs_client_pauses_and_ends_the_current_recording_of_a_call(house: House, client: Client) -> None:
    phone, call_sid = begin_in_call(house, client)
    begun = client.calls.recordings_json.recordings_json(call_sid, account_sid=ACCOUNT, play_beep=False)
    for sid, status in (("Twilio.CURRENT", "paused"), (begun.sid, "in-progress"), (begun.sid, "stopped")):
        gevent.sleep(0.6)
        changed = client.calls.recordings.recording_sid_json(
            sid, account_sid=ACCOUNT, call_sid=call_sid, status=status
        )
        assert (changed.sid, changed.status) == (begun.sid, status)
    read = client.sdk.texml.accounts.recordings.json

    def completed() -> bool:
        found = read.retrieve_recording_sid_json(begun.sid, account_sid=ACCOUNT)
        assert found.status in ("stopped", "completed")
        return bool(found.status == "completed")

    until(completed, 10, "it is completed")
    read.delete_recording_sid_json(begun.sid, account_sid=ACCOUNT)
    with pytest.raises(telnyx.NotFoundError):
        read.retrieve_recording_sid_json(begun.sid, account_sid=ACCOUNT)
    phone.hang_up()


def test_a_recording_of_a_dial_is_paused_and_ended(house: House, client: Client, twilio: Any) -> None:
    house.application.takes_callbacks("/recording")
    attributes = "record='record-from-answer' recordingStatusCallback='/recording' action='/done'"
    house.voice(f"<Response><Dial {attributes}>{GUEST}</Dial></Response>")
    house.application.document("/done", "<Response><Hangup/></Response>")
    target = house.switch.register(GUEST, Answers(0.2, sounds=900))
    phone = house.switch.call(ROOM, from_=ANNA, sounds=500)
    callee = target.wait_called(10)
    phone.wait_hears(900, 10)
    call_sid = house.application.to("/voice")[-1].fields["CallSid"]
    current = twilio.calls(call_sid).recordings("Twilio.CURRENT")
    gevent.sleep(1.2)
    for status in ("paused", "in-progress", "stopped"):
        assert current.update(status=status).status == status
        phone.wait_hears(900, 5)
    (completed,) = recording_callbacks(house, 1)
    assert (completed["RecordingStatus"], completed["RecordingSource"]) == ("completed", "DialVerb")
    callee.hang_up()
    (asked,) = house.application.wait_for("/done", 1, 10)
    assert asked.fields["RecordingSid"] == completed["RecordingSid"]
    phone.wait_ended(10)
    assert len(house.application.to("/recording")) == 1


def test_a_message_that_record_takes_is_ended_and_not_paused(
    house: House, client: Client, twilio: Any
) -> None:
    house.voice("<Response><Record playBeep='false' timeout='0' action='/done'/></Response>")
    house.application.document("/done", "<Response><Hangup/></Response>")
    phone = house.switch.call(ROOM, from_=ANNA, sounds=500)
    phone.wait_answered(10)
    call_sid = house.application.wait_for("/voice")[-1].fields["CallSid"]
    until(lambda: twilio.calls(call_sid).recordings.list(), 10, "it has begun")
    current = twilio.calls(call_sid).recordings("Twilio.CURRENT")
    with pytest.raises(TwilioRestException, match="can be stopped, not paused"):
        current.update(status="paused")
    gevent.sleep(1.2)
    assert current.update(status="stopped").status == "stopped"
    (asked,) = house.application.wait_for("/done", 1, 10)
    assert int(asked.fields["RecordingDuration"]) >= 1
    phone.wait_ended(10)


def test_somebody_elses_recording_is_not_there(house: House, client: Client, outsider: Client) -> None:
    phone, began = begin_in_conference(house)
    for path in (
        f"/Conferences/{began['ConferenceSid']}/Recordings/{began['RecordingSid']}.json",
        f"/Conferences/{began['ConferenceSid']}/Recordings/Twilio.CURRENT.json",
    ):
        assert outsider.ask("GET", path).status_code == 404
        assert outsider.ask("POST", path, data={"Status": "stopped"}).status_code == 404
        assert outsider.ask("DELETE", path).status_code == 404
        assert client.ask("GET", path).status_code == 200
    other = f"/Conferences/{began['CallSid']}/Recordings/{began['RecordingSid']}.json"
    assert client.ask("GET", other).status_code == 404
    phone.hang_up()


def completed_recording(house: House) -> dict[str, str]:
    phone, _ = begin_in_conference(house)
    gevent.sleep(1.3)
    phone.hang_up()
    return recording_callbacks(house, 2)[-1]


def kind_of(answer: requests.Response) -> str:
    assert answer.status_code == 200, answer.text
    with soundfile.SoundFile(BytesIO(answer.content)) as audio:
        assert audio.frames > 0
        return str(audio.format)


def test_the_audio_is_where_both_vendors_have_it(house: House, client: Client, twilio: Any) -> None:
    delivered = completed_recording(house)
    sid = delivered["RecordingSid"]
    of_twilio = f"{client.base}/2010-04-01/Accounts/{ACCOUNT}/Recordings/{sid}"
    of_telnyx = f"{client.base}/v2/texml/Accounts/{ACCOUNT}/Recordings/{sid}"
    key = (ACCOUNT, API_KEY)
    for url in (of_twilio, of_telnyx, delivered["RecordingUrl"]):
        for suffix, kind in ((".mp3", "MP3"), (".wav", "WAV")):
            assert kind_of(requests.get(url + suffix, timeout=10)) == kind
            assert kind_of(requests.get(url + suffix, timeout=10, auth=key)) == kind
    assert kind_of(requests.get(of_twilio, timeout=10, auth=key)) == "WAV"
    assert kind_of(requests.get(f"{client.base}/recordings/{sid}", timeout=10)) == "WAV"
    found = twilio.recordings(sid).fetch()
    assert kind_of(requests.get(client.base + found.uri.replace(".json", ".mp3"), timeout=10)) == "MP3"
    outsider = (OTHER_ACCOUNT, OTHER_API_KEY)
    assert requests.get(f"{of_twilio}.mp3", timeout=10, auth=outsider).status_code == 404
    assert requests.get(f"{of_twilio}.mp3", timeout=10, auth=(ACCOUNT, "wrong")).status_code == 401
    assert twilio.recordings(sid).delete() is True
    for suffix in ("", ".mp3", ".wav"):
        assert requests.get(of_twilio + suffix, timeout=10, auth=key).status_code == 404


def test_a_signed_address_is_as_good_with_a_suffix_and_needed_where_no_key_is_given(
    house: House, client: Client
) -> None:
    house.stop()
    house.start(more="recordings: {url_lifetime_secs: 600}")
    delivered = completed_recording(house)
    url = delivered["RecordingUrl"]
    query = url.partition("?")[2]
    rest = f"{client.base}/2010-04-01/Accounts/{ACCOUNT}/Recordings/{delivered['RecordingSid']}"
    for suffix, kind in ((".mp3", "MP3"), (".wav", "WAV")):
        assert kind_of(requests.get(url + suffix, timeout=10)) == kind
        assert kind_of(requests.get(f"{rest}{suffix}?{query}", timeout=10)) == kind
        assert requests.get(rest + suffix, timeout=10).status_code == 401
        assert kind_of(requests.get(rest + suffix, timeout=10, auth=(ACCOUNT, API_KEY))) == kind


def test_a_message_that_is_kept_as_mp3_is_given_as_wav_too(house: House, client: Client) -> None:
    house.voice("<Response><Record playBeep='false' maxLength='1' action='/done'/></Response>")
    house.application.document("/done", "<Response><Hangup/></Response>")
    phone = house.switch.call(ROOM, from_=ANNA, sounds=500)
    (asked,) = house.application.wait_for("/done", 1, 10)
    url = asked.fields["RecordingUrl"]
    assert url.endswith(".mp3")
    assert kind_of(requests.get(url, timeout=10)) == "MP3"
    assert kind_of(requests.get(url + ".wav", timeout=10)) == "WAV"
    assert kind_of(requests.get(url.removesuffix(".mp3"), timeout=10)) in ("MP3", "WAV")
    phone.wait_ended(10)
