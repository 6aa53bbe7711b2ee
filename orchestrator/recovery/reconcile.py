"""Brings what we believe and what FreeSWITCH has together: at every connect, and by the periodic check.

While that goes on, events are held back (`EventDispatcher.hold`): the snapshot comes first, then what has
happened since it was asked for; an event that the snapshot already knew of changes nothing. Legs that ended
while nobody listened left a hangup record in FreeSWITCH, so that their callbacks are true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import gevent
import msgspec

from orchestrator.calls.outbound import Outbound
from orchestrator.calls.registry import CallRegistry
from orchestrator.clock import now
from orchestrator.conference.live.effect_executor import EffectExecutor
from orchestrator.conference.live.freeswitch_events import ConferenceEvents
from orchestrator.conference.live.manager import Rooms
from orchestrator.conference.machine.events import Added, ConferenceLost, Left, RoomEvent, Talking
from orchestrator.conference.machine.state import Participant, Phase, Room
from orchestrator.esl import commands, snapshot
from orchestrator.esl.connection import Connection
from orchestrator.esl.errors import SwitchError
from orchestrator.esl.events import decode
from orchestrator.esl.legs import Legs
from orchestrator.esl.snapshot import GUARD, ConferenceSeen, HangupRecord, Snapshot
from orchestrator.lifecycle import STOP_SECONDS, Part
from orchestrator.logs import get_logger
from orchestrator.recordings.conference_recorder import ConferenceRecorder
from orchestrator.recordings.on_demand import CallRecordings
from orchestrator.recovery.dispatcher import EventDispatcher

log = get_logger(__name__)

AGAIN_SECONDS = 1.0
# A difference that lasts so long is no event under way.
SETTLED_SECONDS = 3.0
LOST_STEP_SECONDS = 1.0
GONE_SECONDS = 3.0
"""Longer than FreeSWITCH takes to load the module of its event socket anew."""


@dataclass
class Corrections:
    """How often each kind of drift was found and put right."""

    joins: int = 0
    leaves: int = 0
    unknown_members: int = 0
    """Members of our conferences that no room knows of: taken out."""
    members: int = 0
    """Muted, on hold or speaking otherwise than its participant."""
    recordings: int = 0
    calls: int = 0
    """Legs of ours that nobody steered."""

    @property
    def total(self) -> int:
        return self.joins + self.leaves + self.unknown_members + self.members + self.recordings + self.calls


@dataclass(frozen=True)
class ReconciledParts:
    """The parts of a node that know what FreeSWITCH has."""

    connection: Connection
    legs: Legs
    rooms: Rooms
    conferences: ConferenceEvents
    conference_recorder: ConferenceRecorder
    executor: EffectExecutor
    dispatcher: EventDispatcher
    calls: CallRegistry
    outbound: Outbound
    call_recordings: CallRecordings


class Reconciler(Part):
    """`run` is called at each connect and by the periodic check, each on a greenlet of its own, and waits for
    FreeSWITCH's lists; events are held back meanwhile.
    """

    def __init__(
        self,
        parts: ReconciledParts,
        lost_after: float,
        seems_gone: Callable[[], bool] = lambda: False,
    ) -> None:
        """`lost_after`: seconds without FreeSWITCH until its calls and rooms are taken to be over;
        GONE_SECONDS where `seems_gone` says for so long that there is none any more."""
        self.corrections = Corrections()
        self._parts = parts
        self._lost_after = lost_after
        self._seems_gone = seems_gone
        self._stopped = False
        self._core_uuid = ""
        self._lost_at = 0
        self._settled_at = 0
        """Orders after that may be on their way."""
        self._unheard_of_at = 0
        """When those ended whose end nobody saw, in microseconds since the epoch."""
        self._expiring: gevent.Greenlet[..., None] | None = None
        self._searched: set[str] = set()
        """Legs that the last snapshot was about: of others it says nothing."""
        self._expired: set[str] = set()
        """Legs whose end has been reported; should they live after all, they are hung up."""

    def start(self) -> None:
        """After the parts that keep something of the last run have it back."""
        calls, rooms = len(self._parts.calls.unresumed), len(self._parts.rooms)
        if calls or rooms:
            log.info("found what the last run left", calls=calls, rooms=rooms)

    def on_down(self, error: SwitchError) -> None:
        """The socket has ended: until it is back and all has been compared, no event counts."""
        self._parts.dispatcher.hold()
        self._lost_at = now()
        if self._expiring is None and not self._stopped:
            self._expiring = gevent.spawn(self._expire_later)

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        self._stopped = True
        self._go_on_waiting()

    def _go_on_waiting(self) -> None:
        if self._expiring is not None:
            self._expiring.kill(block=False)
            self._expiring = None

    def _expire_later(self) -> None:
        """Time in which we stood still does not count: nobody has tried to reach FreeSWITCH then."""
        left, gone = self._lost_after, 0.0
        while left > 0 and gone < GONE_SECONDS:
            step = min(left, LOST_STEP_SECONDS)
            gevent.sleep(step)
            left -= step
            gone = gone + step if self._seems_gone() else 0.0
        self._expire()

    def _expire(self) -> None:
        calls = [call.leg.uuid for call in self._parts.calls]
        log.error(
            "FreeSWITCH is gone: its rooms and calls have ended",
            calls=len(calls),
            rooms=len(self._parts.rooms),
        )
        self._expired.update(calls)
        for leg in calls:
            self._ended(HangupRecord(leg, now()))

    def run(self, *, connected: bool = True) -> Snapshot:
        """Compare and repair, as often as it takes; what was seen. Raises SwitchError when the socket ends.

        `connected`: just now. Else orders of a moment ago are on their way, and what runs on a leg is known.
        """
        while True:
            try:
                self._searched = self._wanted()
                seen = snapshot.take_snapshot(self._parts.connection, self._searched)
                break
            except SwitchError as error:
                if not self._parts.connection.connected:
                    raise
                # Never read as empty: nobody is declared gone by a listing that failed.
                log.warning("cannot see what FreeSWITCH has, trying again", problem=str(error))
                gevent.sleep(AGAIN_SECONDS)
        self._go_on_waiting()
        self._compare(seen, connected)
        return seen

    def _wanted(self) -> set[str]:
        """Every leg that we have to know of: at first, also those that nobody was there to take."""
        wanted = set(self._parts.calls.unresumed) | {call.leg.uuid for call in self._parts.calls}
        wanted |= set(self._parts.outbound.ringing())
        return wanted | set(snapshot.list_channels(self._parts.connection))

    def _compare(self, seen: Snapshot, connected: bool) -> None:
        before = self.corrections.total
        died = bool(self._core_uuid) and self._core_uuid != self._parts.connection.core_uuid
        self._core_uuid = self._parts.connection.core_uuid
        if died:
            log.error(
                "another FreeSWITCH answers: what the old one had is gone", node=self._parts.connection.node
            )
        # A participant of a FreeSWITCH that is gone left when its socket ended.
        self._unheard_of_at = self._lost_at if died else seen.taken_at
        self._settled_at = seen.taken_at - (0 if connected else int(1_000_000 * SETTLED_SECONDS))
        for room in self._parts.rooms:
            if died:
                self._parts.rooms.dispatch(room.sid, ConferenceLost(self._lost_at, gone=True))
            else:
                self._room(room, seen)
        self._unknown_members(seen)
        self.corrections.recordings += self._parts.conference_recorder.reattach(
            self._parts.rooms, seen.conferences
        )
        self._known_calls(seen, connected)
        self._stored_call_list(seen)
        self.corrections.recordings += self._parts.call_recordings.compare(seen, connected)
        self._parts.dispatcher.release()
        self._dialled_legs(seen)
        self._uncontrolled_legs(seen)
        self._lost_orders(seen, connected)
        self._parts.rooms.fail_announcements_of_the_last_run()
        self._expired.clear()
        for leg in seen.hangup_records:
            snapshot.delete_hangup_record(self._parts.connection.post, leg)
        if self.corrections.total != before:
            log.info("brought in step with FreeSWITCH", repairs=self.corrections.total - before)

    # Rooms

    def _room(self, room: Room, seen: Snapshot) -> None:
        conference = seen.conferences.get(room.sid)
        events: list[RoomEvent] = []
        for participant in room.participants.values():
            events.extend(self._missed(room, participant, conference, seen))
        if conference is not None:
            self._parts.conferences.note_instance(room.sid, conference.instance)
        if events:
            # Joins before leaves where both bear the same time.
            events.sort(key=lambda event: (event.at, isinstance(event, Left)))
            self.corrections.joins += sum(isinstance(event, Added) for event in events)
            self.corrections.leaves += sum(isinstance(event, Left) for event in events)
            log.info("missed in a room", room=room.sid, events=len(events))
            self._parts.rooms.dispatch(room.sid, *events)

    def _missed(
        self, room: Room, participant: Participant, conference: ConferenceSeen | None, seen: Snapshot
    ) -> Iterable[RoomEvent]:
        """The events of a participant while nobody listened."""
        call_sid, leg = participant.call_sid, participant.caller.leg
        member = conference.members.get(leg) if conference else None
        headers, words = seen.legs.get(leg), seen.hangup_records.get(leg)
        if member is not None:
            if participant.member_id != member.member_id:
                yield Added(max(member.joined_at, participant.ordered_at), call_sid, member.member_id)
            if participant.talking and not member.talking:
                yield Talking(seen.taken_at, call_sid, False)
            return
        gone = headers is None
        ended_at = min(words.ended_at, now()) if words and gone else self._unheard_of_at
        if participant.phase is Phase.WAITING:
            if gone:
                yield Left(ended_at, call_sid, gone=True)
            return
        if not participant.member_id:
            dialled_at = participant.asked_at if participant.called else 0
            if max(dialled_at, participant.ordered_at) > self._settled_at:
                return
            member_id = _member_id(room.sid, words if gone else None, headers)
            if member_id:
                yield Added(participant.ordered_at, call_sid, member_id)
                yield Left(ended_at, call_sid, gone)
            elif gone:
                yield Left(ended_at, call_sid, gone=True)
            return
        yield Left(ended_at, call_sid, gone)

    def _unknown_members(self, seen: Snapshot) -> None:
        """Legs of ours in conferences that they should not be in: those are nobody's participants."""
        for sid, conference in seen.conferences.items():
            room = self._parts.rooms.get(sid)
            known = {one.caller.leg for one in room.participants.values()} if room else set()
            for leg, member in conference.members.items():
                ours = seen.legs.get(leg, {}).get(GUARD) == "1"
                if not ours or leg in known or leg in self._expired:
                    continue
                self.corrections.unknown_members += 1
                log.warning("in a conference that knows nothing of it, taken out", room=sid, leg=leg)
                self._parts.executor.kick_unknown_member(sid, member.member_id)

    def _lost_orders(self, seen: Snapshot, connected: bool) -> None:
        """A room's effects may not have reached FreeSWITCH, or our own memory of it is gone."""
        for room in self._parts.rooms:
            conference = seen.conferences.get(room.sid)
            if connected:
                self._parts.executor.resume_room(room, self._parts.rooms.dispatch)
            for participant in room.participants.values():
                if connected:
                    self._parts.rooms.resend_orders(room, participant.call_sid)
                member = conference.members.get(participant.caller.leg) if conference else None
                if participant.phase is Phase.IN and member is not None:
                    self.corrections.members += bool(
                        self._parts.executor.reconcile(room, participant, member)
                    )

    # Calls

    def _known_calls(self, seen: Snapshot, connected: bool) -> None:
        for call in self._parts.calls:
            if call.leg.uuid not in self._searched:
                continue
            headers = seen.legs.get(call.leg.uuid)
            if headers is not None and connected:
                call.resume(dict(headers))
            elif headers is None:
                self._over(call.leg.uuid, seen)

    def _stored_call_list(self, seen: Snapshot) -> None:
        """Of the last run."""
        for uuid, call in self._parts.calls.take_unresumed().items():
            headers = seen.legs.get(uuid)
            if call.ringing and not call.leaves_bridge:
                self._parts.outbound.resume(call)
                continue
            leg = self._parts.legs.adopt(uuid, dict(headers or {}))
            if headers is not None:
                leg.resume(dict(headers))
            self._parts.calls.resume(call, leg)
            if headers is None:
                self._over(uuid, seen)

    def _over(self, uuid: str, seen: Snapshot) -> None:
        """The end of a leg, reported as by FreeSWITCH."""
        self._ended(seen.hangup_records.get(uuid) or HangupRecord(uuid, self._unheard_of_at))

    def _ended(self, words: HangupRecord) -> None:
        for name in ("CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"):
            self._parts.dispatcher.deliver(decode(_event(name, words)))

    def _dialled_legs(self, seen: Snapshot) -> None:
        """Answered, heard early, or over, while nobody listened."""
        for uuid in self._searched.intersection(self._parts.outbound.ringing()):
            headers = seen.legs.get(uuid)
            if headers is None:
                self._over(uuid, seen)
            elif headers.get("Answer-State") == "answered" or _is_parked_early(headers):
                if headers.get("Answer-State") == "answered":
                    # Its own: who asked to hear of it hears of it, once.
                    self._parts.dispatcher.deliver(decode(_answer(headers)))
                self._parts.dispatcher.deliver(
                    decode(msgspec.json.encode({**headers, "Event-Name": "CHANNEL_PARK"}))
                )

    def _uncontrolled_legs(self, seen: Snapshot) -> None:
        """Parked while nobody listened."""
        steered = {call.leg.uuid for call in self._parts.calls}
        for uuid, headers in seen.legs.items():
            if uuid in self._expired:
                self._parts.connection.post(commands.kill(uuid))
            elif uuid not in steered and self._parts.legs.get(uuid) is None and headers.get(GUARD) == "1":
                self.corrections.calls += 1
                self._parts.dispatcher.take(uuid, dict(headers))


