"""waitUrl: what callers hear until their conference starts."""

from __future__ import annotations

import io
import time

import pytest
import soundfile

from tests.lab import sound
from tests.lab.web import Answer, Request
from tests.scenarios.conftest import House

NUMBER = "+13125550100"
FIRST, SECOND, MODERATOR = "+13125550001", "+13125550002", "+13125550003"
MUSIC, TALK = 700, 1100


def waits(house: House, **attributes: str) -> None:
    house.documents(
        {
            FIRST: house.joins(startConferenceOnEnter="false", **attributes),
            SECOND: house.joins(startConferenceOnEnter="false", **attributes),
            MODERATOR: house.joins(beep="false"),
        }
    )


@pytest.mark.parametrize("kind", ["WAV", "MP3"])
def test_audio_is_played_over_and_over(house: House, kind: str) -> None:
    out = io.BytesIO()
    soundfile.write(out, sound.tone(MUSIC, 0.5), sound.RATE, format=kind)
    house.application.route("/music", Answer(out.getvalue(), headers={"Content-Type": "audio/x"}))
    waits(house, waitUrl="/music")
    phone = house.switch.call(NUMBER, from_=FIRST)
    began = phone.wait_hears(MUSIC)
    while time.monotonic() < began + 2.0:
        phone.wait_hears(MUSIC, 1)
    (request,) = house.application.to("/music")
    assert (request.method, request.fields["From"]) == ("POST", FIRST)


def test_a_document_is_run_and_asked_for_again(house: House) -> None:
    tone = house.application.tone(MUSIC, 0.5)
    house.application.document("/wait", f'<Response><Play>{tone}</Play><Pause length="1"/></Response>')
    waits(house, waitUrl="/wait")
    phone = house.switch.call(NUMBER, from_=FIRST)
    first, second, third = house.application.wait_for("/wait", 3, 10)
    assert 1.4 < second.at - first.at < 2.5
    assert first.fields["CallSid"] == third.fields["CallSid"]
    phone.wait_hears(MUSIC)


def test_waiting_documents_say_and_redirect(house: House) -> None:
    house.application.document(
        "/wait", "<Response><Say>Please wait.</Say><Redirect>/more</Redirect></Response>"
    )
    house.application.document(
        "/more", f"<Response><Play loop='0'>{house.application.tone(MUSIC)}</Play></Response>"
    )
    waits(house, waitUrl="/wait")
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_hears(MUSIC, 10)
    assert len(house.application.to("/wait")) == 1


def test_an_empty_document_is_not_asked_for_in_a_busy_loop(house: House) -> None:
    house.application.document("/wait", "<Response/>")
    waits(house, waitUrl="/wait")
    house.switch.call(NUMBER, from_=FIRST)
    first, second, third = house.application.wait_for("/wait", 3, 8)
    assert second.at - first.at > 0.9
    assert third.at - second.at > 0.9


def test_every_caller_has_a_document_of_its_own(house: House) -> None:
    tones = {FIRST: house.application.tone(MUSIC, 5.0), SECOND: house.application.tone(1300, 5.0)}

    def document(request: Request) -> str:
        return f"<Response><Play>{tones[request.fields['From']]}</Play></Response>"

    house.application.route("/wait", document)
    waits(house, waitUrl="/wait")
    one = house.switch.call(NUMBER, from_=FIRST)
    two = house.switch.call(NUMBER, from_=SECOND)
    one.wait_hears(MUSIC)
    two.wait_hears(1300)
    assert not one.hears_now(1300)
    assert not two.hears_now(MUSIC)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_method_is_as_asked(house: House, method: str) -> None:
    house.application.document("/wait", "<Response/>")
    waits(house, waitUrl="/wait", waitMethod=method)
    house.switch.call(NUMBER, from_=FIRST)
    assert house.application.wait_for("/wait")[0].method == method


def test_an_empty_url_is_silence(house: House) -> None:
    waits(house, waitUrl="")
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_answered()
    house.delivered(1)
    phone.wait_quiet(3, 1.0)


def test_no_url_is_the_built_in_music(house: House) -> None:
    waits(house)
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_answered()
    wait_for_sound(phone)


@pytest.mark.parametrize(
    "answer",
    [
        404,
        500,
        "<Response><Play>",
        Answer(b"GARBAGE" * 99, headers={"Content-Type": "audio/wav"}),
        Answer(b"\x00\x01\x02" * 99, headers={"Content-Type": "application/octet-stream"}),
    ],
    ids=["not there", "error", "broken XML", "broken audio", "neither"],
)
def test_an_unusable_wait_url_becomes_the_default_music_and_a_warning(
    house: House, answer: Answer | int
) -> None:
    house.application.route("/wait", answer)
    waits(house, waitUrl="/wait")
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_answered()
    wait_for_sound(phone)
    assert house.log.has("waitUrl failed")


def test_a_sound_in_a_document_that_fails_becomes_the_default_music(house: House) -> None:
    house.application.document("/wait", "<Response><Play>/gone</Play></Response>")
    waits(house, waitUrl="/wait")
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_answered()
    wait_for_sound(phone)


@pytest.mark.parametrize("what", ["audio", "document", "say", "default"])
def test_it_stops_when_the_conference_starts(house: House, what: str) -> None:
    tone = house.application.tone(MUSIC, 20.0)
    text = "Please wait until somebody comes. " * 30
    house.application.document("/document", f"<Response><Play>{tone}</Play></Response>")
    house.application.document("/say", f"<Response><Say>{text}</Say></Response>")
    urls = {"audio": {"waitUrl": tone}, "document": {"waitUrl": "/document"}, "say": {"waitUrl": "/say"}}
    waits(house, **urls.get(what, {}))
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_answered()
    if what in ("audio", "document"):
        phone.wait_hears(MUSIC)
    else:
        time.sleep(0.7)
    moderator = house.switch.call(NUMBER, from_=MODERATOR)
    house.delivered(3)
    phone.wait_quiet(3, 0.5)
    moderator.sounds(TALK)
    phone.wait_hears(TALK)
    assert not phone.hears_now(MUSIC)


def test_a_caller_who_hangs_up_while_waiting_is_gone(house: House) -> None:
    waits(house, waitUrl=house.application.tone(MUSIC, 20.0))
    phone = house.switch.call(NUMBER, from_=FIRST)
    phone.wait_hears(MUSIC)
    phone.hang_up()
    assert [event for _, event, _ in house.delivered(3)][-1] == "conference-end"


def wait_for_sound(phone: object, timeout: float = 10.0) -> None:
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        _, samples = phone.audio(time.monotonic() - 0.5)  # type: ignore[attr-defined]
        if len(samples) and sound.rms_db(samples) > -45:
            return
        time.sleep(0.05)
    raise AssertionError("no music was heard")
