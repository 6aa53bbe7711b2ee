"""FreeSWITCH's events about conferences and their members, as events of our rooms."""

from __future__ import annotations

from orchestrator.clock import now
from orchestrator.conference.live.effect_executor import EffectExecutor
from orchestrator.conference.live.manager import Rooms
from orchestrator.conference.live.talk_debounce import TalkDebounce
from orchestrator.conference.machine.events import Added, ConferenceLost, Floor, JoinReturned, Left, Mute
from orchestrator.conference.machine.state import Room
from orchestrator.config.keys import MUTES
from orchestrator.esl.events import Event
from orchestrator.esl.execution import ADOPTED_EXECUTION
from orchestrator.esl.legs import Legs
from orchestrator.fsconfig.conference_profiles import KEY
from orchestrator.recordings.conference_recorder import RECORDING_ACTIONS
from orchestrator.sids import call_sid_of, has_call_sid

MEMBERSHIP = ("add-member", "del-member", "conference-destroy")
# FreeSWITCH says it after 40 quiet frames of 20 ms (hangover in conference_loop.c).
STOP_TALKING_MICROSECONDS = 800_000


class ConferenceEvents:
    """Called on the socket's reader, by the event dispatcher's table, and after a restart by the reconciler.
    Nothing here yields."""

    def __init__(
        self, rooms: Rooms, executor: EffectExecutor, legs: Legs, debounce: tuple[float, float]
    ) -> None:
        """`debounce`: seconds of speech, and of silence, until either is reported."""
        start, stop = debounce
        self._rooms = rooms
        self._executor = executor
        self._legs = legs
        self._talk_debounce = TalkDebounce(
            start, max(0.0, stop - STOP_TALKING_MICROSECONDS / 1e6), rooms.dispatch
        )
        self._instances: dict[str, str] = {}
        """Conference-Unique-ID of the FreeSWITCH conference that each room is in, by the room's sid."""
        self._emptied: dict[str, str] = {}
        """The one whose last member has left: FreeSWITCH removes a leg that still enters it."""
        rooms.on_removed.append(self._talk_debounce.forget)
        rooms.on_change.append(self._forget)

    def note_instance(self, sid: str, instance: str) -> None:
        """Of the FreeSWITCH conference that the room is in."""
        self._instances[sid] = instance

    def on_conference_event(self, event: Event) -> None:
        """conference::maintenance. Events of other conferences are ignored."""
        sid = event.conference
        if event.action in RECORDING_ACTIONS:
            # A recording may outlast its room.
            self._executor.on_recording_event(event)
        room = self._rooms.get(sid)
        if room is None:
            if event.action == "add-member" and self._legs.get(event.uuid) is not None:
                # The command to join counted as lost, its room has ended, and then FreeSWITCH carried it out.
                self._executor.kick_unknown_member(sid, event.member_id)
            return
        if event.uuid and not has_call_sid(event.uuid):
            if event.action == "add-member":
                self._executor.kick_unknown_member(sid, event.member_id)
            return
        at = event.timestamp or now()
        if event.action in MEMBERSHIP and _instance(event) == self._emptied.get(sid):
            return
        match event.action:
            case "add-member":
                before, self._instances[sid] = self._instances.get(sid), _instance(event)
                renewed = before not in (None, _instance(event))
                call_sid = call_sid_of(event.uuid)
                participant_leg = self._executor.participant_leg(call_sid)
                if participant_leg is not None and participant_leg.room_sid == sid:
                    participant_leg.cancel_deadline()
                self._rooms.dispatch(sid, Added(at, call_sid, event.member_id, renewed))
                room = self._rooms.get(sid)
                if room is not None:
                    self._executor.joined(room, call_sid, event.member_id)
            case "del-member":
                if event.header("Conference-Size") == "0":
                    self._emptied[sid] = _instance(event)
                    if self._emptied[sid] == self._instances.get(sid):
                        self._executor.conference_emptied(sid)
                self._rooms.dispatch(sid, Left(at, call_sid_of(event.uuid)))
            case "start-talking":
                self._talk_debounce.on_talking(sid, call_sid_of(event.uuid), True, at)
            case "stop-talking":
                self._talk_debounce.on_talking(
                    sid, call_sid_of(event.uuid), False, at - STOP_TALKING_MICROSECONDS
                )
            case "dtmf":
                self._on_key(room, call_sid_of(event.uuid), event.header("Data"), at)
            case "floor-change" if event.uuid:
                self._rooms.dispatch(sid, Floor(at, call_sid_of(event.uuid)))
            case "conference-destroy" if _instance(event) == self._instances.get(sid):
                # Else an earlier one of that name: its last member left while the next was joining.
                self._rooms.dispatch(sid, ConferenceLost(at))

    def _on_key(self, room: Room, call_sid: str, data: str, at: int) -> None:
        """A participant muted itself: `caller_controls` of the room's profile."""
        participant = room.participants.get(call_sid)
        if participant is not None and data.removeprefix(KEY) in MUTES:
            on = {"mute on": True, "mute off": False}.get(
                data.removeprefix(KEY), not participant.options.muted
            )
            self._rooms.dispatch(room.sid, Mute(at, call_sid, on))

    def on_join_returned(self, event: Event) -> None:
        """CHANNEL_EXECUTE_COMPLETE: `conference` is through, with a kick or without having let the leg in."""
        if event.application != "conference" or not has_call_sid(event.uuid):
            return
        call_sid = call_sid_of(event.uuid)
        participant_leg, one = self._executor.participant_leg(call_sid), self._rooms.participant(call_sid)
        if participant_leg is None and one is not None and one.called:
            self._rooms.dispatch(self._rooms.room_of(call_sid), Left(event.timestamp or now(), call_sid))
        if (
            participant_leg
            and participant_leg.joining
            and participant_leg.joining.uuid in (event.application_uuid, ADOPTED_EXECUTION)
        ):
            self._rooms.dispatch(participant_leg.room_sid, JoinReturned(event.timestamp or now(), call_sid))

    def on_leg_hangup(self, event: Event) -> None:
        """CHANNEL_HANGUP or CHANNEL_HANGUP_COMPLETE of whichever leg."""
        self._rooms.leg_gone(event.uuid, event.timestamp, more_to_come=event.name == "CHANNEL_HANGUP")

    def _forget(self, room: Room) -> None:
        if room.ended_at:
            self._instances.pop(room.sid, None)
            self._emptied.pop(room.sid, None)


def _instance(event: Event) -> str:
    return event.header("Conference-Unique-ID")