def _answer(headers: Mapping[str, str]) -> bytes:
    """The event that nobody heard, with the time at which it happened."""
    at = headers.get("Caller-Channel-Answered-Time", "")
    return msgspec.json.encode({**headers, "Event-Name": "CHANNEL_ANSWER", "Event-Date-Timestamp": at})


def _is_parked_early(headers: Mapping[str, str]) -> bool:
    """It sends sound, and `originate` is through: its first application runs."""
    return headers.get("Answer-State") == "early" and bool(headers.get("variable_current_application"))


def _member_id(sid: str, words: HangupRecord | None, headers: object) -> str:
    """Its number in the conference that it was in and has left; empty if it never was."""
    if words is not None:
        return words.member_id if words.conference == sid else ""
    if isinstance(headers, dict) and headers.get("variable_conference_name") == sid:
        return str(headers.get("variable_conference_member_id", ""))
    return ""


def _event(name: str, words: HangupRecord) -> bytes:
    headers = {
        "Event-Name": name,
        "Unique-ID": words.leg,
        "Event-Date-Timestamp": str(words.ended_at),
        "Hangup-Cause": words.cause or "NORMAL_CLEARING",
        "Channel-Call-UUID": words.leg,
        "Call-Direction": "inbound",
        "Caller-Channel-Created-Time": str(words.created_at),
        "Caller-Channel-Answered-Time": str(words.answered_at),
        "Caller-Channel-Hangup-Time": str(words.ended_at),
        "variable_sip_term_status": words.sip_status,
        "variable_sip_hangup_disposition": words.disposition,
        "variable_read_codec": words.codec,
        "variable_read_rate": words.rate,
    }
    return msgspec.json.encode({header: value for header, value in headers.items() if value})
