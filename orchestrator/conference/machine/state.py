"""The state of a room at one instant. Values only: nothing here changes, and everything can be written to
disk."""

from __future__ import annotations

from enum import Enum
from typing import Literal

from msgspec import Struct

from orchestrator.types import Beep, CallbackStyle, Method

Rings = Literal["", "ringing", "media"]
"""The answer of a dialled phone so far: none; that it rings; sound of its own (183 with SDP)."""


class RoomPhase(str, Enum):
    """In the REST API's words; one that is ending still counts as `in-progress` there."""

    INIT = "init"
    STARTED = "in-progress"
    ENDING = "ending"
    ENDED = "completed"


class Phase(str, Enum):
    """Where one participant stands."""

    DIALLED = "dialled"
    """The API dials it: its phone rings, or it has answered and its document has not asked yet."""
    WAITING = "waiting"
    """Admitted, on its own leg, hearing the audio of its waitUrl."""
    JOINING = "joining"
    """Ordered into the FreeSWITCH conference; not seen there yet."""
    IN = "in"
    LEAVING = "leaving"
    """Ordered out; still in the FreeSWITCH conference or on its way into it."""


class LeaveReason(str, Enum):
    """Twilio's ReasonParticipantLeft."""

    HUNG_UP = "participant_hung_up"
    UPDATED_VIA_API = "participant_updated_via_api"
    MODERATOR_ENDED = "moderator_ended_conference"
    ENDED_VIA_API = "conference_ended_via_api"


class EndReason(str, Enum):
    """Telnyx's reason_conference_ended."""

    MODERATOR_LEFT = "participant-with-end-conference-on-exit-left"
    LAST_LEFT = "last-participant-left"
    VIA_API = "conference-ended-via-api"
    TIME_EXCEEDED = "time-exceeded"


class Rejection(str, Enum):
    """Why a participant was refused; the code is Telnyx's or Twilio's for the same thing."""

    FULL = "90032 the conference is full"
    JOINED_TWICE = "90044 the call is already in the conference"
    ENDED = "90019 the conference has ended"
    DUPLICATE_LABEL = "16025 another participant has this participantLabel"
    COACHED_UNKNOWN = "13240 the call to coach is not in the conference"
    NOT_JOINED = "90015 FreeSWITCH did not take the call into the conference"


class Caller(Struct, frozen=True, omit_defaults=True, gc=False):
    """The facts about a call that every callback repeats."""

    call_sid: str
    leg: str
    """FreeSWITCH's Unique-ID."""
    connection_id: str = ""
    from_: str = ""
    to: str = ""
    from_sip_uri: str = ""
    to_sip_uri: str = ""
    calling_party_type: str = ""
    withheld: str = ""
    """The number that it withholds: for trusted trunks alone, never shown."""

    @property
    def number(self) -> str:
        """Its own: of one that was dialled the called one."""
        return self.from_ if self.calling_party_type else self.to


class ParticipantOptions(Struct, frozen=True, omit_defaults=True, gc=False):
    """The noun's attributes for this participant alone; the rest of the noun is in `ConferenceOptions`."""

    muted: bool = False
    start_on_enter: bool = True
    end_on_exit: bool = False
    beep: Beep = "true"
    label: str = ""
    coach: str = ""
    """CallSid of the only one to hear this participant."""
    wait_url: str | None = None
    """The API's URL of its audio while it waits: absolute, or empty for silence. None: that of the noun."""
    wait_method: Method = "POST"


class RecordingOptions(Struct, frozen=True, omit_defaults=True):
    """`record` and the attributes that go with it."""

    beep: bool = True
    timeout: int = 0
    """Seconds of silence after which it ends; 0: it does not."""
    trim: bool = False
    send_url: bool = True
    status_callback: str = ""
    status_callback_method: Method = "POST"
    status_callback_event: frozenset[str] = frozenset()


