"""Common parts of a calling and a called phone: one SIP dialog, its transactions, its sound."""

from __future__ import annotations

import random
import re
import time
import uuid
from collections.abc import Callable, Sequence

import gevent
import gevent.event

from tests.attacks.sip import Request, header, status_of
from tests.sip.description import media_address, payload_types, sdp
from tests.sip.misbehaviour.line import Line
from tests.sip.misbehaviour.rtp import Path, Sound, Stream

T1, T2 = 0.5, 4.0
"""Seconds, of RFC 3261: the first retransmission, and the longest time between two."""
ANSWER_SECONDS = 6.0
GLARE_SECONDS = 0.05
Headers = Sequence[tuple[str, str]]


class UserAgent:
    """A greenlet takes its messages and answers what no behaviour answers otherwise (`handlers`)."""

    def __init__(
        self, line: Line, user: str, codecs: Sequence[str], path: Path, chance: random.Random
    ) -> None:
        self.line, self.user, self.codecs, self.chance = line, user, list(codecs), chance
        self.line.faults.chance = chance
        self.sound = Sound(line.host, path, chance)
        self.tag = uuid.UUID(int=chance.getrandbits(128)).hex[:12]
        self.call_id = self.local = self.remote = self.target = ""
        self.sequence = 0
        self.responses: list[bytes] = []
        self.requests: list[bytes] = []
        self.handlers: dict[str, Callable[[bytes], None]] = {
            "BYE": self._on_bye,
            "INVITE": self._on_reinvite,
            "UPDATE": self._on_update,
        }
        self.faults: list[str] = []
        """The switch's faults in its dialog."""
        self.ended = gevent.event.Event()
        self.established = False
        self.vanished = False
        self.acknowledges = True
        """Whether a 200 to its INVITE gets its ACK by itself."""
        self.provoke: Callable[[], None] = lambda: None
        """Has the switch send a re-INVITE."""
        self.late_offers: set[str] = set()
        """The INVITEs, by CSeq, that had no SDP."""
        self._came = gevent.event.Event()
        self._answered: dict[tuple[str, str], bytes] = {}
        self._acknowledgements: dict[str, bytes] = {}
        self._description = 0
        self._greenlets = [gevent.spawn(self._run)]

    # For behaviours

    def request(self, method: str, body: bytes = b"", headers: Headers = (), timeout: float = 4.0) -> int:
        """Any request of the dialog; the status of its answer, acknowledged, 0 without one."""
        self.sequence += 1
        number = f"{self.sequence} {method}"
        if method == "INVITE" and not body:
            self.late_offers.add(number)
        message = self.written(method, body, headers)
        self.send(message, number, timeout)
        return status_of(self.final(number, timeout))

    def reinvite(
        self, codecs: Sequence[str] = (), direction: str = "sendrecv", *, empty: bool = False
    ) -> int:
        """`empty`: the offer is the switch's, and the ACK has the answer."""
        return self.request("INVITE", b"" if empty else self.offer(codecs, direction))

    def reinvites_against(self, request: bytes) -> None:
        """A re-INVITE of its own before its answer to this one, which is 491; it tries once more."""
        self.handlers["INVITE"] = self._on_reinvite
        self._greenlets.append(gevent.spawn(self._reinvite_twice))
        self._greenlets.append(gevent.spawn_later(GLARE_SECONDS, self.answer, request, "491 Request Pending"))

    def _reinvite_twice(self) -> None:
        if self.reinvite() == 491 and not self.ended.wait(self.chance.uniform(0.1, 0.6)):
            self.reinvite()

    def bye(self) -> int:
        status = self.request("BYE")
        self.ended.set()
        self.sound.stop()
        return status

    def ends(self) -> None:
        """By BYE, at the end of a call that is up: the switch must still know it, or have said BYE itself."""
        status = self.bye()
        if status == 200 or self.line.faults.loss:
            return
        if not self.within(1.0, lambda: any(one.startswith(b"BYE ") for one in self.requests)):
            self.faults.append(f"its BYE was answered {status}, and the switch had sent none")

    def vanish(self) -> None:
        """As a phone whose battery is empty: its sockets stay, so that no ICMP answers for it."""
        self.vanished = True
        self.sound.stop()
        gevent.killall(self._greenlets)

    def talks(self, seconds: float) -> bool:
        """Whether the call still goes on after that."""
        return not self.ended.wait(seconds)

    def within(self, seconds: float, met: Callable[[], object]) -> bool:
        """Whether a message came in time that made it true."""
        deadline = time.monotonic() + seconds
        while not met():
            self._came.clear()
            if not self._came.wait(max(0.0, deadline - time.monotonic())):
                return bool(met())
        return True

    def close(self) -> None:
        gevent.killall(self._greenlets)
        self.sound.close()
        self.line.close()

    # Messages

    def offer(self, codecs: Sequence[str] = (), direction: str = "sendrecv") -> bytes:
        self._description += 1
        return sdp(
            self.sound.port,
            codecs or self.codecs,
            direction,
            self.line.host,
            digits=True,
            version=self._description,
        )

    def send(self, message: bytes, number: str, timeout: float) -> None:
        """Again and again until something answers it, over UDP."""
        self.line.send(message)
        if self.line.protocol == "UDP":
            self._greenlets.append(gevent.spawn(self._repeat, message, number, time.monotonic() + timeout))

    def final(self, number: str, timeout: float) -> bytes:
        """The final response to the request of this CSeq; empty without one."""

        def finals() -> list[bytes]:
            return [one for one in self.of(number) if status_of(one) >= 200]

        self.within(timeout, finals)
        return next(iter(finals()), b"")

    def of(self, number: str) -> list[bytes]:
        return [one for one in self.responses if header(one, "CSeq") == number]

    def written(
        self,
        method: str,
        body: bytes = b"",
        headers: Headers = (),
        *,
        branch: str = "",
        sequence: int | None = None,
        to: str = "",
    ) -> bytes:
        via = f"SIP/2.0/{self.line.protocol} {self.line.shown_host}:{self.line.port}"
        request = Request(
            method,
            self.target.encode("latin-1"),
            [
                (b"Via", f"{via};branch={branch or new_branch()};rport".encode()),
                (b"Max-Forwards", b"70"),
                (b"From", self.local.encode("latin-1")),
                (b"To", (to or self.remote).encode("latin-1")),
                (b"Call-ID", self.call_id.encode()),
                (b"CSeq", f"{self.sequence if sequence is None else sequence} {method}".encode()),
                (b"Contact", self.contact.encode()),
                *((name.encode(), value.encode()) for name, value in headers),
            ],
        )
        if body:
            request.describe(body)
        return bytes(request)

    @property
    def contact(self) -> str:
        return f"<sip:{self.user}@{self.line.address}>"

    def answer(
        self, request: bytes, status: str, body: bytes = b"", headers: Headers = (), tag: str = ""
    ) -> None:
        """And the same again when the request is repeated."""
        kept = re.findall(rb"(?im)^(?:via|from|to|call-id|cseq|record-route)\s*:[^\r\n]*", request)
        tagged = f";tag={tag or self.tag}".encode() if not status.startswith("100") else b""
        kept = [line + tagged if re.match(rb"(?i)to:(?!.*;tag=)", line) else line for line in kept]
        kind = [b"Content-Type: application/sdp"] if body else []
        lines = [
            b"SIP/2.0 " + status.encode(),
            *kept,
            f"Contact: {self.contact}".encode(),
            *(f"{name}: {value}".encode() for name, value in headers),
            *kind,
            b"Content-Length: %d" % len(body),
            b"",
            body,
        ]
        message = b"\r\n".join(lines)
        self._answered[_transaction(request)] = message
        self.line.send(message)

    def answered_with(self, request: bytes) -> bytes:
        return self._answered[_transaction(request)]

    def starts_sound(self, message: bytes) -> None:
        """Of the first codec of this SDP that it speaks."""
        types = payload_types(message)
        spoken = [(name, number) for name, number in types if name in self.codecs]
        if not spoken or re.search(rb"m=audio 0 ", message):
            return
        digits = dict(types).get("TELEPHONE-EVENT", 101)
        self.sound.start(Stream(media_address(message), *spoken[0], digits))

    # Received messages

    def _run(self) -> None:
        while True:
            message = self.line.receive()
            if status_of(message):
                self._on_response(message)
            else:
                self._on_request(message)
            self._came.set()

    def _on_response(self, message: bytes) -> None:
        number = header(message, "CSeq")
        self.responses.append(message)
        if status_of(message) < 200 or not number.endswith(" INVITE"):
            return
        if number in self._acknowledgements:
            self.line.send(self._acknowledgements[number])
        elif status_of(message) >= 300 or self.acknowledges:
            self.acknowledge(message)

    def acknowledge(self, response: bytes) -> None:
        """In a refused INVITE's transaction, or with one of its own; with the answer to a late offer."""
        number = header(response, "CSeq")
        accepted = status_of(response) < 300
        found = re.search(r"branch=([^;,\s]+)", header(response, "Via"))
        branch = found[1] if found and not accepted else new_branch()
        if accepted:
            self.agreed(response)
        body = self._answer_to(response) if accepted and number in self.late_offers else b""
        message = self.written(
            "ACK", body, branch=branch, sequence=int(number.split()[0]), to=header(response, "To")
        )
        self._acknowledgements[number] = message
        self.line.send(message)

    def agreed(self, response: bytes) -> None:
        """A 200 to an INVITE of its own."""

    def _answer_to(self, message: bytes) -> bytes:
        spoken = [name for name, _ in payload_types(message) if name in self.codecs]
        return self.offer(spoken[:1])

    def _on_request(self, message: bytes) -> None:
        method = message.partition(b" ")[0].decode()
        if method != "ACK":
            if again := self._answered.get(_transaction(message)):
                self.line.send(again)
                return
            if any(_transaction(one) == _transaction(message) for one in self.requests):
                return
        self.requests.append(message)
        if method in self.handlers:
            self.handlers[method](message)
        elif method != "ACK":
            self.answer(message, "200 OK")

    def _on_bye(self, message: bytes) -> None:
        self.answer(message, "200 OK")
        self.ended.set()
        self.sound.stop()

    def _on_reinvite(self, message: bytes) -> None:
        self.answer(message, "200 OK", self._answer_to(message) if b"m=audio" in message else self.offer())

    def _on_update(self, message: bytes) -> None:
        self.answer(message, "200 OK", self._answer_to(message) if b"m=audio" in message else b"")

    def _repeat(self, message: bytes, number: str, until: float) -> None:
        wait = T1
        while True:
            gevent.sleep(wait)
            if self.of(number) or time.monotonic() > until:
                return
            self.line.send(message)
            wait = min(2 * wait, T2)


def new_branch() -> str:
    return f"z9hG4bK{uuid.uuid4().hex}"


def _transaction(request: bytes) -> tuple[str, str]:
    return header(request, "Via"), header(request, "CSeq")
