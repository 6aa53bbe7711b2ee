"""One step of a room while it is being made: what changes, and what is to be done about it."""

from __future__ import annotations

from msgspec.structs import replace

from orchestrator.conference.machine.effects import Effect, SendCallback, StoreLeave
from orchestrator.conference.machine.state import (
    Announcement,
    Caller,
    LeaveReason,
    Participant,
    Phase,
    Room,
    RoomPhase,
)

# statusCallbackEvent's word for each callback.
SUBSCRIPTION = {
    "conference-start": "start",
    "conference-end": "end",
    "participant-join": "join",
    "participant-leave": "leave",
    "participant-speech-start": "speaker",
    "participant-speech-stop": "speaker",
    "participant-mute": "mute",
    "participant-unmute": "mute",
    "participant-hold": "hold",
    "participant-unhold": "hold",
    "participant-modify": "modify",
    "announcement-end": "announcement",
    "announcement-fail": "announcement",
}


class Transition:
    """One step under way: the room's parts while they change, and the effects so far."""

    __slots__ = ("changed", "effects", "fields", "participants", "room", "sequence")

    def __init__(self, room: Room) -> None:
        self.room = room
        self.participants = room.participants
        self.sequence = room.next_sequence
        self.fields: dict[str, object] = {}
        self.effects: list[Effect] = []
        self.changed: set[str] = set()

    def result(self) -> Room:
        if not self.fields and not self.changed and self.sequence == self.room.next_sequence:
            return self.room
        return replace(self.room, participants=self.participants, next_sequence=self.sequence, **self.fields)

    def put(self, participant: Participant) -> Participant:
        if self.participants.get(participant.call_sid) == participant:
            return participant
        if not self.changed:
            self.participants = dict(self.participants)
        self.changed.add(participant.call_sid)
        self.participants[participant.call_sid] = participant
        return participant

    def drop(self, call_sid: str) -> None:
        if not self.changed:
            self.participants = dict(self.participants)
        self.changed.add(call_sid)
        del self.participants[call_sid]

    @property
    def phase(self) -> RoomPhase:
        phase = self.fields.get("phase", self.room.phase)
        assert isinstance(phase, RoomPhase)
        return phase

    def accept(self, at: int, caller: Caller) -> None:
        """The first one opens the room; without one it closes unnoticed, and nobody is named for it."""
        if self.room.first is None:
            self.fields |= {"first": caller, "opened_at": at}

    @property
    def first(self) -> Caller | None:
        first = self.fields.get("first", self.room.first)
        assert first is None or isinstance(first, Caller)
        return first

    @property
    def announcing(self) -> dict[str, Announcement]:
        announcing = self.fields.get("announcing", self.room.announcing)
        assert isinstance(announcing, dict)
        return announcing

    @property
    def unseen(self) -> dict[str, Participant]:
        unseen = self.fields.get("unseen", self.room.unseen)
        assert isinstance(unseen, dict)
        return unseen

    @property
    def last_callback_at(self) -> int:
        sent_at = self.fields.get("last_callback_at", self.room.last_callback_at)
        assert isinstance(sent_at, int)
        return sent_at

    @property
    def inside(self) -> list[Participant]:
        """Those in the FreeSWITCH conference who have not been ordered out."""
        return [other for other in self.participants.values() if other.phase is Phase.IN]

    @property
    def hang_up(self) -> bool:
        return bool(self.fields.get("hang_up_on_end", self.room.hang_up_on_end))

    def leave(self, participant: Participant, at: int, reason: LeaveReason, call_gone: bool) -> None:
        """Its leave, once: for lists, and for its callback."""
        if participant.member_id or self.room.options.join_while_waiting:
            self.effects.append(StoreLeave(participant, at, reason))
        self.send_callback("participant-leave", at, participant.caller, participant, reason, call_gone)

    def send_callback(
        self,
        event: str,
        at: int,
        caller: Caller,
        participant: Participant | None = None,
        leave_reason: LeaveReason | None = None,
        call_gone: bool = False,
        announce_url: str = "",
        problem: str = "",
    ) -> None:
        """Numbers are taken only by callbacks that somebody subscribed to."""
        conference_options = self.room.options
        if SUBSCRIPTION[event] not in conference_options.status_callback_event:
            return
        if participant is not None and not (participant.member_id or conference_options.join_while_waiting):
            # Its join comes when it gets in, and nothing before that.
            return
        # FreeSWITCH's clock and ours differ by some milliseconds; a later callback has no earlier time.
        sent_at = self.fields["last_callback_at"] = max(at, self.last_callback_at)
        self.effects.append(
            SendCallback(
                event,
                conference_options.first_sequence + self.sequence,
                sent_at,
                caller,
                participant,
                leave_reason,
                call_gone,
                announce_url,
                problem,
            )
        )
        self.sequence += 1
