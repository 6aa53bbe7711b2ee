"""A phone that is called and writes its own SIP: codecs of its choice, hold, every way to end a call."""

from __future__ import annotations

import re
import uuid

import gevent
import gevent.event
from gevent import socket

from tests.attacks.sip import header, status_of
from tests.sip.description import offered, sdp


class Callee:
    """Answers one call at a time with the first of its codecs that is offered, with 488 where none is."""

    def __init__(self, *codecs: str) -> None:
        self.codecs = codecs or ("PCMU",)
        self.invite = b""
        self.answers: list[int] = []
        """Of its own requests, in order."""
        self.packets = 0
        """Of sound that came to it."""
        self._answered = gevent.event.Event()
        self._over = gevent.event.Event()
        self._socket, self._media = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        for one in (self._socket, self._media):
            one.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._tag, self._sequence, self._sender = uuid.uuid4().hex, 0, ("", 0)
        self._greenlets = [gevent.spawn(self._run), gevent.spawn(self._hear)]

    def __enter__(self) -> Callee:
        return self

    def __exit__(self, *_: object) -> None:
        gevent.killall(self._greenlets)
        self._socket.close()
        self._media.close()

    def wait_answered(self, timeout: float = 10.0) -> None:
        assert self._answered.wait(timeout), "no ACK"

    def wait_over(self, timeout: float = 5.0) -> bool:
        """Whether the switch has ended the call."""
        return self._over.wait(timeout)

    def hold(self, direction: str = "sendonly") -> int:
        """A re-INVITE; the status of its answer."""
        body = sdp(self._media.getsockname()[1], [self._codec()], direction)
        return self._request("INVITE", body)

    def bye(self) -> int:
        return self._request("BYE")

    def vanish(self) -> None:
        """As a phone whose battery is empty."""
        gevent.killall(self._greenlets)

    def _codec(self) -> str:
        return next((codec for codec in self.codecs if codec in offered(self.invite)), "")

    def _run(self) -> None:
        while True:
            message, self._sender = self._socket.recvfrom(65536)
            method = message.partition(b" ")[0]
            if status := status_of(message):
                if status >= 200:
                    self.answers.append(status)
                if status >= 200 and header(message, "CSeq").endswith("INVITE"):
                    self._send("ACK", self._sequence)
            elif method == b"INVITE" and not self.invite:
                self.invite = message
                body = sdp(self._media.getsockname()[1], [self._codec()]) if self._codec() else b""
                self._answer(message, "200 OK" if body else "488 Not Acceptable Here", body)
            elif method == b"ACK":
                self._answered.set()
            else:
                self._answer(message, "200 OK", b"")
                if method in (b"BYE", b"CANCEL"):
                    self._over.set()

    def _hear(self) -> None:
        while True:
            self._media.recvfrom(2048)
            self.packets += 1

    def _answer(self, request: bytes, status: str, body: bytes) -> None:
        kept = re.findall(rb"(?im)^(?:via|from|to|call-id|cseq)\s*:[^\r\n]*", request)
        kept = [
            line + f";tag={self._tag}".encode() if re.match(rb"(?i)to:(?!.*;tag=)", line) else line
            for line in kept
        ]
        lines = [f"SIP/2.0 {status}".encode(), *kept, *self._end(body)]
        self._socket.sendto(b"\r\n".join(lines), self._sender)

    def _end(self, body: bytes) -> list[bytes]:
        kind = [b"Content-Type: application/sdp"] if body else []
        contact = f"Contact: <sip:callee@{self.address}>".encode()
        return [contact, *kind, b"Content-Length: %d" % len(body), b"", body]

    def _request(self, method: str, body: bytes = b"") -> int:
        before = len(self.answers)
        self._sequence += 1
        self._send(method, self._sequence, body)
        with gevent.Timeout(5, False):
            while len(self.answers) == before:
                gevent.sleep(0.01)
            return self.answers[-1]
        return 0

    def _send(self, method: str, sequence: int, body: bytes = b"") -> None:
        contact = re.search(r"<([^>]+)>", header(self.invite, "Contact"))
        assert contact is not None
        lines = [
            f"{method} {contact[1]} SIP/2.0".encode(),
            f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK{uuid.uuid4().hex};rport".encode(),
            b"Max-Forwards: 70",
            f"From: {header(self.invite, 'To')};tag={self._tag}".encode(),
            f"To: {header(self.invite, 'From')}".encode(),
            f"Call-ID: {header(self.invite, 'Call-ID')}".encode(),
            f"CSeq: {sequence} {method}".encode(),
            *self._end(body),
        ]
        self._socket.sendto(b"\r\n".join(lines), self._sender)
