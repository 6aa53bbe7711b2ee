"""Participants that nothing is received from, noticed while it happens: one-way audio.

FreeSWITCH has no event for it. It brings a leg's packet counts up to date when it is ordered to
(`uuid_set_media_stats`), and answers one of them then. So many legs are looked at each second and no more,
each as often as that allows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

import gevent

from orchestrator.clock import now
from orchestrator.conference.live.manager import Rooms
from orchestrator.conference.machine.state import Participant, Phase, Room
from orchestrator.counters import CallCounters
from orchestrator.esl import commands
from orchestrator.esl.connection import Connection
from orchestrator.esl.errors import SwitchError
from orchestrator.esl.reply import Reply
from orchestrator.lifecycle import RunningPart
from orchestrator.timeline.entry import Level
from orchestrator.timeline.recorder import Timeline

STEP_SECONDS = 0.5
LOOK_SECONDS = 2.5
"""Between two looks at a leg, where there are few."""
SILENT_SECONDS = 5.0
LOOKS_A_SECOND = 40
"""At most: each costs FreeSWITCH some 20 us, and this process some 100."""
PACKETS = "rtp_audio_in_packet_count"
FLOW = "remote_audio_media_flow"
_NOT_SENDING = ("inactive", "recvonly")
"""A phone that says itself that it sends nothing: it has put the call on hold."""


@dataclass
class _Watched:
    """One leg in a conference. Times in microseconds since the epoch."""

    room: Room
    participant: Participant
    packets: int
    changed_at: int
    looked_at: int
    silent: bool = False
    warned: bool = False


class MediaMonitor(RunningPart):
    """Looks in a greenlet of its own; the answers come on the socket's reader, where nothing blocks."""

    def __init__(
        self, rooms: Rooms, connection: Connection, timeline: Timeline, counters: CallCounters
    ) -> None:
        self._rooms = rooms
        self._connection = connection
        self._timeline = timeline
        self._counters = counters
        self._watched: dict[str, _Watched] = {}
        """By leg."""

    def _run(self) -> None:
        while True:
            gevent.sleep(STEP_SECONDS)
            if self._connection.connected:
                self._step()

    def _step(self) -> None:
        inside = {one.caller.leg: (room, one) for room in self._rooms for one in _inside(room)}
        self._watched = {leg: one for leg, one in self._watched.items() if leg in inside}
        at = now()
        for leg, (room, one) in inside.items():
            if leg not in self._watched:
                self._watched[leg] = _Watched(room, one, 0, at, at)
        due = sorted(
            (one.looked_at, leg)
            for leg, one in self._watched.items()
            if at - one.looked_at >= LOOK_SECONDS * 1_000_000
        )
        for _, leg in due[: int(LOOKS_A_SECOND * STEP_SECONDS)]:
            self._look(leg, at)

    def _look(self, leg: str, at: int) -> None:
        self._watched[leg].looked_at = at
        self._connection.post(commands.api("uuid_set_media_stats", leg))
        self._connection.post(commands.getvar(leg, PACKETS), partial(self._counted, leg))

    def _counted(self, leg: str, reply: Reply | SwitchError) -> None:
        one = self._watched.get(leg)
        if one is None or isinstance(reply, SwitchError) or not reply.body.strip().isdigit():
            # It is gone, or a leg without RTP.
            return
        packets, at = int(reply.body), now()
        if packets != one.packets:
            if one.warned:
                self._add("media.heard", "info", one, at)
            one.packets, one.changed_at, one.silent, one.warned = packets, at, False, False
        elif not one.silent and at - one.changed_at >= SILENT_SECONDS * 1_000_000:
            one.silent = True
            self._connection.post(commands.getvar(leg, FLOW), partial(self._silent, leg))

    def _silent(self, leg: str, reply: Reply | SwitchError) -> None:
        one = self._watched.get(leg)
        if one is None or not one.silent or isinstance(reply, SwitchError):
            return
        if reply.body.strip() in _NOT_SENDING:
            return
        one.warned = True
        self._counters.silent_legs += 1
        self._add("media.silent", "warning", one, now())

    def _add(self, kind: str, level: Level, one: _Watched, at: int) -> None:
        about = self._timeline.about(one.room.account_sid, one.participant.call_sid, one.room.sid)
        seconds = round((at - one.changed_at) / 1_000_000)
        about.add(
            kind, level=level, seconds=seconds, ever=one.packets > 0, label=one.participant.options.label
        )


def _inside(room: Room) -> Iterable[Participant]:
    return (one for one in room.participants.values() if one.phase is Phase.IN)
