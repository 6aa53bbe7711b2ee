"""The words that attributes may have, and the converters that more than one verb uses for them."""

from collections.abc import Mapping
from typing import Literal, get_args

from orchestrator.texml import converters as to
from orchestrator.texml import limits
from orchestrator.texml.ring_tones import ALIASES, RING_TONES
from orchestrator.texml.values import Options
from orchestrator.types import Beep, Channels, Method, Trim

RecordingEvent = Literal["in-progress", "completed", "absent"]

Gender = Literal["Male", "Female"]
Effect = Literal["eq_telecomhp8k", "eq_car"]
InputKind = Literal["dtmf", "speech"]
Reason = Literal["rejected", "busy"]
Format = Literal["mp3", "wav"]

ConferenceRecord = Literal["do-not-record", "record-from-start"]
# mute and hold: Twilio and SignalWire; modify and announcement: Twilio.
ConferenceEvent = Literal[
    "start", "end", "join", "leave", "speaker", "mute", "hold", "modify", "announcement"
]
JitterBuffer = Literal["off", "small", "medium", "large"]

CallProgressEvent = Literal["initiated", "ringing", "answered", "amd", "dtmf", "deepfake", "completed"]
DialRecord = Literal[
    "do-not-record",
    "record-from-answer",
    "record-from-ringing",
    "record-from-answer-dual",
    "record-from-ringing-dual",
]
MachineDetection = Literal["Disable", "Enable", "DetectMessageEnd"]
DetectionMode = Literal["Regular", "Premium"]

# Why an attribute that we read has no effect.
NO_SPEECH = "speech is not recognised"
NO_OTHER_VOICES = "it is for voices of other providers"
NO_DEBUGGER = "there is no debugger"
NO_BARGE_IN = "a key always ends the prompts"
NO_DEEPFAKE_DETECTION = "deepfakes are not detected"
NO_BYOC = "the trunk is the application's"
NO_REFER = "a REFER is not followed"
NO_BRANDING = "no such header is sent"
NO_VOICE_EVENTS = "there are no event streams"
BOTH_TRACKS = "both parties are recorded"
NO_DTMF_EVENTS = "never sent, a callee's keys are not followed"
NO_TRANSCRIPTION = "nothing is transcribed"
NO_DETECTION = "answering machines are not detected"
ONE_PLACE = "audio is mixed where the switch is"
OWN_JITTER_BUFFER = "the switch has one jitter buffer for all"
NO_CONFIGURATIONS = "no recording settings are stored"
NO_AZURE = "it is for voices of Azure's"
NO_STORED_MEDIA = "no media is stored by name, so it is taken for a URL"
NO_DIVERSION = "no header of the caller's is passed on"
OLD_CALLBACK = "use statusCallback and recordingStatusCallback"

# The words as documents and the REST API read them alike.
METHODS: Options[Method] = Options(get_args(Method))
TRIMS: Options[Trim] = Options(get_args(Trim), true="trim-silence", false="do-not-trim")
BEEPS: Options[Beep] = Options(get_args(Beep), true="true", false="false")
# Twilio's older documents have true and false. A room is recorded from its start, whatever Dial calls it, and
# a Dial to numbers from the answer.
CONFERENCE_RECORDS: Options[ConferenceRecord] = Options(
    get_args(ConferenceRecord),
    true="record-from-start",
    false="do-not-record",
    elsewhere={
        "record-from-answer": "record-from-start",
        "record-from-ringing": "record-from-start",
        "record-from-answer-dual": "record-from-start",
        "record-from-ringing-dual": "record-from-start",
    },
)
DIAL_RECORDS: Options[DialRecord] = Options(
    get_args(DialRecord),
    true="record-from-answer",
    false="do-not-record",
    elsewhere={"record-from-start": "record-from-answer"},
)
CONFERENCE_EVENTS: Options[ConferenceEvent] = Options(get_args(ConferenceEvent))
CALL_EVENTS: Options[CallProgressEvent] = Options(get_args(CallProgressEvent))
# SignalWire, and Telnyx in REST, say failed where the noun says absent.
RECORDING_EVENTS: Options[RecordingEvent] = Options(get_args(RecordingEvent), {"failed": "absent"})
MACHINE_DETECTIONS: Options[MachineDetection] = Options(
    get_args(MachineDetection), true="Enable", false="Disable"
)

METHOD = to.one_of(METHODS)
TRIM = to.one_of(TRIMS)
# REST and Gather say mono where Record and Dial say single.
CHANNELS = to.one_of(Options[Channels](get_args(Channels), {"mono": "single"}))
RECORDING_EVENT = to.some_of(RECORDING_EVENTS)
_NEVER_SENT: Mapping[CallProgressEvent, str] = {
    "amd": NO_DETECTION,
    "deepfake": NO_DEEPFAKE_DETECTION,
    "dtmf": NO_DTMF_EVENTS,
}
CALL_EVENT = to.without(_NEVER_SENT, to.some_of(CALL_EVENTS))
RING_TONE = to.one_of(Options[str](tuple(RING_TONES), ALIASES))
INPUT_KIND = to.some_of(Options[InputKind](get_args(InputKind)))

DIALLED_KEYS = "1234567890*#"
# w: half a second's pause.
SENT_KEYS = DIALLED_KEYS + "w"

SECONDS_RECORDED = to.whole(0, limits.MAX_RECORDING)
MILLISECONDS_OF_DETECTION = to.whole(limits.MIN_DETECTION_MS, limits.MAX_DETECTION_MS, clamp_low=True)
