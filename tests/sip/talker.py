"""A raw phone with media: RTP of its choice, in any order and from any port, and what comes back."""

from __future__ import annotations

import struct
import uuid
from collections.abc import Iterable
from typing import NamedTuple

import gevent
from gevent import socket

from tests.attacks.sip import Dialog, RawPhone, header, status_of
from tests.sip.description import media_address

FRAME_SECONDS, FRAME_SAMPLES = 0.02, 160
SILENCE = b"\xff" * FRAME_SAMPLES


class Packet(NamedTuple):
    at: float
    """Seconds after the first one's turn."""
    number: int
    payload: bytes


class Talker(RawPhone):
    """It speaks PCMU."""

    def __init__(self, switch_port: int, sdp: str = "") -> None:
        super().__init__(switch_port)
        self.heard: list[bytes] = []
        """Payloads that came."""
        self._sdp = sdp or self._sdp
        self._described: dict[str, bytes] = {}
        self._greenlets: list[gevent.Greenlet] = []
        self._sequence, self._source, self._where = 1000, 0x5EED, ("", 0)
        self.media_port: int = self._media.getsockname()[1]

    def __enter__(self) -> Talker:
        return self

    def close(self) -> None:
        gevent.killall(self._greenlets)
        super().close()

    def talk(self, dialog: Dialog, payload: bytes = SILENCE) -> gevent.Greenlet:
        """Sends it over and over, as one frame, until the greenlet is killed; hears at the same time."""

        self._where = self.media_of(dialog)

        def send() -> None:
            while True:
                self.send(self._media, payload)
                gevent.sleep(FRAME_SECONDS)

        self._greenlets += [greenlet := gevent.spawn(send), gevent.spawn(self._hear, self._media)]
        return greenlet

    def send(self, media: socket.socket, payload: bytes, number: int | None = None) -> None:
        """One packet; without a number it is the next one."""
        self._sequence += number is None
        place = self._sequence if number is None else number
        stamp = (place * FRAME_SAMPLES) & 0xFFFFFFFF
        packet = struct.pack("!BBHII", 0x80, 0, place & 0xFFFF, stamp, self._source) + payload
        media.sendto(packet, self._where)

    def _receive(self, timeout: float) -> bytes | None:
        message = super()._receive(timeout)
        if message and b"m=audio" in message and status_of(message):
            self._described[header(message, "Call-ID")] = message
        return message

    def media_of(self, dialog: Dialog) -> tuple[str, int]:
        """Where the last answer with SDP wants its media: after a reliable 183 the 200 has none."""
        return media_address(self._described[dialog.call_id])

    def send_all(self, dialog: Dialog, packets: Iterable[Packet]) -> None:
        """Each at its time, numbered as it says: late ones come late."""
        self._where = self.media_of(dialog)
        begin = gevent.get_hub().loop.now()
        for packet in sorted(packets):
            gevent.get_hub().loop.update_now()
            gevent.sleep(max(0.0, begin + packet.at - gevent.get_hub().loop.now()))
            self.send(self._media, packet.payload, self._sequence + packet.number)

    def hear(self, media: socket.socket | None = None) -> None:
        """From now on what comes is kept in `heard`."""
        self._greenlets.append(gevent.spawn(self._hear, media or self._media))

    def reinvite(self, dialog: Dialog, body: bytes, timeout: float = 5.0) -> bytes:
        """The final answer, acknowledged; empty without one."""
        dialog.sequence += 1
        branch = f"z9hG4bK{uuid.uuid4().hex}"
        described = [("Content-Type", "application/sdp")]
        message = self._message("INVITE", dialog, described, body, branch, dialog.sequence)
        self._socket.sendto(message, self._switch)
        with gevent.Timeout(timeout, False):
            while True:
                answer = self._receive(timeout)
                if answer and status_of(answer) >= 200 and _is_of(answer, dialog, "INVITE"):
                    branch = branch if status_of(answer) >= 300 else f"z9hG4bK{uuid.uuid4().hex}"
                    acknowledgement = self._message("ACK", dialog, branch=branch, sequence=dialog.sequence)
                    self._socket.sendto(acknowledgement, self._switch)
                    return answer
        return b""

    def vanish(self) -> None:
        """As a phone whose battery is empty: no BYE, no media."""
        gevent.killall(self._greenlets)
        self.dialogs.clear()

    def _hear(self, media: socket.socket) -> None:
        while True:
            self.heard.append(media.recvfrom(2048)[0][12:])


def _is_of(answer: bytes, dialog: Dialog, method: str) -> bool:
    return (
        header(answer, "CSeq") == f"{dialog.sequence} {method}"
        and header(answer, "Call-ID") == dialog.call_id
    )
