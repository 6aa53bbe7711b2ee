"""Places calls and takes their times: a process of its own, given numbers and times on standard input.

    {"port": 5060, "calls": [{"at": 0.0, "to": "+13125550100", "stay": 1.0, "tone": false}, ...]}

Prints for each call the seconds from its INVITE to its 200 OK, to its first packet of sound, and to the first
in which a tone is heard; null for what did not come. The kernel notes when packets come, so that a process
that is late does not lengthen what it measures. With gevent it would be another program: it has no monkeys.
"""

from __future__ import annotations

import heapq
import json
import re
import selectors
import socket
import struct
import sys
import time
from dataclasses import dataclass, field
from itertools import count

SO_TIMESTAMPNS = 35
"""Linux, asm-generic/socket.h; Python has no name for it."""
FRAME_SECONDS = 0.02
FRAME_SAMPLES = 160
SILENCE = b"\xff" * FRAME_SAMPLES
# A square wave of 500 Hz, half of the loudest in G.711's mu-law.
TONE = (b"\x8f" * 8 + b"\x0f" * 8) * (FRAME_SAMPLES // 16)
LOUD = 0x40
"""Below it are the seven bits of a mu-law sample that is louder than a twentieth of the loudest."""
AGAIN_SECONDS = 0.5
PATIENCE_SECONDS = 10.0
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
)


@dataclass(eq=False)
class Call:
    number: int
    at: float
    to: str
    stay: float
    tone: bool
    media: socket.socket
    port: int = 0
    """Of FreeSWITCH, where it is not the one of the order."""
    sends_to: tuple[str, int] | None = None
    packets: int = 0
    to_tag: str = ""
    invited_at: int = 0
    """As all three below, in nanoseconds of the system's clock."""
    answered_at: int = 0
    first_at: int = 0
    heard_at: int = 0
    status: int = 0
    over: bool = False
    hung_up: bool = field(default=False)

    @property
    def times(self) -> list[float | None]:
        marks = (self.answered_at, self.first_at, self.heard_at)
        return [(mark - self.invited_at) / 1e9 if mark else None for mark in marks]


