"""Calls from the console's page: their one-time tokens, and the legs that they became.

A browser speaks SIP over a WebSocket that the console hands on to FreeSWITCH. It calls its token, which is
good once, for a minute and while that WebSocket is open, and stands for the account, the number or
conference, and the caller: nothing that the browser says of itself is used. A call ends soon after its
WebSocket.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple
from uuid import uuid4

import gevent
from msgspec import Struct, json

from orchestrator.calls.one_time_tokens import OneTimeTokens, TokenOutcome, TokenRefused
from orchestrator.config.browser_calls import SIP_PROFILE
from orchestrator.esl import commands
from orchestrator.esl.events import Event
from orchestrator.esl.legs import Legs
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger
from orchestrator.store.write_behind import WriteBehindBuffer

log = get_logger(__name__)

TOKEN_SECONDS: Final = 60.0
RECONNECT_SECONDS: Final = 10.0
"""How long a call goes on without its WebSocket: a restart of the orchestrator takes less."""
MINUTE: Final = 60.0
CALL_ENDED: Final = "NORMAL_CLEARING"
BROWSER_CALL: Final = "browser call"


class BrowserTarget(NamedTuple):
    """The destination of a call from the console, checked, and its caller."""

    account_sid: str
    application: str
    """Its name; its document runs, or the conference is of its account."""
    caller: str
    """From."""
    to: str
    """The number; of a call to a conference its name."""
    conference: str = ""
    """Its name; empty: the application's document decides."""


class TooManyBrowserCalls(Exception):
    """The account has begun as many within a minute as it may."""


class BrowserCall:
    """One call, from its token to its end."""

    def __init__(self, id_: str, owner: str, account_sid: str) -> None:
        self.id = id_
        self.owner = owner
        """The id of the console's session that began it."""
        self.account_sid = account_sid
        self.target: BrowserTarget | None = None
        """None: its token was redeemed by the last run of ours."""
        self.expires_at = 0.0
        """Of the token, in seconds of the monotonic clock."""
        self.leg = ""
        """Unique-ID; empty before the token is used."""
        self.on_end: Callable[[], None] | None = None
        """Called when its leg has ended; None: its WebSocket is not open."""


class _Kept(Struct, frozen=True):
    """On disk, by leg: for the next run of ours."""

    id: str
    owner: str
    account_sid: str


def by_browser(headers: Mapping[str, str]) -> bool:
    """Whether a leg came through FreeSWITCH's SIP profile for browsers; no caller can set that."""
    return headers.get("variable_sofia_profile_name") == SIP_PROFILE


def identity_headers(caller: str, to: str) -> dict[str, str]:
    """In place of the headers of a leg by a browser, for the identities of its call: whatever its INVITE says
    of the caller is left out."""
    return {
        "Caller-Caller-ID-Number": caller,
        "Caller-Destination-Number": to,
        "variable_sip_from_uri": f"{caller.removeprefix('client:')}@console.invalid",
    }


