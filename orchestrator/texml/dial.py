"""Dial and Conference. Each reads like Telnyx's page of it; what Telnyx lacks says whose it is."""

# attribute() makes a field of the dataclass, as field() does, and ruff cannot know.
# ruff: noqa: RUF009

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from orchestrator.texml import converters as to
from orchestrator.texml import limits
from orchestrator.texml.callees import Number, Sip
from orchestrator.texml.schema import Element, attribute, body, children
from orchestrator.texml.values import Options
from orchestrator.texml.vocabulary import (
    BEEPS,
    BOTH_TRACKS,
    CHANNELS,
    CONFERENCE_EVENTS,
    CONFERENCE_RECORDS,
    DIAL_RECORDS,
    METHOD,
    MILLISECONDS_OF_DETECTION,
    NO_BRANDING,
    NO_CONFIGURATIONS,
    NO_DETECTION,
    NO_DIVERSION,
    NO_REFER,
    NO_VOICE_EVENTS,
    OLD_CALLBACK,
    ONE_PLACE,
    OWN_JITTER_BUFFER,
    RECORDING_EVENT,
    RING_TONE,
    SECONDS_RECORDED,
    TRIM,
    ConferenceEvent,
    ConferenceRecord,
    DialRecord,
    JitterBuffer,
    RecordingEvent,
)
from orchestrator.types import Beep, Channels, Method, Trim


@dataclass(frozen=True, slots=True, kw_only=True)
class Conference(Element):
    """A room to join, by its name."""

    name: str = body(to.room_name, "", required=True)
    muted: bool = attribute(to.boolean, False)
    start_conference_on_enter: bool = attribute(to.boolean, True)
    end_conference_on_exit: bool = attribute(to.boolean, False)
    max_participants: int = attribute(
        to.whole(limits.MIN_PARTICIPANTS, limits.MAX_PARTICIPANTS, clamp_low=True),
        limits.DEFAULT_PARTICIPANTS,
    )
    beep: Beep = attribute(to.one_of(BEEPS), "true")
    participant_label: str | None = attribute(to.participant_label, None)
    record: ConferenceRecord = attribute(to.one_of(CONFERENCE_RECORDS), "do-not-record")
    record_beep: bool = attribute(to.boolean, True)
    recording_status_callback: str | None = attribute(to.url, None)
    recording_status_callback_event: frozenset[RecordingEvent] = attribute(
        RECORDING_EVENT, frozenset({"completed"})
    )
    recording_status_callback_method: Method = attribute(METHOD, "POST")
    # Seconds of silence, counted once somebody has spoken; 0: no end.
    recording_timeout: int = attribute(SECONDS_RECORDED, 0)
    # Twilio and SignalWire trim by default, and so does Telnyx's REST API. The noun does not.
    trim: Trim = attribute(TRIM, "do-not-trim")
    send_recording_url: bool = attribute(to.boolean, True)
    status_callback: str | None = attribute(to.url, None)
    status_callback_method: Method = attribute(METHOD, "POST")
    status_callback_event: frozenset[ConferenceEvent] = attribute(
        to.some_of(CONFERENCE_EVENTS, or_none=True), frozenset()
    )
    # None: the built-in music; empty: silence (Twilio).
    wait_url: str | None = attribute(to.url_or_empty, None)
    wait_method: Method = attribute(METHOD, "POST")
    # Twilio and SignalWire: the CallSid of the one participant who hears this one.
    coach: str | None = attribute(to.text, None)
    # Twilio and SignalWire: one POST at the end of the conference.
    event_callback_url: str | None = attribute(to.url, None, ignored=OLD_CALLBACK)
    # Twilio.
    jitter_buffer_size: JitterBuffer = attribute(
        to.one_of(Options[JitterBuffer](get_args(JitterBuffer), false="off")),
        "large",
        ignored=OWN_JITTER_BUFFER,
    )
    region: str | None = attribute(to.text, None, ignored=ONE_PLACE)
    recording_configuration_id: str | None = attribute(to.text, None, ignored=NO_CONFIGURATIONS)


Noun = Conference | Number | Sip


