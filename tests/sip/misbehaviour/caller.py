"""A phone that calls, and writes its own SIP."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from tests.attacks.sip import header, status_of
from tests.sip.misbehaviour.line import Line
from tests.sip.misbehaviour.rtp import Path
from tests.sip.misbehaviour.user_agent import ANSWER_SECONDS, Headers, UserAgent, new_branch


class Caller(UserAgent):
    def __init__(
        self,
        line: Line,
        switch_port: int,
        number: str,
        codecs: Sequence[str],
        path: Path,
        chance: random.Random,
        identity: str = "+13125550001",
    ) -> None:
        super().__init__(line, "caller", codecs, path, chance)
        self.switch = f"{line.shown_host}:{switch_port}"
        self.number = number
        self.target = f"sip:{number}@{self.switch}"
        self.local = f"<sip:{identity}@{line.shown_host}:{line.port}>;tag={self.tag}"
        self.call_id = f"{self.tag}{chance.getrandbits(64):x}"
        self.branch = self.invited = ""
        self.silent = False
        """Whether it sends no sound."""

    def invite(self, body: bytes | None = None, headers: Headers = ()) -> None:
        """Sends it; `body`: of its own choice, empty for a late offer."""
        self.sequence += 1
        self.remote = self.remote or f"<{self.target}>"
        self.branch = new_branch()
        self.invited = f"{self.sequence} INVITE"
        body = self.offer() if body is None else body
        if not body:
            self.late_offers.add(self.invited)
        self._invitation = self.written("INVITE", body, headers, branch=self.branch)
        self.send(self._invitation, self.invited, ANSWER_SECONDS)

    def status(self) -> int:
        """Of the last response to its INVITE; what answers a copy in another transaction does not count."""
        own = [one for one in self.of(self.invited) if self.branch in header(one, "Via")]
        return max(map(status_of, own), default=0)

    def wait(self, status: int, timeout: float = ANSWER_SECONDS) -> bool:
        """Whether a response of this status or above came."""
        return self.within(timeout, lambda: self.status() >= status)

    def call(self, body: bytes | None = None, headers: Headers = ()) -> bool:
        """Whether the call is up; then it talks."""
        self.invite(body, headers)
        return self.is_answered()

    def is_answered(self, timeout: float = 2 * ANSWER_SECONDS) -> bool:
        self.wait(200, timeout)
        return self.established

    def cancel(self) -> None:
        number = int(self.invited.split()[0])
        message = self.written("CANCEL", branch=self.branch, sequence=number)
        self.send(message, f"{number} CANCEL", 2.0)

    def send_again(self) -> None:
        """The INVITE, as it was."""
        self.line.send(self._invitation)

    def agreed(self, response: bytes) -> None:
        self.remote = header(response, "To")
        if contact := re.search(r"<([^>]+)>", header(response, "Contact")):
            self.target = contact[1]
        self.established = True
        if not self.silent:
            self.starts_sound(response)

    def finish(self) -> None:
        """Ends what still goes on, as a good phone would."""
        if self.vanished or self.ended.is_set():
            return
        if self.established:
            self.ends()
        elif 0 < self.status() < 200:
            self.cancel()
            self.wait(200, 3.0)
            if self.established:
                self.bye()
