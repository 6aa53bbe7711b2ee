"""The customer's side, which survives every kill: documents for each caller, and a receiver of callbacks."""

from __future__ import annotations

import random
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

import gevent
import gevent.event

from tests.callbacks.receiver import Receiver, Request, answers, resets
from tests.crash.plan import Caller, Kind, Step
from tests.lab import web

EVENTS, RECORDINGS = "/events", "/recordings"
MOST_FAILURES = 8
"""How often in a row one callback is refused, so that none ever fails (Settings.attempts is more)."""
HANG_SECONDS = 4.0
CALLEE = "+19995550199"


class Served(NamedTuple):
    """A document that was given out."""

    at: int
    """Microseconds since the epoch, when it was asked for."""
    leg: str
    number: int
    """Of the step; as many as the caller has steps: it was ordered to hang up."""
    step: Step | None
    caller: str


class Came(NamedTuple):
    """A callback that came; however it was answered."""

    at: int
    """Microseconds since the epoch."""
    body: bytes
    fields: dict[str, str]
    taken: bool = True
    """Answered as it should be, so that it need not come again."""


class Customer:
    """`served` and `events` and `recordings` are everything that was asked for and reported, in order."""

    def __init__(self, leg_of: Callable[[str], str], fails: float, seed: int) -> None:
        self.served: list[Served] = []
        self.callers: dict[str, Caller] = {}
        self.failed = Counter[str]()
        self.witnessed = gevent.event.Event()
        """Cleared, no document is given out: nobody would see what it leads to."""
        self.witnessed.set()
        self._leg_of = leg_of
        self._fails = fails
        self._chance = random.Random(seed)
        self._refused = Counter[bytes]()
        self._untaken = set[int]()
        self._behaviours = {
            "answered 500": answers(500),
            "answered 503": answers(503),
            "reset": resets,
            "hung": _hangs,
            "cut off": _cuts_off,
            "taken and reset": _takes_and_resets,
        }
        self._web = web.Application()
        self._web.start()
        self._tone = self._web.tone(700, 0.4)
        self._music = self._web.tone(500, 1.5)
        self._web.route("/voice", lambda request: self._document(request, 0))
        for number in range(1, 5):
            self._web.route(f"/step/{number}", lambda request, number=number: self._document(request, number))
        self._receiver = Receiver()
        self._receiver.behave(self._take)

    @property
    def voice_url(self) -> str:
        return self._web.url("/voice")

    def came(self, path: str) -> list[Came]:
        """The callbacks reported there; also the refused ones, as they had come."""
        late = time.time() - time.monotonic()
        return [
            Came(
                int((request.at + late) * 1e6),
                request.body,
                request.fields,
                taken=id(request) not in self._untaken,
            )
            for request in self._receiver.on(path)
        ]

    @property
    def quiet_for(self) -> float:
        """Seconds since something was delivered."""
        requests = self._receiver.requests
        return time.monotonic() - requests[-1].at if requests else 1e9

    def stop(self) -> None:
        self._web.stop()
        self._receiver.stop()

    # Documents

    def _document(self, request: web.Request, number: int) -> web.Answer:
        self._web.requests.clear()
        self.witnessed.wait()
        fields = request.fields
        caller = self.callers[fields["From"]]
        step = caller.steps[number] if number < len(caller.steps) else None
        self.served.append(
            Served(int(time.time() * 1e6), self._leg_of(fields["CallSid"]), number, step, caller.number)
        )
        text = self._verbs(step, number) if step else "<Hangup/>"
        return web.Answer(f"<Response>{text}</Response>", headers={"Content-Type": "application/xml"})

    def _verbs(self, step: Step, number: int) -> str:
        following = f"/step/{number + 1}"
        go_on = f"<Redirect>{following}</Redirect>"
        match step.kind:
            case Kind.PLAY:
                return f'<Play loop="4">{self._tone}</Play>{go_on}'
            case Kind.SAY:
                return f"<Say>Somebody will be with you in a moment.</Say>{go_on}"
            case Kind.GATHER:
                return f'<Gather numDigits="1" timeout="2"><Play>{self._tone}</Play></Gather>{go_on}'
            case Kind.DIAL:
                return f'<Dial timeout="10" action="{following}"><Number>{CALLEE}</Number></Dial>'
            case Kind.ROOM:
                action = {} if step.redirected else {"action": following}
                limit = {"timeLimit": str(step.time_limit)} if step.time_limit else {}
                dial = f"<Dial{_attributes(action | limit)}>{self._conference(step)}</Dial>"
                return dial + (go_on if step.redirected else "")

    def _conference(self, step: Step) -> str:
        attributes = {
            "statusCallback": self._receiver.url(EVENTS),
            "statusCallbackEvent": "start end join leave",
            "startConferenceOnEnter": _boolean(step.starts),
            "endConferenceOnExit": _boolean(step.ends),
            "muted": _boolean(step.muted),
            "beep": _boolean(step.beep),
        }
        if step.muted:
            attributes |= {"waitUrl": self._music, "waitMethod": "GET"}
        if step.records:
            attributes |= {
                "record": "record-from-start",
                "recordingStatusCallback": self._receiver.url(RECORDINGS),
                "recordingStatusCallbackEvent": "in-progress completed absent",
            }
        return f"<Conference{_attributes(attributes)}>{escape(step.room)}</Conference>"

    # Callbacks

    def _take(self, request: Request, client: socket.socket) -> bool:
        if self._chance.random() < self._fails and self._refused[request.body] < MOST_FAILURES:
            self._refused[request.body] += 1
            self._untaken.add(id(request))
            how = self._chance.choice(list(self._behaviours))
            self.failed[how] += 1
            return self._behaviours[how](request, client)
        self._refused.pop(request.body, None)
        return answers(204)(request, client)


def _hangs(request: Request, client: socket.socket) -> bool:
    """Longer than the sender waits."""
    gevent.sleep(HANG_SECONDS)
    return False


def _cuts_off(request: Request, client: socket.socket) -> bool:
    """In the middle of the answer's head."""
    client.sendall(b"HTTP/1.1 200 O")
    return False


def _takes_and_resets(request: Request, client: socket.socket) -> bool:
    """The answer may or may not arrive."""
    answers(204)(request, client)
    return resets(request, client)


def _attributes(attributes: dict[str, str]) -> str:
    return "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items())


def _boolean(value: bool) -> str:
    return "true" if value else "false"