class ConferenceOptions(Struct, frozen=True, omit_defaults=True):
    """Options of the whole room, those of its first participant."""

    max_participants: int = 250
    min_participants_to_start: int = 1
    """1 is Telnyx's rule; 2 is Twilio's."""
    join_while_waiting: bool = True
    """participant-join is sent when somebody begins to wait; else when it gets in."""
    status_callback: str = ""
    status_callback_method: Method = "POST"
    status_callback_event: frozenset[str] = frozenset()
    recording: RecordingOptions | None = None
    speaker_mode: Literal["talking", "floor"] = "talking"
    """The subject of `speaker` callbacks: everybody who speaks, or Telnyx's older dominant speaker."""
    first_sequence: int = 0
    """Of its callbacks."""
    style: CallbackStyle = CallbackStyle()
    """Of all its callbacks, those of its recording included."""


class Participant(Struct, frozen=True, omit_defaults=True, gc=False):
    caller: Caller
    options: ParticipantOptions
    phase: Phase
    join_sent: bool = False
    """Its join is decided, and its callback sent; so that of its leave must be, once."""
    joined_at: int = 0
    """When that was, in microseconds since the epoch."""
    member_id: str = ""
    """FreeSWITCH's number for it in the conference; empty outside."""
    joins_muted: bool = False
    """How it is ordered into the conference; what changes on its way is done when it is in."""
    asked_at: int = 0
    """Microseconds since the epoch; of one that the API dialled, when it was dialled."""
    ordered_at: int = 0
    """When it was ordered into the conference, in microseconds since the epoch."""
    talking: bool = False
    held: bool = False
    hold_url: str = ""
    """URL of its audio on hold; empty: the usual music."""
    hold_method: Method = "GET"
    holds: int = 0
    """How often it was put on hold, or taken off it."""
    changed_at: int = 0
    """When it came in, or somebody last changed how it takes part."""
    hang_up: bool = False
    """Ordered out together with its call, which does not go on."""
    leaving_for: LeaveReason = LeaveReason.HUNG_UP
    call_over: bool = False
    """It hung up while joining, and is kept until FreeSWITCH has no more events of it."""
    orders: int = 1
    """How often it was ordered into the conference, once it was."""
    called: bool = False
    """The API dialled it, and its document has not asked yet: no callback is sent about it."""
    rings: Rings = ""
    early_media: bool = False
    """The others are to hear how its phone rings."""

    @property
    def call_sid(self) -> str:
        return self.caller.call_sid


class Announcement(Struct, frozen=True, omit_defaults=True, gc=False):
    """One that is under way."""

    url: str
    call_sid: str = ""
    """CallSid of the addressee; empty: all."""


class Room(Struct, frozen=True, omit_defaults=True):
    sid: str
    """ConferenceSid, and the name of the FreeSWITCH conference."""
    account_sid: str
    name: str
    options: ConferenceOptions
    node: str = "default"
    profile: str = "default"
    phase: RoomPhase = RoomPhase.INIT
    participants: dict[str, Participant] = {}
    """By CallSid, in the order in which they asked. Never changed in place."""
    next_sequence: int = 0
    created_at: int = 0
    """Microseconds since the epoch, as every time here."""
    last_callback_at: int = 0
    """The Timestamp last sent: those of a room never go back."""
    floor: str = ""
    """CallSid of the participant with FreeSWITCH's floor."""
    active_speaker: str = ""
    """CallSid of the dominant speaker sent last."""
    recording: bool = False
    """From the start until it has been silent for long enough, the conference is lost or the room ends."""
    recording_paused: bool = False
    """By the API: what is not recorded is no silence that would end the recording."""
    unseen: dict[str, Participant] = {}
    """Those whose calls ended while joining: FreeSWITCH may still report their joins. By CallSid."""
    silent_since: int = 0
    """When the last one stopped speaking; 0 while somebody speaks, and until somebody has."""
    announcing: dict[str, Announcement] = {}
    """Announcements under way, by sid: each ends in one callback. Never changed in place."""
    dialled_at: int = 0
    """When the API first dialled somebody into it; 0 as long as it has not."""
    opened_at: int = 0
    """When the first participant was admitted; 0 as long as none was."""
    started_at: int = 0
    ended_at: int = 0
    first: Caller | None = None
    """The first admitted participant: named by callbacks that no participant causes."""
    ending_by: Caller | None = None
    end_reason: EndReason | None = None
    hang_up_on_end: bool = False
    """Ended through the API: the others are hung up instead of going on with their documents."""

    @property
    def open(self) -> bool:
        """Whether somebody who dials the name gets into this very room."""
        return self.phase in (RoomPhase.INIT, RoomPhase.STARTED)
