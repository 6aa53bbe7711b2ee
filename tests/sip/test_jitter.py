"""The sound of a participant whose packets come late and out of order.

Symptom: with 40 ms of jitter there was as much noise as sound. Cause: without a jitter buffer FreeSWITCH
plays packets as they come. Fix: auto-jitterbuffer-msec in the SIP profile, FS_JITTER_BUFFER.
"""

from __future__ import annotations

import random
from contextlib import ExitStack
from pathlib import Path

import gevent
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.lab import sound
from tests.lab.web import Application
from tests.scenarios.conftest import House, lived_in
from tests.sip.own_switch import own_switch
from tests.sip.talker import FRAME_SAMPLES, FRAME_SECONDS, Packet, Talker

HERTZ = 1013.0  # no whole number of periods in a frame: each one out of place counts
SECONDS = 4.0
WINDOW = 800  # samples
GOOD_DB, BAD_DB = 12.0, 8.0

pytestmark = pytest.mark.only("freeswitch")


def _ulaw() -> NDArray[np.int64]:
    """The sample of each code of G.711."""
    codes = ~np.arange(256) & 0xFF
    values = ((((codes & 0x0F) << 3) + 0x84) << ((codes >> 4) & 7)) - 0x84
    return np.where(codes & 0x80, -values, values)


ULAW = _ulaw()


def packets(jitter: float, seed: int = 7) -> list[Packet]:
    """A tone of `SECONDS`, each frame up to `jitter` seconds late."""
    delays = random.Random(seed)
    samples = sound.tone(HERTZ, SECONDS).astype(np.int64)
    payload = np.abs(samples[:, None] - ULAW).argmin(axis=1).astype(np.uint8).tobytes()
    frames = [payload[at : at + FRAME_SAMPLES] for at in range(0, len(payload), FRAME_SAMPLES)]
    return [
        Packet(number * FRAME_SECONDS + delays.uniform(0, jitter), number, frame)
        for number, frame in enumerate(frames)
    ]


def signal_to_noise(heard: list[bytes]) -> float:
    """In dB: of each window the part that is one sine of HERTZ, against the rest."""
    samples = ULAW[np.frombuffer(b"".join(heard), np.uint8)].astype(float)
    times = np.arange(WINDOW) / sound.RATE
    basis = np.stack([np.sin(2 * np.pi * HERTZ * times), np.cos(2 * np.pi * HERTZ * times)], axis=1)
    noise = signal = 0.0
    for at in range(0, len(samples) - WINDOW, WINDOW):
        window = samples[at : at + WINDOW]
        fitted = basis @ np.linalg.lstsq(basis, window, rcond=None)[0]
        signal += float(np.sum(fitted**2))
        noise += float(np.sum((window - fitted) ** 2))
    return 10 * float(np.log10(signal / noise))


def heard_by_a_listener(house: House, jitter: float) -> float:
    house.voice(house.joins())
    with ExitStack() as stack:
        speaker, listener = (stack.enter_context(Talker(house.switch.sip_port)) for _ in range(2))
        dialog = speaker.invite()
        other = listener.invite(identity="+13125550002")
        listener.talk(other)
        house.delivered(3)
        gevent.sleep(0.5)
        speaker.send_all(dialog, packets(jitter))
        return signal_to_noise(listener.heard[-round(SECONDS * 50) + 60 : -10])


def test_packets_late_and_out_of_order_are_put_in_order(house: House) -> None:
    """Without a buffer it was 2 dB."""
    assert heard_by_a_listener(house, 0.04) > GOOD_DB


def test_packets_in_time_are_left_as_they_are(house: House) -> None:
    assert heard_by_a_listener(house, 0.0) > GOOD_DB


def test_the_buffer_can_be_switched_off(application: Application, tmp_path: Path) -> None:
    directory = tmp_path / "freeswitch"
    with (
        own_switch(directory, {"FS_JITTER_BUFFER": "0"}) as switch,
        lived_in(switch, application, tmp_path) as house,
    ):
        assert heard_by_a_listener(house, 0.04) < BAD_DB
