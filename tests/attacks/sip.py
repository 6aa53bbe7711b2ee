"""A SIP user agent that sends arbitrary bytes: softphones are too well-behaved for attacks."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

import gevent
from gevent import socket

Text = str | bytes
TIMER_SECONDS = 0.5
SDP = (
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)


def raw(text: Text) -> bytes:
    return text.encode("utf-8", "surrogateescape") if isinstance(text, str) else text


def status_of(message: bytes) -> int:
    found = re.match(rb"SIP/2\.0 (\d{3})", message)
    return int(found[1]) if found else 0


def header(message: bytes, name: str) -> str:
    """The first of this name, empty where there is none."""
    found = re.search(rb"(?im)^" + re.escape(name.encode()) + rb"\s*:[ \t]*([^\r\n]*)", message)
    return found[1].decode(errors="replace") if found else ""


@dataclass
class Request:
    """One that is about to be sent."""

    method: str
    uri: bytes
    headers: list[tuple[bytes, bytes]]
    """In their order, with repetitions; Content-Length follows from the body."""
    body: bytes = b""

    def __bytes__(self) -> bytes:
        lines = [name + b": " + value for name, value in self.headers]
        first = self.method.encode() + b" " + self.uri + b" SIP/2.0"
        length = b"Content-Length: %d" % len(self.body)
        return b"\r\n".join([first, *lines, length, b"", self.body])

    def substitute(self, name: bytes, pattern: bytes, by: bytes) -> None:
        """The first match in each header of this name."""
        self.headers = [
            (one, re.sub(pattern, lambda _: by, value, count=1) if one == name else value)
            for one, value in self.headers
        ]

    def describe(self, body: bytes) -> None:
        """Gives it this SDP, or none."""
        self.body = body
        self.headers = [one for one in self.headers if one[0] != b"Content-Type"]
        if body:
            self.headers.append((b"Content-Type", b"application/sdp"))


@dataclass
class Dialog:
    """One call as this side sees it."""

    call_id: str
    from_tag: str
    request: bytes = b""
    answer: bytes = b""
    sequence: int = 1
    branch: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)
    """Of every answer to the INVITE, in order."""

    @property
    def status(self) -> int:
        return status_of(self.answer)

    @property
    def to_tag(self) -> str:
        found = re.search(r";tag=([^;>\s]+)", header(self.answer, "To"))
        return found[1] if found else ""


class RawPhone:
    """One UDP port of loopback. It sends no media."""

    def __init__(self, switch_port: int, host: str = "127.0.0.1") -> None:
        six = ":" in host
        family = socket.AF_INET6 if six else socket.AF_INET
        self._host = f"[{host}]" if six else host
        self._switch = (host, switch_port)
        self._sdp = SDP.replace("IP4 127.0.0.1", f"IP{6 if six else 4} {host}")
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.bind((host, 0))
        self.port: int = self._socket.getsockname()[1]
        # Where media may be sent to: bound, so that it is nobody else's.
        self._media = socket.socket(family, socket.SOCK_DGRAM)
        self._media.bind((host, 0))
        self.dialogs: list[Dialog] = []

    def close(self) -> None:
        self._socket.close()
        self._media.close()

    def __enter__(self) -> RawPhone:
        return self

    def __exit__(self, *_: object) -> None:
        for dialog in self.dialogs:
            if dialog.status == 200:
                self.request("BYE", dialog)
            elif dialog.status < 200:
                self._socket.sendto(self._message("CANCEL", dialog, branch=dialog.branch), self._switch)
                self._settle(dialog, 200, 2.0)
        self.close()

    # A call

    def invite(
        self,
        to: Text = "+13125550100",
        *,
        identity: Text = "+13125550001",
        display: Text = "",
        headers: Sequence[tuple[Text, Text]] = (),
        from_line: Text | None = None,
        timeout: float = 10.0,
        until: int = 200,
    ) -> Dialog:
        """Calls; returns with the answer of `until` or above, or with the last one when time is up."""
        dialog = Dialog(str(uuid.uuid4()), uuid.uuid4().hex[:12])
        self.dialogs.append(dialog)
        uri = b"sip:" + raw(to) + b"@%s:%d" % (self._host.encode(), self._switch[1])
        dialog.parts["uri"] = uri.decode("latin-1")
        name = b'"' + raw(display) + b'" ' if display else b""
        sender = (
            raw(from_line)
            if from_line is not None
            else name + b"<sip:" + raw(identity) + b"@%s:%d>" % (self._host.encode(), self.port)
        )
        dialog.parts["from"] = (sender + f";tag={dialog.from_tag}".encode()).decode("latin-1")
        dialog.branch = f"z9hG4bK{uuid.uuid4().hex}"
        body = self._sdp.format(port=self._media.getsockname()[1]).encode()
        dialog.request = self._message(
            "INVITE", dialog, [*headers, ("Content-Type", "application/sdp")], body
        )
        self._socket.sendto(dialog.request, self._switch)
        self._settle(dialog, until, timeout)
        return dialog

    def wait(self, dialog: Dialog, until: int = 200, timeout: float = 10.0) -> None:
        """Goes on where `invite` returned with less."""
        self._settle(dialog, until, timeout)

    def _settle(self, dialog: Dialog, until: int, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        again = time.monotonic() + TIMER_SECONDS
        while dialog.status < until and time.monotonic() < deadline:
            message = self._receive(min(deadline, again) - time.monotonic())
            if message is None:
                if not dialog.answer and time.monotonic() >= again:
                    self._socket.sendto(dialog.request, self._switch)
                again = time.monotonic() + TIMER_SECONDS
            elif (
                header(message, "Call-ID") == dialog.call_id
                and status_of(message)
                and header(message, "CSeq").endswith(" INVITE")
            ):
                dialog.answer = message
                dialog.statuses.append(status_of(message))
        if dialog.status >= 200:
            self._acknowledge(dialog)

    def _acknowledge(self, dialog: Dialog) -> None:
        branch = dialog.branch if dialog.status >= 300 else f"z9hG4bK{uuid.uuid4().hex}"
        self._socket.sendto(self._message("ACK", dialog, branch=branch), self._switch)

    def request(
        self,
        method: str,
        dialog: Dialog | None = None,
        headers: Sequence[tuple[Text, Text]] = (),
        body: Text = b"",
        *,
        to: Text = "+13125550100",
        timeout: float = 3.0,
    ) -> int:
        """Any request inside a call, or outside of any; the status of its answer, 0 without one."""
        if dialog is None:
            dialog = Dialog(str(uuid.uuid4()), uuid.uuid4().hex[:12])
            dialog.parts["uri"] = (
                b"sip:" + raw(to) + b"@%s:%d" % (self._host.encode(), self._switch[1])
            ).decode("latin-1")
            dialog.parts["from"] = f"<sip:mallory@{self._host}:{self.port}>;tag={dialog.from_tag}"
        dialog.sequence += 1
        self._socket.sendto(self._message(method, dialog, headers, raw(body)), self._switch)
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            message = self._receive(left)
            if (
                message
                and status_of(message) >= 200
                and header(message, "CSeq") == f"{dialog.sequence} {method}"
                and header(message, "Call-ID") == dialog.call_id
            ):
                return status_of(message)
        return 0

    def hears_goodbye(self, dialog: Dialog, timeout: float = 5.0) -> bool:
        """Whether the switch ends this call."""
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            message = self._receive(left)
            if message and message.startswith(b"BYE ") and header(message, "Call-ID") == dialog.call_id:
                self._say_ok(message)
                dialog.answer = b""
                return True
        return False

    # One message

    def _receive(self, timeout: float) -> bytes | None:
        self._socket.settimeout(max(0.001, timeout))
        try:
            return bytes(self._socket.recv(65536))
        except TimeoutError:
            return None

    def _say_ok(self, request: bytes) -> None:
        kept = re.findall(rb"(?im)^(?:via|from|to|call-id|cseq)\s*:[^\r\n]*", request)
        answer = [b"SIP/2.0 200 OK", *kept, b"Content-Length: 0", b"", b""]
        self._socket.sendto(b"\r\n".join(answer), self._switch)

    def _message(
        self,
        method: str,
        dialog: Dialog,
        headers: Sequence[tuple[Text, Text]] = (),
        body: bytes = b"",
        branch: str = "",
        sequence: int | None = None,
    ) -> bytes:
        """`sequence`: of its CSeq, where that does not follow from the method."""
        tag = f";tag={dialog.to_tag}" if dialog.to_tag else ""
        branch = branch or (dialog.branch if method == "INVITE" else f"z9hG4bK{uuid.uuid4().hex}")
        uri = dialog.parts["uri"].encode("latin-1")
        if sequence is None:
            sequence = 1 if method in ("INVITE", "ACK", "CANCEL") else dialog.sequence
        request = Request(
            method,
            uri,
            [
                (b"Via", f"SIP/2.0/UDP {self._host}:{self.port};branch={branch};rport".encode()),
                (b"Max-Forwards", b"70"),
                (b"From", dialog.parts["from"].encode("latin-1")),
                (b"To", b"<" + uri + b">" + tag.encode()),
                (b"Call-ID", dialog.call_id.encode()),
                (b"CSeq", f"{sequence} {method}".encode()),
                (b"Contact", f"<sip:mallory@{self._host}:{self.port}>".encode()),
                *((raw(name), raw(value)) for name, value in headers),
            ],
            body,
        )
        self._change(request, dialog)
        return bytes(request)

    def _change(self, request: Request, dialog: Dialog) -> None:
        """The differences of a phone of another kind, in every request that it sends."""


class Answerer:
    """Somebody who is called: answers every INVITE with a status line and headers of its own choice."""

    def __init__(
        self,
        status: str = "486 Busy Here",
        headers: Sequence[str] = (),
        host: str = "127.0.0.1",
        port: int = 0,
        hangs_up_after: float | None = None,
    ) -> None:
        """`hangs_up_after` its ACK, in seconds."""
        self.invites: list[bytes] = []
        self.requests: list[bytes] = []
        """Of every method."""
        self._status, self._headers, self._hangs_up_after = status, headers, hangs_up_after
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.bind((host, port))
        self._media = socket.socket(family, socket.SOCK_DGRAM)
        self._media.bind((host, 0))
        shown = f"[{host}]" if ":" in host else host
        self.address = f"{shown}:{self._socket.getsockname()[1]}"
        self._body = SDP.replace("IP4 127.0.0.1", f"IP{6 if ':' in host else 4} {host}")
        self._greenlet = gevent.spawn(self._answer)

    def __enter__(self) -> Answerer:
        return self

    def __exit__(self, *_: object) -> None:
        self._greenlet.kill()
        self._socket.close()
        self._media.close()

    def _answer(self) -> None:
        while True:
            request, sender = self._socket.recvfrom(65536)
            method = request.partition(b" ")[0]
            self.requests.append(request)
            if method == b"ACK" and self._hangs_up_after is not None:
                gevent.spawn_later(self._hangs_up_after, self._hang_up, self.invites[-1], sender)
            if method in (b"ACK", b"SIP/2.0"):
                continue
            status, headers, body = "200 OK", list[str](), b""
            if method == b"INVITE":
                self.invites.append(request)
                status, headers = self._status, [*self._headers]
                if status.startswith("200"):
                    body = self._body.format(port=self._media.getsockname()[1]).encode()
                    headers += [f"Contact: <sip:callee@{self.address}>", "Content-Type: application/sdp"]
            kept = re.findall(rb"(?im)^(?:via|from|to|call-id|cseq)\s*:[^\r\n]*", request)
            kept = [
                line + b";tag=answerer" if re.match(rb"(?i)to:(?!.*;tag=)", line) else line for line in kept
            ]
            lines = [f"SIP/2.0 {status}".encode(), *kept, *(raw(line) for line in headers)]
            lines += [b"Content-Length: %d" % len(body), b"", body]
            self._socket.sendto(b"\r\n".join(lines), sender)

    def _hang_up(self, invite: bytes, sender: tuple[str, int]) -> None:
        uri = re.search(r"<([^>]+)>", header(invite, "Contact"))
        assert uri
        lines = [
            f"BYE {uri[1]} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK{uuid.uuid4().hex};rport",
            "Max-Forwards: 70",
            f"From: {header(invite, 'To')};tag=answerer",
            f"To: {header(invite, 'From')}",
            f"Call-ID: {header(invite, 'Call-ID')}",
            "CSeq: 1 BYE",
            "Content-Length: 0",
        ]
        self._socket.sendto(("\r\n".join(lines) + "\r\n\r\n").encode(), sender)
