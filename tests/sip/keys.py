"""Keys of a phone in its media: tones in PCMU (ITU-T Q.23), and telephone-event (RFC 4733)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Final

import gevent
import numpy as np
from gevent import socket

from tests.sip.talker import FRAME_SAMPLES, FRAME_SECONDS, SILENCE
from tests.sip.test_jitter import ULAW

KEYS: Final = "123A456B789C*0#D"
ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
PRESS_FRAMES, GAP_FRAMES = 5, 5  # 100 ms each
TELEPHONE_EVENT = 101


def tone(digit: str, seconds: float, amplitude: float = 6000.0) -> bytes:
    """PCMU."""
    row, column = divmod(KEYS.index(digit), 4)
    times = np.arange(round(seconds * 8000)) / 8000
    samples = amplitude * (
        np.sin(2 * np.pi * ROWS[row] * times) + np.sin(2 * np.pi * COLUMNS[column] * times)
    )
    return np.abs(samples[:, None] - ULAW).argmin(axis=1).astype(np.uint8).tobytes()


class Presser:
    """Sends one stream of RTP to `where`, each frame in its time."""

    def __init__(self, media: socket.socket, where: tuple[str, int]) -> None:
        self._media, self._where = media, where
        self._number = 100

    def silence(self, seconds: float) -> None:
        self._frames([SILENCE] * round(seconds / FRAME_SECONDS), "")

    def press(self, digits: str, ways: Sequence[str]) -> None:
        """`ways`: "tone", "event", or both."""
        for digit in digits:
            sound = tone(digit, PRESS_FRAMES * FRAME_SECONDS) if "tone" in ways else SILENCE * PRESS_FRAMES
            frames = [sound[at : at + FRAME_SAMPLES] for at in range(0, len(sound), FRAME_SAMPLES)]
            self._frames(frames, digit if "event" in ways else "")
            self.silence(GAP_FRAMES * FRAME_SECONDS)

    def _frames(self, frames: Sequence[bytes], event: str) -> None:
        began = (self._number * FRAME_SAMPLES) & 0xFFFFFFFF
        for place, frame in enumerate(frames):
            last = place == len(frames) - 1
            self._send(0, self._number * FRAME_SAMPLES, frame)
            if event:
                code = "0123456789*#".index(event)
                body = struct.pack("!BBH", code, 0x80 * last | 10, (place + 1) * FRAME_SAMPLES)
                for _ in range(3 if last else 1):
                    self._send(TELEPHONE_EVENT, began, body)
            gevent.sleep(FRAME_SECONDS)

    def _send(self, kind: int, stamp: int, payload: bytes) -> None:
        self._number += 1
        packet = struct.pack("!BBHII", 0x80, kind, self._number & 0xFFFF, stamp & 0xFFFFFFFF, 0x5EED)
        self._media.sendto(packet + payload, self._where)
