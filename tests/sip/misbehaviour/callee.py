"""A phone that is called, and writes its own SIP."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

import gevent
import gevent.event

from tests.attacks.sip import header
from tests.sip.description import payload_types
from tests.sip.misbehaviour.line import Line
from tests.sip.misbehaviour.rtp import Path
from tests.sip.misbehaviour.user_agent import T1, UserAgent


class Callee(UserAgent):
    """Of one call. Requests that its behaviour does not answer stay without an answer."""

    def __init__(
        self, line: Line, user: str, codecs: Sequence[str], path: Path, chance: random.Random
    ) -> None:
        super().__init__(line, user, codecs, path, chance)
        self.invitation = b""
        self.acknowledged = gevent.event.Event()
        self.cancelled = False
        self.handlers |= {"INVITE": self._on_invite, "ACK": self._on_ack, "CANCEL": self._on_cancel}
        self.silent = False
        """Whether it sends no sound."""

    @property
    def uri(self) -> str:
        return f"sip:{self.user}@{self.line.address}"

    def is_called(self, timeout: float) -> bool:
        return self.within(timeout, lambda: self.invitation)

    def rings(self, status: str = "180 Ringing", body: bytes = b"") -> None:
        self.answer(self.invitation, status, body)

    def picks_up(self, body: bytes | None = None, *, waits: bool = True) -> bool:
        """Whether its 200 was acknowledged; then it talks. Without an ACK in sight it says so again."""
        if self.cancelled:
            return False
        body = self._answer_to(self.invitation) if body is None else body
        self.established = True
        self.answer(self.invitation, "200 OK", body)
        if not self.silent:
            self.starts_sound(self.invitation)
        if waits:
            self.repeats_until_acknowledged()
        return self.acknowledged.is_set()

    def repeats_until_acknowledged(self) -> None:
        for seconds in (T1, 2 * T1, 4 * T1):
            if self.acknowledged.wait(seconds) or self.ended.is_set():
                return
            self.line.send(self.answered_with(self.invitation))

    def refuses(self, status: str, headers: Sequence[tuple[str, str]] = ()) -> None:
        if not self.cancelled:
            self.answer(self.invitation, status, headers=headers)
            self.ended.set()

    def early_sound(self) -> bytes:
        """Begins it; returns the SDP that goes with it."""
        self.starts_sound(self.invitation)
        return self._answer_to(self.invitation)

    def refuses_cancel(self) -> None:
        """A CANCEL is answered, and the INVITE goes on as though it had not come."""
        self.handlers["CANCEL"] = lambda message: self.answer(message, "200 OK")

    def other_codec(self) -> str:
        """The last that was offered of those it speaks."""
        spoken = [name for name, _ in payload_types(self.invitation) if name in self.codecs]
        return spoken[-1] if spoken else "PCMU"

    def finish(self) -> None:
        """Ends what still goes on, as a good phone would."""
        if self.vanished or self.ended.is_set() or not self.invitation:
            return
        if self.established:
            self.ends()
        else:
            self.refuses("480 Temporarily Unavailable")

    def _on_invite(self, message: bytes) -> None:
        if self.invitation:
            self._on_reinvite(message)
            return
        self.invitation = message
        self.call_id = header(message, "Call-ID")
        self.local = f"{header(message, 'To')};tag={self.tag}"
        self.remote = header(message, "From")
        contact = re.search(r"<([^>]+)>", header(message, "Contact"))
        assert contact is not None
        self.target = contact[1]

    def _on_ack(self, message: bytes) -> None:
        self.acknowledged.set()

    def _on_cancel(self, message: bytes) -> None:
        self.answer(message, "200 OK")
        if not self.established and not self.ended.is_set():
            self.cancelled = True
            self.answer(self.invitation, "487 Request Terminated")
            self.sound.stop()
            self.ended.set()
