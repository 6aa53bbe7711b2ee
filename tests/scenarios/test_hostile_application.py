"""An application that attacks is to a caller like one that is broken."""

from __future__ import annotations

import gzip
import io

import numpy as np
import pytest
import soundfile

from tests.lab import sound
from tests.lab.softphones import Answers
from tests.lab.web import Answer
from tests.scenarios.conftest import House
from tests.texml.test_security import BILLION_LAUGHS, DOCTYPES

# Fetching does not depend on the switch.
pytestmark = pytest.mark.rather("emulator")

NUMBER, CALLER, CALLEE = "+13125550100", "+13125550001", "+13125550021"
HEARD, A, B = 700, 500, 900


def hours_of_silence() -> bytes:
    data = io.BytesIO()
    with soundfile.SoundFile(data, "w", 8000, 1, format="FLAC") as out:
        for _ in range(600):
            out.write(np.zeros(8000 * 10, np.int16))
    return data.getvalue()


BOMBS = {
    "billion laughs": Answer(BILLION_LAUGHS),
    "an external entity": Answer(DOCTYPES["external entity"]),
    "a gzip bomb": Answer(gzip.compress(bytes(50 << 20)), headers={"Content-Encoding": "gzip"}),
    "a redirect to a file": Answer(status=302, headers={"Location": "file:///etc/passwd"}),
    "a redirect to a metadata service": Answer(status=302, headers={"Location": "http://169.254.169.254/"}),
    "a play of a metadata service": Answer("<Response><Play>http://[::ffff:a9fe:a9fe]/a</Play></Response>"),
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_waiting_caller_hears_the_default_music_instead(house: House, bomb: str) -> None:
    house.application.route("/wait", BOMBS[bomb])
    house.voice(house.joins(startConferenceOnEnter="false", waitUrl="/wait"))
    phone = house.switch.call(NUMBER, from_=CALLER)
    phone.wait_hears(262, 8)
    assert house.log.has("the default music plays")


@pytest.mark.parametrize("bomb", list(BOMBS)[:5])
def test_a_callee_is_connected_without_its_whisper(house: House, bomb: str) -> None:
    house.application.route("/whisper", BOMBS[bomb])
    house.voice(f'<Response><Dial><Number url="/whisper">{CALLEE}</Number></Dial></Response>')
    target = house.switch.register(CALLEE, Answers(0.2, sounds=B))
    caller = house.switch.call(NUMBER, from_=CALLER, sounds=A)
    callee = target.wait_called()
    caller.wait_hears(B, 8)
    callee.wait_hears(A, 8)
    assert house.log.has("no screening document")


def test_audio_of_hours_is_not_played_and_the_call_goes_on(house: House) -> None:
    house.application.route("/long", Answer(hours_of_silence()))
    tone = house.application.tone(HEARD)
    house.voice(f"<Response><Play>/long</Play><Play>{tone}</Play></Response>")
    phone = house.switch.call(NUMBER, from_=CALLER)
    phone.wait_hears(HEARD, 30)
    assert house.log.has("longer than 3600 s")


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://169.254.169.254/a.wav", "http://a..b/", "x:" + "y" * 9000]
)
def test_a_text_that_is_no_url_is_not_played_and_the_call_goes_on(house: House, url: str) -> None:
    tone = house.application.tone(HEARD)
    house.voice(f"<Response><Play>{url}</Play><Play>{tone}</Play></Response>")
    phone = house.switch.call(NUMBER, from_=CALLER)
    phone.wait_hears(HEARD, 8)


@pytest.mark.parametrize("url", ["http://[::1", "http://169.254.169.254/", "ftp://127.0.0.1/"])
def test_callbacks_to_nowhere_keep_nobody_out_of_a_room(house: House, url: str) -> None:
    house.voice(house.joins(statusCallback=url, waitUrl=url, startConferenceOnEnter="false"))
    phone = house.switch.call(NUMBER, from_=CALLER)
    phone.wait_hears(262, 8)


def test_private_addresses_are_refused_to_all_where_the_settings_say_so(house: House) -> None:
    house.stop()
    house.log.allows("no instructions")
    house.start("network: {private_addresses: refuse}\n")
    house.voice("<Response/>")
    phone = house.switch.call(NUMBER, from_=CALLER)
    phone.wait_ended()
    assert phone.sip_status == 503
    assert house.log.has("127.0.0.1 is a private address, which network.private_addresses refuses")
    assert not house.application.requests


def test_a_password_in_a_url_is_in_no_line_of_the_log(house: House) -> None:
    secret = house.application.url("/broken").replace("//", "//ann:opensesame@")
    house.application.route("/broken", "<Response><Play>")
    house.application.document("/fallback", "<Response><Reject/></Response>")
    house.voice(f"<Response><Redirect>{secret}</Redirect></Response>")
    house.switch.call(NUMBER, from_=CALLER).wait_ended()
    assert house.log.has("trying the fallback")
    assert not house.log.has("opensesame")


def test_an_answer_that_is_a_long_song_is_played(house: House) -> None:
    house.stop()
    house.start("fetch: {max_bytes: 8000000}\n")
    song = io.BytesIO()
    soundfile.write(song, sound.tone(HEARD, 90), sound.RATE, format="WAV")
    assert len(song.getvalue()) > 1 << 20
    house.application.route("/voice", song.getvalue())
    phone = house.switch.call(NUMBER, from_=CALLER)
    phone.wait_hears(HEARD, 10)
