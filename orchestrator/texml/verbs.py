"""The verbs that need no other party, each like Telnyx's page of it; what Telnyx lacks says whose it is."""

# attribute() makes a field of the dataclass, as field() does, and ruff cannot know.
# ruff: noqa: RUF009

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

from orchestrator.texml import converters as to
from orchestrator.texml import limits
from orchestrator.texml.schema import Element, attribute, body, children
from orchestrator.texml.values import Options
from orchestrator.texml.vocabulary import (
    CHANNELS,
    DIALLED_KEYS,
    INPUT_KIND,
    METHOD,
    NO_AZURE,
    NO_BARGE_IN,
    NO_CONFIGURATIONS,
    NO_DEBUGGER,
    NO_OTHER_VOICES,
    NO_SPEECH,
    NO_STORED_MEDIA,
    NO_TRANSCRIPTION,
    RECORDING_EVENT,
    RING_TONE,
    SECONDS_RECORDED,
    SENT_KEYS,
    TRIM,
    Effect,
    Format,
    Gender,
    InputKind,
    Reason,
    RecordingEvent,
)
from orchestrator.types import Channels, Method, Trim


@dataclass(frozen=True, slots=True, kw_only=True)
class Say(Element):
    """Speaks `text`. SSML inside is spoken as its plain text."""

    text: str = body(to.spoken, "", required=True, kind="ssml")
    voice: str = attribute(to.text, "man")
    language: str | None = attribute(to.text, None)
    # 0: for ever.
    loop: int = attribute(to.whole(0, limits.MAX_SAY_LOOP), 1)
    gender: Gender | None = attribute(to.one_of(Options[Gender](get_args(Gender))), None, ignored=NO_AZURE)
    effect: Effect | None = attribute(to.one_of(Options[Effect](get_args(Effect))), None, ignored=NO_AZURE)
    voice_speed: str | None = attribute(to.text, None, ignored=NO_OTHER_VOICES)
    api_key_ref: str | None = attribute(to.text, None, ignored=NO_OTHER_VOICES, written="api_key_ref")
    region: str | None = attribute(to.text, None, ignored=NO_OTHER_VOICES)
    pronunciation_dict_id: str | None = attribute(to.text, None, ignored=NO_OTHER_VOICES)
    language_boost: str | None = attribute(to.text, None, ignored=NO_OTHER_VOICES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Play(Element):
    """Plays an MP3 or WAV, or sends `digits` and then plays nothing."""

    url: str = body(to.url_or_empty, "")
    # SignalWire: 0 is for ever.
    loop: int = attribute(to.whole(0, limits.MAX_PLAY_LOOP), 1)
    media_storage: bool = attribute(to.boolean, False, ignored=NO_STORED_MEDIA)
    # w: half a second's pause.
    digits: str | None = attribute(to.keys(SENT_KEYS), None)
    # Telnyx: rings as a phone in that country does; then no audio either.
    ring_tone: str | None = attribute(RING_TONE, None)
    # Telnyx: audio for the case that the first cannot be had.
    failover_url: str | None = attribute(to.url, None)
    # Telnyx, where it is false by default.
    continue_on_error: bool = attribute(to.boolean, True)

    def fault(self) -> str:
        return "" if self.url or self.digits or self.ring_tone else "has no URL, digits or ringTone"

    def without_effect(self) -> Mapping[str, str]:
        if self.digits:
            return dict.fromkeys(("ringTone", "failoverUrl", "loop"), "digits are sent instead")
        if self.ring_tone and not self.url:
            return {"failoverUrl": "a ringTone needs no URL"}
        return {"ringTone": "there is a URL to play"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Element):
    """Waits `length` seconds."""

    length: int = attribute(to.whole(limits.MIN_PAUSE, limits.MAX_PAUSE, clamp_low=True), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather(Element):
    """Collects keys while its prompts are spoken."""

    prompts: tuple[Say | Play | Pause, ...] = children(Say, Play, Pause)
    # Empty: this very document again.
    action: str | None = attribute(to.url_or_empty, None)
    # Twilio. None: the application's, which is what Telnyx uses.
    method: Method | None = attribute(METHOD, None)
    input: frozenset[InputKind] = attribute(
        to.without({"speech": NO_SPEECH}, INPUT_KIND),
        frozenset({"dtmf"}),
    )
    # Seconds between digits, counted from the end of the prompts.
    timeout: int = attribute(to.whole(limits.MIN_DIGIT_TIMEOUT, limits.MAX_DIGIT_TIMEOUT, clamp_low=True), 5)
    # Empty: no key ends the input.
    finish_on_key: str = attribute(to.keys(DIALLED_KEYS, or_none=True), "#")
    num_digits: int | None = attribute(to.whole(limits.MIN_DIGITS, limits.MAX_DIGITS), None)
    min_digits: int = attribute(to.whole(limits.MIN_DIGITS, limits.MAX_DIGITS), 1)
    max_digits: int = attribute(to.whole(limits.MIN_DIGITS, limits.MAX_DIGITS), 128)
    valid_digits: str | None = attribute(to.keys(DIALLED_KEYS), None)
    invalid_digits_action: str | None = attribute(to.url, None)
    # Twilio and SignalWire: request `action` also when nothing was pressed.
    action_on_empty_result: bool = attribute(to.boolean, False)
    # Twilio: false lets the prompts end before a key counts.
    barge_in: bool = attribute(to.boolean, True, ignored=NO_BARGE_IN)
    debug: bool = attribute(to.boolean, False, ignored=NO_DEBUGGER)
    speech_timeout: str | None = attribute(to.text, None, ignored=NO_SPEECH)
    max_speech_time: str | None = attribute(to.text, None, ignored=NO_SPEECH)
    speech_model: str | None = attribute(to.text, None, ignored=NO_SPEECH)
    enhanced: bool | None = attribute(to.boolean, None, ignored=NO_SPEECH)
    keyterms: str | None = attribute(to.text, None, ignored=NO_SPEECH)
    smart_format: bool | None = attribute(to.boolean, None, ignored=NO_SPEECH)
    model: str | None = attribute(to.text, None, ignored=NO_SPEECH)
    api_key_ref: str | None = attribute(to.text, None, ignored=NO_SPEECH)
    region: str | None = attribute(to.text, None, ignored=NO_SPEECH)
    language: str = attribute(to.text, "en-US", ignored=NO_SPEECH)
    hints: str | None = attribute(to.text, None, ignored=NO_SPEECH)
    profanity_filter: bool | None = attribute(to.boolean, None, ignored=NO_SPEECH)
    use_enhanced: bool | None = attribute(to.boolean, None, ignored=NO_SPEECH)
    transcription_engine: str | None = attribute(to.text, None, ignored=NO_SPEECH)
    partial_result_callback: str | None = attribute(to.url, None, ignored=NO_SPEECH)
    partial_result_callback_method: Method = attribute(METHOD, "POST", ignored=NO_SPEECH)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redirect(Element):
    """Goes on with another document; an empty `url` is the current one again (Twilio)."""

    url: str = body(to.url_or_empty, "")
    method: Method = attribute(METHOD, "POST")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hangup(Element):
    """Ends the call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave(Element):
    """Twilio's: in a document that runs while the caller waits, ends the waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reject(Element):
    """Refuses the call unanswered if it is the first verb, else hangs up."""

    reason: Reason = attribute(to.one_of(Options[Reason](get_args(Reason))), "rejected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(Element):
    """Records the caller."""

    # Empty: this very document again.
    action: str | None = attribute(to.url_or_empty, None)
    method: Method = attribute(METHOD, "POST")
    finish_on_key: str = attribute(to.keys(DIALLED_KEYS, or_none=True), DIALLED_KEYS)
    # Seconds of silence that end it; 0: none do.
    timeout: int = attribute(SECONDS_RECORDED, 0)
    # Seconds; 0: no end.
    max_length: int = attribute(SECONDS_RECORDED, 3600)
    play_beep: bool = attribute(to.boolean, True)
    trim: Trim = attribute(TRIM, "do-not-trim")
    channels: Channels = attribute(CHANNELS, "dual")
    format: Format = attribute(to.one_of(Options[Format](get_args(Format))), "mp3")
    recording_status_callback: str | None = attribute(to.url, None)
    recording_status_callback_method: Method = attribute(METHOD, "POST")
    recording_status_callback_event: frozenset[RecordingEvent] = attribute(
        RECORDING_EVENT, frozenset({"completed"})
    )
    transcription: bool = attribute(to.boolean, False, ignored=NO_TRANSCRIPTION)
    transcription_callback: str | None = attribute(to.url, None, ignored=NO_TRANSCRIPTION)
    transcription_engine: str | None = attribute(to.text, None, ignored=NO_TRANSCRIPTION)
    transcription_language: str | None = attribute(to.text, None, ignored=NO_TRANSCRIPTION)
    transcription_model: str | None = attribute(to.text, None, ignored=NO_TRANSCRIPTION)
    # Twilio.
    transcribe: bool = attribute(to.boolean, False, ignored=NO_TRANSCRIPTION)
    transcribe_callback: str | None = attribute(to.url, None, ignored=NO_TRANSCRIPTION)
    recording_configuration_id: str | None = attribute(to.text, None, ignored=NO_CONFIGURATIONS)