class Callers:
    def __init__(self, port: int, calls: list[dict[str, object]]) -> None:
        self._switch = ("127.0.0.1", port)
        self._selector = selectors.DefaultSelector()
        self._signals = self._socket(None)
        self._port = self._signals.getsockname()[1]
        self.calls = [
            Call(number, media=self._socket(number), **call)  # type: ignore[arg-type]
            for number, call in enumerate(calls)
        ]
        self._due: list[tuple[float, int, str, Call]] = []
        self._tie = count()
        self._talking: list[Call] = []

    def run(self) -> None:
        began = time.monotonic()
        for call in self.calls:
            self._at(began + call.at, "invite", call)
        frame_at = began
        while not all(call.over for call in self.calls):
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                _, _, what, call = heapq.heappop(self._due)
                getattr(self, "_" + what)(call)
            if frame_at <= now:
                self._speak()
                frame_at = max(frame_at + FRAME_SECONDS, now)
            until = min(frame_at, self._due[0][0]) if self._due else frame_at
            for key, _ in self._selector.select(max(0.0, until - time.monotonic())):
                data, at = _received(key.fileobj)  # type: ignore[arg-type]
                if key.data is None:
                    self._signal(data, at)
                else:
                    self._hear(self.calls[key.data], data, at)

    def _socket(self, data: int | None) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        made.bind(("127.0.0.1", 0))
        self._selector.register(made, selectors.EVENT_READ, data)
        return made

    def _at(self, when: float, what: str, call: Call) -> None:
        heapq.heappush(self._due, (when, next(self._tie), what, call))

    # Sound

    def _speak(self) -> None:
        self._talking = [call for call in self._talking if not call.hung_up]
        for call in self._talking:
            call.packets += 1
            head = struct.pack(
                ">BBHII", 0x80, 0, call.packets & 0xFFFF, call.packets * FRAME_SAMPLES, call.number
            )
            assert call.sends_to is not None
            call.media.sendto(head + (TONE if call.tone else SILENCE), call.sends_to)

    def _hear(self, call: Call, packet: bytes, at: int) -> None:
        if len(packet) < 12 or packet[1] & 0x7F != 0:
            return
        call.first_at = call.first_at or at
        if not call.heard_at and any(sample & 0x7F < LOUD for sample in packet[12:]):
            call.heard_at = at

    # SIP

    def _invite(self, call: Call) -> None:
        if call.status or call.over:
            return
        body = SDP.format(port=call.media.getsockname()[1])
        message = self._message("INVITE", call, 1, body)
        if not call.invited_at:
            self._at(time.monotonic() + PATIENCE_SECONDS, "cancel", call)
            call.invited_at = time.time_ns()
        self._signals.sendto(message, self._switch_of(call))
        self._at(time.monotonic() + AGAIN_SECONDS, "invite", call)

    def _cancel(self, call: Call) -> None:
        call.over = call.over or not call.answered_at

    def _bye(self, call: Call) -> None:
        if call.over:
            return
        call.hung_up = True
        self._signals.sendto(self._message("BYE", call, 2), self._switch_of(call))
        self._at(time.monotonic() + AGAIN_SECONDS, "bye", call)

    def _signal(self, data: bytes, at: int) -> None:
        text = data.decode()
        if not text.startswith("SIP/2.0"):
            if not text.startswith("ACK"):
                self._accept(text)
            return
        call = self.calls[int(_header(text, "Call-ID").partition("@")[0])]
        status, method = int(text[8:11]), _header(text, "CSeq").split()[1]
        if method == "BYE":
            self._over(call)
        elif status < 200:
            call.status = status
        else:
            call.to_tag = _header(text, "To").rpartition(";tag=")[2]
            self._signals.sendto(self._message("ACK", call, 1), self._switch_of(call))
            if status >= 300:
                call.over = True
            elif not call.answered_at:
                call.answered_at = at
                found = re.search(r"m=audio (\d+)", text)
                assert found
                call.sends_to = ("127.0.0.1", int(found[1]))
                self._talking.append(call)
                self._at(time.monotonic() + call.stay, "bye", call)
            call.status = status

    def _accept(self, request: str) -> None:
        """The switch hangs up."""
        kept = [
            line
            for line in request.split("\r\n")
            if re.match(r"(?i)(via|from|to|call-id|cseq|v|f|t|i):", line)
        ]
        call = self.calls[int(_header(request, "Call-ID").partition("@")[0])]
        answer = "\r\n".join(("SIP/2.0 200 OK", *kept, "", "")).encode()
        self._signals.sendto(answer, self._switch_of(call))
        self._over(call)

    def _switch_of(self, call: Call) -> tuple[str, int]:
        return self._switch[0], call.port or self._switch[1]

    def _over(self, call: Call) -> None:
        call.over = call.hung_up = True

    def _message(self, method: str, call: Call, sequence: int, body: str = "") -> bytes:
        here = f"127.0.0.1:{self._port}"
        host, port = self._switch_of(call)
        uri = f"sip:{call.to}@{host}:{port}"
        caller = f"<sip:+1415{call.number:07}@{here}>"
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {here};branch=z9hG4bK-{self._port}-{call.number}-{method}",
            f"From: {caller};tag={self._port}-{call.number}",
            f"To: <{uri}>" + (f";tag={call.to_tag}" if call.to_tag else ""),
            f"Call-ID: {call.number}@{here}",
            f"CSeq: {sequence} {method}",
            f"Contact: {caller}",
            "Max-Forwards: 70",
            f"Content-Length: {len(body)}",
        ]
        if body:
            lines.append("Content-Type: application/sdp")
        return "\r\n".join((*lines, "", body)).encode()


def _received(of: socket.socket) -> tuple[bytes, int]:
    """A packet, and when the kernel had it."""
    data, ancillary, _, _ = of.recvmsg(4096, 64)
    for _, kind, value in ancillary:
        if kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = struct.unpack("qq", value)
            return data, seconds * 1_000_000_000 + nanoseconds
    return data, time.time_ns()


def _header(text: str, name: str) -> str:
    found = re.search(rf"(?im)^{name}:[ \t]*([^\r\n]*)", text)
    return found[1] if found else ""


def main() -> None:
    plan = json.load(sys.stdin)
    callers = Callers(plan["port"], plan["calls"])
    callers.run()
    json.dump([{"status": call.status, "times": call.times} for call in callers.calls], sys.stdout)


if __name__ == "__main__":
    main()
