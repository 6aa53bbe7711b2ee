"""The words that attributes may have, and the converters that more than one verb uses for them."""

from typing import Literal, get_args

from orchestrator.texml import converters as to
from orchestrator.texml import limits

Method = Literal["GET", "POST"]
Trim = Literal["trim-silence", "do-not-trim"]
Channels = Literal["single", "dual"]
RecordingEvent = Literal["in-progress", "completed", "absent"]

Gender = Literal["Male", "Female"]
Effect = Literal["eq_telecomhp8k", "eq_car"]
InputKind = Literal["dtmf", "speech"]

Beep = Literal["true", "false", "onEnter", "onExit"]
ConferenceRecord = Literal["do-not-record", "record-from-start"]
# mute and hold: Twilio and SignalWire; modify and announcement: Twilio.
ConferenceEvent = Literal[
    "start", "end", "join", "leave", "speaker", "mute", "hold", "modify", "announcement"
]
JitterBuffer = Literal["off", "small", "medium", "large"]

CallEvent = Literal["initiated", "ringing", "answered", "amd", "dtmf", "completed"]
DialRecord = Literal[
    "do-not-record",
    "record-from-answer",
    "record-from-ringing",
    "record-from-answer-dual",
    "record-from-ringing-dual",
]
MachineDetection = Literal["Disable", "Enable", "DetectMessageEnd"]
DetectionMode = Literal["Regular", "Premium"]

METHOD = to.one_of(*get_args(Method))
TRIM = to.one_of(*get_args(Trim))
# REST and Gather say mono where Record and Dial say single.
CHANNELS = to.one_of(*get_args(Channels), aliases={"mono": "single"})
# SignalWire, and Telnyx in REST, say failed where the noun says absent.
RECORDING_EVENTS = to.some_of(*get_args(RecordingEvent), aliases={"failed": "absent"})

DIALLED_KEYS = "1234567890*#"
# w: half a second's pause.
SENT_KEYS = DIALLED_KEYS + "w"

SECONDS_RECORDED = to.whole(0, limits.MAX_RECORDING)
MILLISECONDS_OF_DETECTION = to.whole(limits.MIN_DETECTION_MS, limits.MAX_DETECTION_MS, clamp_low=True)

# Why an attribute that we read has no effect.
NO_SPEECH = "speech is not recognised"
NO_TRANSCRIPTION = "nothing is transcribed"
NO_DETECTION = "answering machines are not detected"
ONE_PLACE = "audio is mixed where the switch is"
OWN_JITTER_BUFFER = "the switch has one jitter buffer for all"
NO_CONFIGURATIONS = "no recording settings are stored"
NO_AZURE = "it is for voices of Azure's"
NO_STORED_MEDIA = "no media is stored by name, so it is taken for a URL"
NO_DIVERSION = "no header of the caller's is passed on"
OLD_CALLBACK = "statusCallback and recordingStatusCallback tell what it would"
