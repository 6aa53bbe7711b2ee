"""`record`: a WAV file of what the phone said."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.emulator import EmulatedSwitch
from orchestrator.emulator.sound import sound_file
from tests.emulator.conftest import Parked
from tests.emulator.socket_client import SocketClient


def test_a_recording_has_the_phone_s_voice_and_length(
    emulator: EmulatedSwitch, client: SocketClient, parked: Parked, tmp_path: Path
) -> None:
    path = tmp_path / "new" / "a.wav"
    phone, uuid = parked(sounds=500)
    client.execute(uuid, "record", f"{path} 2")
    client.wait("RECORD_START")
    emulator.clock.sleep(1)
    phone.sounds(None)
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", Application="record")
    sound = sound_file(str(path))
    assert sound.period == pytest.approx(2, abs=0.15)
    assert sound.at(0.3) == pytest.approx((500,), rel=0.02)
    assert sound.at(1.7) == ()
    assert int(done["variable_record_ms"]) == pytest.approx(2000, abs=150)
    assert done["variable_record_seconds"] == "2"


def test_a_terminator_ends_it(client: SocketClient, parked: Parked, tmp_path: Path) -> None:
    phone, uuid = parked()
    client.execute(uuid, "set", "playback_terminators=#")
    client.execute(uuid, "record", f"{tmp_path}/a.wav 60")
    client.wait("RECORD_START")
    phone.press("1#")
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", Application="record")
    assert done["variable_playback_terminator_used"] == "#"


def test_silence_ends_it(client: SocketClient, parked: Parked, tmp_path: Path) -> None:
    _, uuid = parked()
    client.execute(uuid, "record", f"{tmp_path}/a.wav 60 200 1")
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", Application="record")
    assert done["variable_silence_hits_exhausted"] == "true"


def test_a_file_that_cannot_be_written_ends_the_call(client: SocketClient, parked: Parked) -> None:
    _phone, uuid = parked()
    client.execute(uuid, "record", "/proc/nothing/a.wav 60")
    assert client.wait("CHANNEL_HANGUP")["Hangup-Cause"] == "DESTINATION_OUT_OF_ORDER"
