"""Say, Play and Pause, as a caller hears them."""

from __future__ import annotations

import io
import shutil
import time
from pathlib import Path

import pytest
import soundfile

from tests.lab import sound
from tests.lab.softphones import Phone
from tests.lab.web import Answer
from tests.scenarios.conftest import House

NUMBER = "+13125550100"
LAST = 1500
"""Hz of the tone that comes after what a test is about."""


def last(house: House) -> str:
    return f"<Play>{house.application.tone(LAST, 1.0)}</Play>"


def speech_seconds(phone: Phone, until: float) -> float:
    """How long something that is not quiet was heard before `until`."""
    start, samples = phone.audio()
    loud = [
        at
        for at in range(0, len(samples) - 160, 160)
        if start + at / sound.RATE < until and sound.rms_db(samples[at : at + 160]) > -45
    ]
    return len(loud) * 0.02


def mp3(hz: float, seconds: float) -> bytes:
    out = io.BytesIO()
    soundfile.write(out, sound.tone(hz, seconds), sound.RATE, format="MP3")
    return out.getvalue()


def test_a_text_is_spoken_and_the_document_goes_on(house: House) -> None:
    house.voice(f"<Response><Say>Good morning, and welcome.</Say>{last(house)}</Response>")
    phone = house.switch.call(NUMBER)
    heard = phone.wait_hears(LAST, 15)
    if house.switch.kind == "freeswitch":
        assert speech_seconds(phone, heard) > 0.7
    phone.wait_ended(5)
    assert phone.sip_status == 200


@pytest.mark.only("freeswitch")
def test_loop_says_it_again(house: House) -> None:
    house.voice(f'<Response><Say loop="3">Again.</Say>{last(house)}</Response>')
    thrice = house.switch.call(NUMBER)
    three = speech_seconds(thrice, thrice.wait_hears(LAST, 15))
    house.voice(f"<Response><Say>Again.</Say>{last(house)}</Response>")
    once = house.switch.call(NUMBER)
    one = speech_seconds(once, once.wait_hears(LAST, 15))
    assert 2.2 < three / one < 3.8


