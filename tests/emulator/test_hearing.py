"""The sound at phones: now, and its times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from orchestrator.emulator import EmulatedSwitch
from orchestrator.emulator.sound import RATE, SoundNotFound, open_sound
from tests.emulator.conftest import SCALE, Parked
from tests.emulator.socket_client import SocketClient


@pytest.fixture
def tune(tmp_path: Path) -> str:
    """Half a second of 700 Hz, half a second of nothing, one second of 1200 Hz."""
    path = tmp_path / "tune.wav"
    beats = [(700, 0.5), (0, 0.5), (1200, 1.0)]
    parts = [0.5 * np.sin(2 * np.pi * hz * np.arange(int(RATE * length)) / RATE) for hz, length in beats]
    soundfile.write(path, np.concatenate(parts), RATE)
    return str(path)


def test_a_file_is_heard_as_its_tones(client: SocketClient, parked: Parked, tune: str) -> None:
    phone, uuid = parked()
    client.execute(uuid, "playback", tune)
    client.wait("PLAYBACK_STOP")
    (low,), (high,) = phone.heard(700), phone.heard(1200)
    assert (low.end - low.start) / SCALE == pytest.approx(0.5, abs=0.15)
    assert (high.end - high.start) / SCALE == pytest.approx(1.0, abs=0.15)
    assert (high.start - low.end) / SCALE == pytest.approx(0.5, abs=0.25)
    assert phone.heard(440) == []
    assert phone.heard(700, shortest=1.0) == []
    start, samples = phone.audio()
    assert start == low.start
    assert np.abs(samples).max() > 5000


def test_voices_in_a_room_are_heard_while_they_may_speak(
    emulator: EmulatedSwitch, client: SocketClient, parked: Parked
) -> None:
    listener, first = parked()
    speaker, second = parked(sounds=500)
    for uuid in (first, second):
        client.execute(uuid, "conference", "room@texml")
        client.wait("add-member", Unique_ID=uuid)
    emulator.clock.sleep(0.5)
    client.api("conference room mute all")
    emulator.clock.sleep(0.5)
    client.api("conference room unmute all")
    emulator.clock.sleep(0.5)
    speaker.sounds(None)
    before, after = listener.heard(500)
    assert (after.start - before.end) / SCALE == pytest.approx(0.5, abs=0.2)


@pytest.mark.parametrize(
    ("name", "period", "loops", "moments"),
    [
        ("tone_stream://%(200,100,500)", 0.3, 1, {0.1: (500,), 0.25: ()}),
        ("tone_stream://%(200,100,350,440);loops=2", 0.3, 2, {0.1: (350, 440), 0.4: (350, 440), 0.7: ()}),
        (
            "tone_stream://%(200,0,500);%(200,0,600);loops=-1",
            0.4,
            0,
            {0.1: (500,), 0.3: (600,), 40.3: (600,)},
        ),
        ("silence_stream://1500", 1.5, 1, {0.5: ()}),
        ("file_string://tone_stream://%(100,0,500)!silence_stream://100", 0.2, 1, {0.05: (500,), 0.15: ()}),
        ("{volume=-2}tone_stream://%(100,0,500)", 0.1, 1, {0.05: (500,)}),
    ],
)
def test_names_of_sounds(
    name: str, period: float, loops: int, moments: dict[float, tuple[float, ...]]
) -> None:
    sound = open_sound(name)
    assert (sound.period, sound.loops) == (pytest.approx(period), loops)
    assert {at: sound.at(at) for at in moments} == moments


@pytest.mark.parametrize(
    "name", ["/nowhere.wav", "tone_stream://nonsense", "http://127.0.0.1/a.wav", "a.wav;loops=-1"]
)
def test_a_name_of_no_sound(name: str) -> None:
    with pytest.raises(SoundNotFound):
        open_sound(name)
