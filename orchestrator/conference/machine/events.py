"""The events of a room. `at` is microseconds since the epoch, by the clock of the process that observed
it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from orchestrator.conference.machine.state import Caller, EndReason, LeaveReason, ParticipantOptions
from orchestrator.types import Method


class JoinRequest(Struct, frozen=True):
    """A call's document reached `<Conference>`."""

    at: int
    caller: Caller
    options: ParticipantOptions


class Dial(Struct, frozen=True):
    """The API dials somebody into it."""

    at: int
    caller: Caller
    options: ParticipantOptions
    early_media: bool = False
    """The others are to hear how its phone rings."""


class Ringing(Struct, frozen=True):
    """The phone of somebody dialled rings."""

    at: int
    call_sid: str
    media: bool = False
    """It sends sound of its own, and its leg is parked."""


class Added(Struct, frozen=True):
    """FreeSWITCH has it in the conference (`add-member`)."""

    at: int
    call_sid: str
    member_id: str
    renewed: bool = False
    """FreeSWITCH has made the conference anew: the one before was empty for a moment."""


class Left(Struct, frozen=True):
    """It is out: `del-member`, the conference application's end, its hangup, or no `add-member` in time; the
    first of them counts."""

    at: int
    call_sid: str
    gone: bool = False
    """The call itself has ended."""


class JoinReturned(Struct, frozen=True):
    """The conference application has ended on a leg that lives: after its stay, or without one."""

    at: int
    call_sid: str


class HungUp(Struct, frozen=True):
    """Its call has ended, and FreeSWITCH may still report its join; Left reports its leave."""

    at: int
    call_sid: str


class Talking(Struct, frozen=True):
    at: int
    call_sid: str
    on: bool


class Floor(Struct, frozen=True):
    """FreeSWITCH gave it the floor: it is the dominant speaker now."""

    at: int
    call_sid: str


class Silence(Struct, frozen=True):
    """Nobody has spoken since `since` for as long as was asked for."""

    at: int
    since: int


class Mute(Struct, frozen=True):
    """Somebody wants it muted, or heard again."""

    at: int
    call_sid: str
    on: bool


class Hold(Struct, frozen=True):
    """Somebody wants it on hold, or back: on hold it neither hears the others nor is heard."""

    at: int
    call_sid: str
    on: bool
    url: str = ""
    """Audio during the hold; empty: the usual music."""
    method: Method = "GET"


class Modify(Struct, frozen=True):
    """Somebody wants it to take part otherwise; None is as before."""

    at: int
    call_sid: str
    end_on_exit: bool | None = None
    beep_on_exit: bool | None = None
    coach: str | None = None
    """CallSid of the only one to hear it; empty: everybody does."""
    wait_url: str | None = None
    """Absolute, or empty for silence."""
    wait_method: Method = "POST"


class Announce(Struct, frozen=True):
    """Somebody wants something announced; answer with Announced."""

    at: int
    sid: str
    """Of this announcement, made up by the announcement player."""
    url: str
    call_sid: str = ""
    """CallSid of the addressee; empty: all."""


class BeginRecording(Struct, frozen=True):
    """It is to be recorded from now on."""

    at: int


class SetRecording(Struct, frozen=True):
    """Its recording was paused by the API, goes on, or is to end."""

    at: int
    to: Literal["in-progress", "paused", "stopped"]


class Announced(Struct, frozen=True):
    """An announcement was heard to its end, or `problem` says why not."""

    at: int
    sid: str
    problem: str = ""


class Remove(Struct, frozen=True):
    """Somebody wants it out: a time limit, the star key, the API."""

    at: int
    call_sid: str
    reason: LeaveReason = LeaveReason.HUNG_UP
    hang_up: bool = False
    """Its call is to end too."""


class End(Struct, frozen=True):
    """Somebody wants the room ended; everybody in it is hung up."""

    at: int
    reason: EndReason = EndReason.VIA_API


class ConferenceLost(Struct, frozen=True):
    """FreeSWITCH no longer has the conference, or is no longer there itself."""

    at: int
    gone: bool = False
    """The calls have ended too."""


RoomEvent = (
    JoinRequest
    | Dial
    | Ringing
    | Added
    | Left
    | JoinReturned
    | HungUp
    | Talking
    | Floor
    | Silence
    | Mute
    | Hold
    | Modify
    | Announce
    | BeginRecording
    | SetRecording
    | Announced
    | Remove
    | End
    | ConferenceLost
)