@pytest.mark.parametrize(
    "text",
    [
        "She said: “it's 'quoted' and \"quoted\"”",
        "one\ntwo\r\n\tthree",
        "a | b | flite|slt|c",
        "${system(touch {file})} $${hostname} ${uuid}",
        "\\n \\t \\s back\\slash",
        "&lt;angle&gt; &amp; ampersand",
        "@vars {a=b}[c=d]^^;x",
        "reload mod_event_socket",
        "größer – 你好 🙂",
    ],
)
def test_any_text_is_only_spoken(house: House, tmp_path: Path, text: str) -> None:
    bait = tmp_path / "bait"
    house.voice(f"<Response><Say>{text.replace('{file}', str(bait))}</Say>{last(house)}</Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_hears(LAST, 20)
    phone.wait_ended(5)
    assert not bait.exists()


@pytest.mark.skipif(not shutil.which("espeak-ng"), reason="no espeak-ng here")
def test_another_engine_speaks(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A path of its own would be read out, all of it.
    monkeypatch.chdir(tmp_path)
    house.stop()
    house.start(
        "speech:\n  engine: command\n  default_voice: en\n"
        "  command: [espeak-ng, -v, '{voice}', -f, '{text_file}', -w, '{out}']\n"
    )
    text = "Good morning; $(touch bait) `touch bait` 'and' \"welcome\""
    house.voice(f"<Response><Say>{text}</Say>{last(house)}</Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_ended(20)
    ((tone_began, _, _),) = phone.heard(LAST, shortest=0.8)
    assert speech_seconds(phone, tone_began) > 0.7
    assert not (tmp_path / "bait").exists()


def test_an_engine_that_fails_is_logged_and_the_document_goes_on(house: House) -> None:
    house.stop()
    house.start(
        "speech:\n  engine: command\n  default_voice: en\n  command: ['false', '{text_file}', '{out}']\n"
    )
    house.log.allows("nothing said")
    house.voice(f"<Response><Say>Nobody hears this.</Say>{last(house)}</Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_hears(LAST)
    phone.wait_ended()
    assert house.log.has("nothing said", "false")


def test_an_mp3_is_played(house: House) -> None:
    house.application.route("/song", Answer(mp3(700, 2.0), headers={"Content-Type": "audio/mpeg"}))
    house.voice("<Response><Play>/song</Play></Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_hears(700)
    phone.wait_ended()


def test_loop_plays_it_again(house: House) -> None:
    tone = house.application.tone(700, 0.5)
    house.voice(f'<Response><Play loop="3">{tone}</Play>{last(house)}</Response>')
    phone = house.switch.call(NUMBER)
    phone.wait_hears(LAST)
    seconds = sum(heard.end - heard.start for heard in phone.heard(700))
    assert 1.3 < seconds < 1.9
    assert len([request for request in house.application.requests if "tone-700" in request.path]) == 1


def test_loop_0_plays_until_the_caller_hangs_up(house: House) -> None:
    house.voice(f'<Response><Play loop="0">{house.application.tone(700, 0.3)}</Play></Response>')
    phone = house.switch.call(NUMBER)
    started = phone.wait_hears(700)
    while time.monotonic() < started + 1.5:
        phone.wait_hears(700)
    assert phone.state == "answered"
    phone.hang_up()
    phone.wait_ended()


def test_digits_are_sent_and_nothing_is_played(house: House) -> None:
    tone = house.application.tone(700)
    house.voice(f'<Response><Play digits="12w*0#">{tone}</Play><Hangup/></Response>')
    phone = house.switch.call(NUMBER)
    phone.wait_digits("12*0#", 8)
    phone.wait_ended()
    assert not [request for request in house.application.requests if "tone" in request.path]


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        pytest.param(404, "answered 404", id="not there"),
        pytest.param(
            Answer(b"GARBAGE" * 999, headers={"Content-Type": "audio/wav"}), "not audio", id="garbage"
        ),
        pytest.param(Answer(b"", headers={"Content-Type": "audio/wav"}), "not audio", id="nothing"),
        pytest.param(Answer(b"RIFF\x24\0\0\0WAVEfmt ", headers={}), "not audio", id="cut off"),
    ],
)
def test_a_sound_that_cannot_be_played_is_logged_and_the_next_verb_runs(
    house: House, answer: Answer | int, problem: str
) -> None:
    house.application.route("/broken", answer)
    house.voice(f"<Response><Play>/broken</Play>{last(house)}</Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_hears(LAST)
    phone.wait_ended()
    assert house.log.has("nothing played", problem)


def test_audio_longer_than_allowed_is_not_played(house: House) -> None:
    house.stop()
    house.start("media:\n  max_seconds: 1\n")
    house.voice(f"<Response><Play>{house.application.tone(700, 2.0)}</Play>{last(house)}</Response>")
    phone = house.switch.call(NUMBER)
    phone.wait_hears(LAST)
    assert not phone.heard(700)
    assert house.log.has("longer than 1 s")


def test_a_pause_is_as_long_as_it_says(house: House) -> None:
    first, second = house.application.tone(700, 0.5), house.application.tone(900, 0.5)
    house.voice(f'<Response><Play>{first}</Play><Pause length="2"/><Play>{second}</Play></Response>')
    phone = house.switch.call(NUMBER)
    began = phone.wait_hears(900)
    ended = phone.heard(700)[-1].end
    assert 1.9 < began - ended < 4


def test_a_pause_does_not_answer_and_a_playback_does(house: House) -> None:
    house.voice(f'<Response><Pause length="2"/><Play>{house.application.tone(700)}</Play></Response>')
    phone = house.switch.call(NUMBER)
    (request,) = house.application.wait_for("/voice")
    assert request.fields["CallStatus"] == "ringing"
    phone.wait_answered(5)
    assert phone.times["answered"] - request.at > 1.8
    phone.wait_hears(700)
    phone.wait_ended()


def test_the_first_document_is_fetched_while_it_rings(house: House) -> None:
    house.application.document("/voice", f"<Response>{last(house)}</Response>", delay=1.0)
    phone = house.switch.call(NUMBER)
    (request,) = house.application.wait_for("/voice")
    assert request.fields["CallStatus"] == "ringing"
    assert phone.state in ("calling", "ringing")
    phone.wait_answered()
    phone.wait_ended()


def test_a_voice_that_is_not_there_is_said_so_and_another_speaks(house: House) -> None:
    house.voice('<Response><Say voice="alice" language="de-DE">Guten Tag</Say></Response>')
    phone = house.switch.call("+13125550100")
    phone.wait_ended(10)
    assert house.log.has("voice not there")
