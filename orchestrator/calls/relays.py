"""Calls that take part in a room of another FreeSWITCH node.

The caller's leg stays on its node, the origin, where its document runs. That node calls the room's node, the
home, with a one-time token in place of a number; the home takes the leg as a call whose document is a Dial to
the room. Its Unique-ID there is that of the caller's leg (the SIP profile takes the Call-ID for it), and so
is its CallSid.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

import gevent
import msgspec

from orchestrator.calls.one_time_tokens import OneTimeTokens, TokenRefused
from orchestrator.calls.stored_call import StoredCall
from orchestrator.clock import now
from orchestrator.conference.live.manager import Rooms
from orchestrator.conference.live.participant_leg import OUTCOME, ConferenceOutcome
from orchestrator.conference.machine.events import Remove
from orchestrator.conference.machine.state import LeaveReason
from orchestrator.config.freeswitch import RELAY_PROFILE
from orchestrator.documents.fetch import Fetched
from orchestrator.esl import commands
from orchestrator.esl.connection import Connection
from orchestrator.esl.legs import Legs
from orchestrator.store.write_behind import WriteBehindBuffer

TOKEN_SECONDS: Final = 30.0
LOST_SECONDS: Final = 2.0
"""A bridge that goes on for so long after the end of its leg on the other node has nobody there."""


class RelayTarget(NamedTuple):
    """The call on the home node that a token stands for."""

    home: str
    """The node's name."""
    account_sid: str
    room: str
    """The conference's name."""
    call: StoredCall
    """As the home node begins with it."""
    document: Fetched


class RelayNode(NamedTuple):
    """The parts of a node that relays use."""

    rooms: Rooms
    legs: Legs
    connection: Connection
    write_buffer: WriteBehindBuffer
    runs: Callable[[str], bool]
    """Whether a call with this CallSid runs documents there."""


class Relay:
    """One bridge of a caller to another node, from its beginning to its end."""

    def __init__(
        self, origin: RelayNode, home: str, uuid: str, taken: bool, on_taken: Callable[[], None]
    ) -> None:
        self.home = home
        self.uuid = uuid
        """Of the leg that the caller is bridged to."""
        self.taken = taken
        """The home node has the call."""
        self._on_taken = on_taken
        self.lost = False
        """The home node has no such call any more, without having hung it up."""
        self.ended = False
        self._origin = origin

    def take(self) -> None:
        if not self.taken:
            self.taken = True
            self._on_taken()

    def hang_up(self) -> None:
        self._origin.connection.post(commands.kill(self.uuid))

    def end_if_lost(self) -> None:
        """Its call on the home node has ended: FreeSWITCH there has hung it up, or is gone."""
        gevent.sleep(LOST_SECONDS)
        if not self.ended:
            self.lost = True
            self.hang_up()


class Relays:
    """Of all nodes. Nothing here blocks."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._nodes: dict[str, RelayNode] = {}
        self._tokens = OneTimeTokens[RelayTarget](TOKEN_SECONDS, clock)
        self._going: dict[str, Relay] = {}
        """By CallSid."""
        self._encode = msgspec.json.Encoder().encode

    def add(self, name: str, node: RelayNode) -> None:
        self._nodes[name] = node

    # On the origin

    def begin(
        self,
        call_sid: str,
        origin: str,
        home: str,
        uuid: str,
        on_taken: Callable[[], None],
        *,
        taken: bool = False,
    ) -> Relay:
        """`taken`: the home node had the call in the last run of ours; `on_taken` is called once it has."""
        relay = self._going[call_sid] = Relay(self._nodes[origin], home, uuid, taken, on_taken)
        if self._nodes[home].runs(call_sid):
            relay.take()
        return relay

    def token(self, target: RelayTarget) -> str:
        """To be called on the home node, once and soon."""
        return self._tokens.issue(target)

    def end(self, call_sid: str, leg: str, relay: Relay) -> None:
        """The bridge is over; so is the leg on the home node, which hears of it where the origin is alive."""
        relay.ended = True
        if self._going.get(call_sid) is relay:
            del self._going[call_sid]
        gevent.spawn_later(LOST_SECONDS, self._end_at_home, call_sid, leg, relay.home)

    def _end_at_home(self, call_sid: str, leg: str, home: str) -> None:
        node = self._nodes[home]
        if call_sid not in self._going and node.legs.get(leg) is not None:
            node.connection.post(commands.kill(leg))

    def is_free(self, home: str, leg: str, call_sid: str) -> bool:
        """Whether FreeSWITCH there has no leg with this Unique-ID: of an earlier room of the same call."""
        node = self._nodes[home]
        return node.legs.get(leg) is None and not node.runs(call_sid)

    def take_out(self, home: str, call_sid: str) -> bool:
        """Other instructions lead the call out of its room; whether it has one."""
        rooms = self._nodes[home].rooms
        room = rooms.room_of(call_sid)
        if room:
            rooms.dispatch(room, Remove(now(), call_sid, LeaveReason.UPDATED_VIA_API))
        return bool(room)

    # On the home node

    def redeem(self, token: str, node: str) -> RelayTarget:
        """Raises TokenRefused."""
        target = self._tokens.redeem(token)
        if target.home != node:
            raise TokenRefused("unknown")
        return target

    def take(self, call_sid: str) -> None:
        """The home node has the call."""
        relay = self._going.get(call_sid)
        if relay is not None:
            relay.take()

    def report(self, origin: str, call_sid: str, outcome: ConferenceOutcome) -> None:
        """How its Dial ended: kept for the origin, whose call reads it as it would its own room's."""
        row = OUTCOME, call_sid, self._encode(outcome)
        self._nodes[origin].write_buffer.commit(put=[row])

    def ended(self, call_sid: str) -> None:
        """The home node's leg is gone."""
        relay = self._going.get(call_sid)
        if relay is not None:
            gevent.spawn(relay.end_if_lost)


def by_relay(headers: Mapping[str, str]) -> bool:
    """Whether a leg came through FreeSWITCH's SIP profile for other nodes; no caller can set that."""
    return headers.get("variable_sofia_profile_name") == RELAY_PROFILE
