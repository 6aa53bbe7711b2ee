"""A test's messages to a room, and the room's answers, in words: `asks("anna")` -> `["join anna"]`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from orchestrator.conference.machine.effects import (
    Admit,
    AwaitSilence,
    Close,
    Effect,
    EndCall,
    Join,
    JoinEarly,
    Kick,
    RejectParticipant,
    RelateNospeak,
    Release,
    Ringback,
    SendCallback,
    SetHold,
    SetMute,
    StartRecording,
    StartWaiting,
    StopRecording,
    StoreLeave,
)
from orchestrator.conference.machine.effects import PlayBeep as PlayBeep
from orchestrator.conference.machine.events import (
    Added,
    Announce,
    Announced,
    BeginRecording,
    ConferenceLost,
    Dial,
    End,
    Floor,
    Hold,
    JoinRequest,
    Left,
    Modify,
    Mute,
    Remove,
    Ringing,
    RoomEvent,
    SetRecording,
    Silence,
    Talking,
)
from orchestrator.conference.machine.state import (
    Caller,
    ConferenceOptions,
    EndReason,
    LeaveReason,
    Participant,
    ParticipantOptions,
    RecordingOptions,
    Room,
)
from orchestrator.conference.machine.table import StepResult, step
from orchestrator.types import Beep

EVERY_CALLBACK: frozenset[str] = frozenset({"start", "end", "join", "leave", "speaker"})
SOUNDS = (PlayBeep, Ringback, SetMute, SetHold, RelateNospeak, StartRecording, StopRecording, AwaitSilence)


class Story:
    """One room from its first caller on. Callers are named; a member's number is its name after an `m`."""

    def __init__(
        self,
        subscribed: Iterable[str] = EVERY_CALLBACK,
        max_participants: int = 250,
        min_participants_to_start: int = 1,
        recording: RecordingOptions | None = None,
        speaker_mode: Literal["talking", "floor"] = "talking",
        first_sequence: int = 0,
        join_while_waiting: bool = True,
    ) -> None:
        conference_options = ConferenceOptions(
            max_participants=max_participants,
            min_participants_to_start=min_participants_to_start,
            status_callback="https://example.com/events",
            status_callback_event=frozenset(subscribed),
            recording=recording,
            speaker_mode=speaker_mode,
            first_sequence=first_sequence,
            join_while_waiting=join_while_waiting,
        )
        self.room = Room(sid="room", account_sid="account", name="Room 1234", options=conference_options)
        self.at = 0
        self.outcome = StepResult(self.room, [], set())

    def happens(self, event: RoomEvent) -> list[str]:
        """Its answer, except changes of sound alone or of lists alone: `sounds()`, `stored()`."""
        self.outcome = step(self.room, event)
        self.room = self.outcome.room
        return [
            in_words(effect)
            for effect in self.outcome.effects
            if not isinstance(effect, (*SOUNDS, StoreLeave))
        ]

    def stored(self) -> list[str]:
        """The leaves of the last step, as lists of participants have them."""
        return [in_words(effect) for effect in self.outcome.effects if isinstance(effect, StoreLeave)]

    def sounds(self) -> list[str]:
        """The changes of sound and recording of the last step."""
        return [in_words(effect) for effect in self.outcome.effects if isinstance(effect, SOUNDS)]

    def asks(
        self,
        who: str,
        start: bool = True,
        end: bool = False,
        muted: bool = False,
        beep: Beep = "true",
        label: str = "",
        coach: str = "",
    ) -> list[str]:
        options = ParticipantOptions(
            muted=muted, start_on_enter=start, end_on_exit=end, beep=beep, label=label, coach=coach
        )
        return self.happens(JoinRequest(self._now(), caller(who), options))

    def is_dialled(
        self,
        who: str,
        early_media: bool = True,
        muted: bool = False,
        label: str = "",
        coach: str = "",
    ) -> list[str]:
        options = ParticipantOptions(muted=muted, label=label, coach=coach)
        return self.happens(Dial(self._now(), caller(who), options, early_media))

    def rings(self, who: str, media: bool = False) -> list[str]:
        return self.happens(Ringing(self._now(), who, media))

    def added(self, who: str, member_id: str = "") -> list[str]:
        return self.happens(Added(self._now(), who, member_id or f"m{who}"))

    def not_added(self, who: str) -> list[str]:
        return self.happens(Left(self._now(), who))

    def enters(
        self,
        who: str,
        start: bool = True,
        end: bool = False,
        muted: bool = False,
        beep: Beep = "true",
        label: str = "",
        coach: str = "",
    ) -> list[str]:
        """Asks, and is taken in at once."""
        asked = self.asks(who, start=start, end=end, muted=muted, beep=beep, label=label, coach=coach)
        return asked + self.added(who)

    def leaves(self, who: str) -> list[str]:
        """Out of the conference; the call lives."""
        return self.happens(Left(self._now(), who))

    def hangs_up(self, who: str) -> list[str]:
        return self.happens(Left(self._now(), who, gone=True))

    def talks(self, who: str, on: bool = True) -> list[str]:
        return self.happens(Talking(self._now(), who, on))

    def takes_the_floor(self, who: str) -> list[str]:
        return self.happens(Floor(self._now(), who))

    def mutes(self, who: str, on: bool = True) -> list[str]:
        return self.happens(Mute(self._now(), who, on))

    def holds(self, who: str, on: bool = True, url: str = "") -> list[str]:
        return self.happens(Hold(self._now(), who, on, url))

    def is_modified(
        self,
        who: str,
        end_on_exit: bool | None = None,
        beep_on_exit: bool | None = None,
        coach: str | None = None,
        wait_url: str | None = None,
    ) -> list[str]:
        return self.happens(Modify(self._now(), who, end_on_exit, beep_on_exit, coach, wait_url))

    def announces(self, to: str = "", sid: str = "a") -> list[str]:
        return self.happens(Announce(self._now(), sid, f"https://example.com/{sid}.mp3", to))

    def was_announced(self, problem: str = "", sid: str = "a") -> list[str]:
        return self.happens(Announced(self._now(), sid, problem))

    def has_been_silent(self, since: int) -> list[str]:
        return self.happens(Silence(self._now(), since))

    def recording_is_asked_for(self) -> list[str]:
        return self.happens(BeginRecording(self._now()))

    def recording_becomes(self, status: Literal["in-progress", "paused", "stopped"]) -> list[str]:
        return self.happens(SetRecording(self._now(), status))

    def is_removed(
        self, who: str, reason: LeaveReason = LeaveReason.HUNG_UP, hang_up: bool = False
    ) -> list[str]:
        return self.happens(Remove(self._now(), who, reason, hang_up))

    def is_ended(self, reason: EndReason = EndReason.VIA_API) -> list[str]:
        return self.happens(End(self._now(), reason))

    def loses_the_conference(self) -> list[str]:
        return self.happens(ConferenceLost(self._now()))

    def loses_freeswitch(self) -> list[str]:
        return self.happens(ConferenceLost(self._now(), gone=True))

    def participant(self, who: str) -> Participant:
        return self.room.participants[who]

    def callbacks(self) -> list[SendCallback]:
        """The callbacks of the last step."""
        return [effect for effect in self.outcome.effects if isinstance(effect, SendCallback)]

    def _now(self) -> int:
        self.at += 1
        return self.at


