"""Phones that hang up at a moment of their choice, over raw SIP: softphones are too slow for that."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import gevent
from gevent import socket

from tests.attacks.sip import SDP, Dialog, RawPhone, header

WAIT_SECONDS = 20.0


class Caller(RawPhone):
    def bye(self, dialog: Dialog) -> None:
        """Does not wait for its answer."""
        dialog.sequence += 1
        self._socket.sendto(self._message("BYE", dialog), self._switch)
        dialog.answer = b""


class Callee:
    """Answers every INVITE, and says BYE so many seconds after its ACK, or not at all.

    It answers at once, or so many seconds after it has begun to ring with sound of its own.
    """

    def __init__(
        self,
        delay: Callable[[], float] | None,
        host: str = "127.0.0.1",
        rings: Callable[[], float] | None = None,
    ) -> None:
        self.called = self.ended = 0
        self._delay = delay
        self._rings = rings
        self._answered: dict[str, bool] = {}
        """By Call-ID; False: cancelled before it."""
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self._media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._media.bind((host, 0))
        self.address = f"{host}:{self._socket.getsockname()[1]}"
        self._invites: dict[str, bytes] = {}
        self._greenlet = gevent.spawn(self._run)

    def __enter__(self) -> Callee:
        return self

    def __exit__(self, *_: object) -> None:
        self._greenlet.kill()
        self._socket.close()
        self._media.close()

    def wait_ended(self, count: int) -> None:
        """Until so many calls have ended, by its BYE or another's; or some seconds have passed."""
        until = time.monotonic() + WAIT_SECONDS
        while self.ended < count and time.monotonic() < until:
            gevent.sleep(0.02)

    def _run(self) -> None:
        while True:
            message, sender = self._socket.recvfrom(65536)
            method = message.partition(b" ")[0]
            call_id = header(message, "Call-ID")
            if method == b"INVITE":
                if call_id in self._invites:
                    continue
                self.called += 1
                self._invites[call_id] = message
                if self._rings is None:
                    self._pick_up(message, sender)
                else:
                    self._answer(message, sender, "183 Session Progress", self._sdp)
                    gevent.spawn_later(self._rings(), self._pick_up, message, sender)
            elif method == b"ACK" and call_id in self._invites and self._answered.get(call_id):
                invite = self._invites.pop(call_id)
                if self._delay is not None:
                    gevent.spawn_later(self._delay(), self._bye, invite, sender)
            elif method == b"CANCEL":
                self._answer(message, sender)
                if self._answered.setdefault(call_id, False) is False and call_id in self._invites:
                    self._answer(self._invites.pop(call_id), sender, "487 Request Terminated")
                    self.ended += 1
            elif method == b"BYE":
                self._answer(message, sender)
                self.ended += 1
            elif message.startswith(b"SIP/2.0") and header(message, "CSeq").endswith("BYE"):
                self.ended += 1

    @property
    def _sdp(self) -> str:
        return SDP.format(port=self._media.getsockname()[1])

    def _pick_up(self, invite: bytes, sender: tuple[str, int]) -> None:
        if self._answered.setdefault(header(invite, "Call-ID"), True):
            # From its answer on a CANCEL comes too late: what follows is a BYE.
            self._answer(invite, sender, body=self._sdp)

    def _answer(
        self, request: bytes, sender: tuple[str, int], status: str = "200 OK", body: str = ""
    ) -> None:
        lines = [b"SIP/2.0 " + status.encode(), *_kept(request, b"via|from|to|call-id|cseq")]
        lines.append(f"Contact: <sip:callee@{self.address}>".encode())
        if body:
            lines.append(b"Content-Type: application/sdp")
        lines += [b"Content-Length: %d" % len(body), b"", body.encode()]
        self._socket.sendto(b"\r\n".join(lines), sender)

    def _bye(self, invite: bytes, sender: tuple[str, int]) -> None:
        own, other = header(invite, "To"), header(invite, "From")
        contact = re.search(r"<([^>]+)>", header(invite, "Contact"))
        assert contact is not None
        lines = [
            f"BYE {contact[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK{time.monotonic_ns()};rport",
            "Max-Forwards: 70",
            f"From: {own};tag=callee",
            f"To: {other}",
            f"Call-ID: {header(invite, 'Call-ID')}",
            "CSeq: 1 BYE",
            "Content-Length: 0",
        ]
        self._socket.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), sender)


def _kept(request: bytes, names: bytes) -> list[bytes]:
    kept = re.findall(rb"(?im)^(?:" + names + rb")\s*:[^\r\n]*", request)
    return [line + b";tag=callee" if re.match(rb"(?i)to:(?!.*;tag=)", line) else line for line in kept]
