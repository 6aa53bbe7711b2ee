"""The effects of a step: small values, which the effect executor carries out in this order."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from orchestrator.conference.machine.state import Caller, LeaveReason, Participant, Rejection
from orchestrator.types import Method

BeepKind = Literal["enter", "exit", "record"]


class StartWaiting(Struct, frozen=True):
    """Admitted, and the conference has not started: play the audio of its waitUrl, or on hold of its HoldUrl,
    and nothing else."""

    participant: Participant


class Join(Struct, frozen=True):
    """Stop its waiting and take it into the FreeSWITCH conference; answer with Added or Left."""

    participant: Participant
    early: bool = False
    """JoinEarly has ordered that already, and it has not been seen there yet."""


class JoinEarly(Struct, frozen=True):
    """Take somebody into the FreeSWITCH conference who has not answered: it is heard, and hears nobody.

    Answer with Added or Left.
    """

    participant: Participant


class Admit(Struct, frozen=True):
    """Its phone has answered, and it is in the FreeSWITCH conference already: it hears the others now."""

    participant: Participant


class Ringback(Struct, frozen=True):
    """Those in the FreeSWITCH conference hear a phone ring, or no longer."""

    on: bool


class Kick(Struct, frozen=True):
    """Take it out of the FreeSWITCH conference; its call lives on. Answer with Left."""

    call_sid: str
    member_id: str


class EndCall(Struct, frozen=True):
    """End its call."""

    call_sid: str


class RejectParticipant(Struct, frozen=True):
    """Refused: its Dial has failed and its document goes on."""

    call_sid: str
    reason: Rejection


class Release(Struct, frozen=True):
    """It was in and has left: its Dial ends and its document goes on, unless the call is gone."""

    call_sid: str
    reason: LeaveReason


class StoreLeave(Struct, frozen=True):
    """It was in and has left: kept for lists of participants."""

    participant: Participant
    at: int
    reason: LeaveReason


class SendCallback(Struct, frozen=True):
    """One status callback that somebody subscribed to. Its sequence number is taken."""

    event: str
    """As sent: `conference-start`, `participant-join`, …"""
    sequence: int
    at: int
    caller: Caller
    participant: Participant | None = None
    """As it was at that moment; absent where the callback is about the room."""
    leave_reason: LeaveReason | None = None
    call_gone: bool = False
    announce_url: str = ""
    problem: str = ""
    """Why an announcement failed."""


class PlayBeep(Struct, frozen=True):
    """Play a beep to these members, each on its own: heard by nobody else, and in no recording."""

    kind: BeepKind
    members: tuple[str, ...]


class SetMute(Struct, frozen=True):
    member_id: str
    on: bool


class SetHold(Struct, frozen=True):
    """On: neither heard nor hearing, with its own music."""

    call_sid: str
    member_id: str
    on: bool
    url: str = ""
    """Of that music; empty: the usual one."""
    method: Method = "GET"


class RelateNospeak(Struct, frozen=True):
    """`member` is not heard by `other`; not on: heard again."""

    member: str
    other: str
    on: bool = True


class StartRecording(Struct, frozen=True):
    """The conference has started, by `by`; record it as the room's terms say."""

    by: Caller


class StopRecording(Struct, frozen=True):
    """It has been silent for long enough."""


class AwaitSilence(Struct, frozen=True):
    """Answer with Silence(since=since) after so many seconds."""

    since: int
    seconds: int


class Close(Struct, frozen=True):
    """The room has ended; it has no more effects."""


Effect = (
    StartWaiting
    | Join
    | JoinEarly
    | Admit
    | Ringback
    | Kick
    | EndCall
    | RejectParticipant
    | Release
    | StoreLeave
    | SendCallback
    | PlayBeep
    | SetMute
    | SetHold
    | RelateNospeak
    | StartRecording
    | StopRecording
    | AwaitSilence
    | Close
)