def caller(who: str) -> Caller:
    return Caller(call_sid=who, leg=f"leg-{who}", from_=f"+1{who}", to="+13125550002")


def in_words(effect: Effect) -> str:
    match effect:
        case StartWaiting(participant):
            return f"wait {participant.call_sid}"
        case Join(participant, early):
            return f"join {participant.call_sid}{' unless it is in' if early else ''}"
        case JoinEarly(participant):
            return f"join {participant.call_sid} early"
        case Admit(participant):
            return f"admit {participant.call_sid}"
        case Ringback(on):
            return "ringback" if on else "no ringback"
        case Kick(call_sid, member_id):
            return f"kick {call_sid} {member_id}"
        case EndCall(call_sid):
            return f"hang up {call_sid}"
        case RejectParticipant(call_sid, why):
            return f"refuse {call_sid} {why.name}"
        case Release(call_sid, reason):
            return f"release {call_sid} {reason.value}"
        case StoreLeave(participant, at, reason):
            return f"{participant.call_sid} was in from {participant.joined_at} to {at}: {reason.value}"
        case SendCallback():
            return f"#{effect.sequence} {effect.event} {effect.caller.call_sid}"
        case PlayBeep(kind, members):
            return f"beep {kind} {' '.join(members)}"
        case SetMute(member_id, on):
            return f"{'mute' if on else 'unmute'} {member_id}"
        case SetHold(call_sid, member_id, on):
            return f"{'hold' if on else 'unhold'} {call_sid} {member_id}"
        case RelateNospeak(member, other, on):
            return f"{member} is {'not' if on else 'again'} heard by {other}"
        case StartRecording(by):
            return f"record {by.call_sid}"
        case StopRecording():
            return "stop recording"
        case AwaitSilence(since, seconds):
            return f"await {seconds} s of silence since {since}"
        case Close():
            return "close"