class BrowserCalls(Part):
    """Of one node. `begin`, `attach` and `detach` are called on greenlets of web requests, `redeem` on the
    socket's reader; none blocks."""

    def __init__(
        self, legs: Legs, write_buffer: WriteBehindBuffer, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` in seconds."""
        self.outcomes: Counter[TokenOutcome] = Counter()
        """Of tokens that were called."""
        self._legs = legs
        self._write_buffer = write_buffer
        self._clock = clock
        self._calls: dict[str, BrowserCall] = {}
        """By id: those whose token is good, and those whose leg lives."""
        self._tokens = OneTimeTokens[str](TOKEN_SECONDS, clock)
        """Each stands for the id of its call."""
        self._begun: dict[str, deque[float]] = {}
        """By account: when, within the last minute."""
        self._stopping = False

    def start(self) -> None:
        """With the calls of the last run of ours: each has to have its WebSocket again soon."""
        for leg, value in self._write_buffer.load(BROWSER_CALL):
            kept = json.decode(value, type=_Kept)
            call = self._calls[kept.id] = BrowserCall(kept.id, kept.owner, kept.account_sid)
            call.leg = leg
            self._legs.watch(leg, self._on_leg_event)
            gevent.spawn_later(RECONNECT_SECONDS, self._end_unless_attached, call)

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Calls go on in FreeSWITCH; their browsers connect again."""
        self._stopping = True

    def begin(self, owner: str, target: BrowserTarget, per_minute: int) -> tuple[str, str]:
        """The id of a call that may be made, and its token. Raises TooManyBrowserCalls."""
        now = self._clock()
        begun = self._begun.setdefault(target.account_sid, deque())
        while begun and begun[0] <= now - MINUTE:
            begun.popleft()
        if len(begun) >= per_minute:
            raise TooManyBrowserCalls
        begun.append(now)
        self._forget_old(now)
        call = BrowserCall(str(uuid4()), owner, target.account_sid)
        call.target, call.expires_at = target, now + TOKEN_SECONDS
        self._calls[call.id] = call
        return call.id, self._tokens.issue(call.id)

    def attach(self, id_: str, owner: str, on_end: Callable[[], None]) -> bool:
        """The WebSocket of this call is open; whether it may be: the call is the owner's, not over, and has
        no other. `on_end` is called when the call's leg has ended."""
        call = self._calls.get(id_)
        if call is None or call.owner != owner or call.on_end is not None:
            return False
        if not call.leg and call.expires_at <= self._clock():
            return False
        call.on_end = on_end
        return True

    def detach(self, id_: str) -> None:
        """Its WebSocket is closed: the call ends, unless there is another one soon."""
        call = self._calls.get(id_)
        if call is not None:
            call.on_end = None
            gevent.spawn_later(RECONNECT_SECONDS, self._end_unless_attached, call)

    def end(self, id_: str) -> None:
        """Its leg is hung up, and its token good for nothing, at once."""
        call = self._calls.pop(id_, None)
        if call is not None and call.leg:
            log.info("a call from the console ends with its WebSocket", leg=call.leg)
            self._write_buffer.commit(delete=[(BROWSER_CALL, call.leg)])
            self._legs.connection.post(commands.kill(call.leg, CALL_ENDED))

    def redeem(self, token: str, leg: str) -> BrowserTarget:
        """The target of the call whose token a leg has called, once. Raises TokenRefused."""
        try:
            call = self._calls.get(self._tokens.look(token))
        except TokenRefused as refused:
            raise self._refused(refused.outcome) from None
        if call is None or call.target is None:
            raise self._refused("expired")
        if call.on_end is None:
            raise self._refused("no_socket")
        self._tokens.redeem(token)
        self.outcomes["admitted"] += 1
        call.leg = leg
        row = json.encode(_Kept(call.id, call.owner, call.account_sid))
        self._write_buffer.commit(put=[(BROWSER_CALL, leg, row)])
        self._legs.watch(leg, self._on_leg_event)
        return call.target

    def _refused(self, outcome: TokenOutcome) -> TokenRefused:
        self.outcomes[outcome] += 1
        return TokenRefused(outcome, TOKEN_SECONDS)

    def _on_leg_event(self, event: Event) -> None:
        """On the socket's reader."""
        if event.name != "CHANNEL_DESTROY":
            return
        self._write_buffer.commit(delete=[(BROWSER_CALL, event.uuid)])
        call = next((one for one in self._calls.values() if one.leg == event.uuid), None)
        if call is not None:
            del self._calls[call.id]
            if call.on_end is not None:
                call.on_end()

    def _end_unless_attached(self, call: BrowserCall) -> None:
        if call.on_end is None and not self._stopping and self._calls.get(call.id) is call:
            self.end(call.id)

    def _forget_old(self, now: float) -> None:
        """Those whose tokens nobody has called in time."""
        unused = [one.id for one in self._calls.values() if not one.leg and one.expires_at <= now]
        for id_ in unused:
            del self._calls[id_]