# Telnyx: dial: "If you want to record the conference, please use the record attribute on Conference".
_RECORDED = "a Conference is recorded as its own attributes say"
_CALLED = "a Conference calls nobody"
BESIDE_A_CONFERENCE: Mapping[str, str] = {
    "record": "a Conference is recorded as its own record says",
    **dict.fromkeys(("recordingChannels", "recordMaxLength", "sendRecordingUrl", "trim"), _RECORDED),
    "recordingStatusCallback": _RECORDED,
    "recordingStatusCallbackMethod": _RECORDED,
    "recordingStatusCallbackEvent": _RECORDED,
    **dict.fromkeys(("callerId", "fromDisplayName", "timeout", "answerOnBridge"), _CALLED),
    **dict.fromkeys(("ringTone", "sequential", "audioUrl"), _CALLED),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial(Element):
    """Connects the call: with one Conference, or with the first of several Numbers and Sips that answers."""

    nouns: tuple[Noun, ...] = children(Conference, Number, Sip, bare=Number, alone=Conference)
    # Empty: this very document again.
    action: str | None = attribute(to.url_or_empty, None)
    method: Method = attribute(METHOD, "POST")
    caller_id: str | None = attribute(to.text, None)
    from_display_name: str | None = attribute(to.display_name, None)
    # Number and Sip; with a Conference only at Twilio.
    hangup_on_star: bool = attribute(to.boolean, False)
    # Seconds to wait for an answer.
    timeout: int = attribute(
        to.whole(limits.MIN_ANSWER_TIMEOUT, limits.MAX_ANSWER_TIMEOUT, clamp_low=True), 30
    )
    # Seconds.
    time_limit: int = attribute(to.whole(limits.MIN_TIME_LIMIT, limits.MAX_TIME_LIMIT), 14400)
    answer_on_bridge: bool = attribute(to.boolean, False)
    ring_tone: str = attribute(RING_TONE, "us")
    # Number and Sip: one after the other, until one answers.
    sequential: bool = attribute(to.boolean, False)
    # Played to the caller while it rings, in place of `ring_tone`.
    audio_url: str | None = attribute(to.url, None)
    pass_diversion_header: bool = attribute(to.boolean, False, ignored=NO_DIVERSION)
    # The recording attributes are about Number and Sip; a Conference has its own.
    record: DialRecord = attribute(to.one_of(DIAL_RECORDS), "do-not-record")
    recording_channels: Channels = attribute(CHANNELS, "single")
    # Seconds; 0: no end.
    record_max_length: int = attribute(SECONDS_RECORDED, 0)
    recording_status_callback: str | None = attribute(to.url, None)
    recording_status_callback_method: Method = attribute(METHOD, "POST")
    recording_status_callback_event: frozenset[RecordingEvent] = attribute(
        RECORDING_EVENT, frozenset({"completed"})
    )
    send_recording_url: bool = attribute(to.boolean, True)
    # Twilio.
    trim: Trim = attribute(TRIM, "do-not-trim")
    machine_detection_speech_threshold: int | None = attribute(
        MILLISECONDS_OF_DETECTION, None, ignored=NO_DETECTION
    )
    machine_detection_speech_end_threshold: int | None = attribute(
        MILLISECONDS_OF_DETECTION, None, ignored=NO_DETECTION
    )
    machine_detection_silence_timeout: int | None = attribute(
        MILLISECONDS_OF_DETECTION, None, ignored=NO_DETECTION
    )

    # Twilio.
    recording_track: str | None = attribute(to.text, None, ignored=BOTH_TRACKS)
    recording_configuration_id: str | None = attribute(to.text, None, ignored=NO_CONFIGURATIONS)
    refer_url: str | None = attribute(to.url, None, ignored=NO_REFER)
    refer_method: Method = attribute(METHOD, "POST", ignored=NO_REFER)
    call_reason: str | None = attribute(to.text, None, ignored=NO_BRANDING)
    passports: str | None = attribute(to.text, None, ignored=NO_BRANDING)
    events: str | None = attribute(to.text, None, ignored=NO_VOICE_EVENTS)

    def without_effect(self) -> Mapping[str, str]:
        return BESIDE_A_CONFERENCE if self.conference is not None else {}

    @property
    def conference(self) -> Conference | None:
        """The room, if a room is what is dialled."""
        first = self.nouns[0] if self.nouns else None
        return first if isinstance(first, Conference) else None
