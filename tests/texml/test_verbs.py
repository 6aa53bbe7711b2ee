"""The other verbs, attribute by attribute, from Telnyx's page of each unless a row says otherwise."""

import pytest

from orchestrator.texml.ring_tones import RING_TONES
from tests.texml.tables import (
    Row,
    action,
    boolean,
    check_bad,
    check_default,
    check_good,
    ignored_text,
    method,
    url,
    words,
)

COMPLETED = frozenset({"completed"})
DTMF = frozenset({"dtmf"})
EVERY_KEY = "1234567890*#"


def free_text(element: str, attribute: str, says: str, default: str | None, *, ignored: bool = False) -> Row:
    return Row(
        element, attribute, says, default, {"x": "x", " en-GB ": "en-GB"}, {"": default}, ignored=ignored
    )


def idle_flag(element: str, attribute: str, says: str, default: bool | None) -> Row:
    return Row(
        element, attribute, says, default, {"true": True, "false": False}, {"maybe": default}, ignored=True
    )


def idle_url(element: str, attribute: str, says: str) -> Row:
    return Row(element, attribute, says, None, {"/partial": "/partial"}, {"": None}, ignored=True)


ROWS = [
    Row(
        "Say",
        "voice",
        "man, woman, alice, Polly.X, Polly.X-Neural, ElevenLabs.model.voice, Azure.*, Telnyx.*; default man.",
        "man",
        {
            voice: voice
            for voice in ("woman", "alice", "Polly.Joanna-Neural", "ElevenLabs.m.v", "Azure.en-US-A")
        },
        {"": "man"},
    ),
    free_text("Say", "language", "Only for alice; man and woman are en-US.", None),
    Row(
        "Say",
        "loop",
        "0 - 10, 0 for ever, default 1.",
        1,
        {"0": 0, "1": 1, "10": 10},
        # -1 must not become "for ever".
        {"11": 10, "-1": 1, "": 1, "x": 1},
    ),
    Row(
        "Say",
        "gender",
        "Azure: Male, Female.",
        None,
        {"Male": "Male", "female": "Female"},
        {"": None, "x": None},
        ignored=True,
    ),
    Row(
        "Say",
        "effect",
        "Azure: eq_telecomhp8k, eq_car.",
        None,
        {"eq_telecomhp8k": "eq_telecomhp8k", "eq_car": "eq_car"},
        {"": None, "echo": None},
        ignored=True,
    ),
    Row(
        "Play",
        "loop",
        "Default 1; SignalWire: 0 for ever. Twilio: up to 1000.",
        1,
        {"0": 0, "1": 1, "1000": 1000},
        {"1001": 1000, "-1": 1, "": 1},
    ),
    url("Play", "failoverUrl", "Telnyx: tried where the audio cannot be had."),
    boolean("Play", "continueOnError", "Telnyx: whether the script goes on after a failure.", True),
    Row(
        "Play",
        "ringTone",
        "Telnyx: a country's ringing in place of audio, with which it cannot be combined.",
        None,
        {code: code for code in RING_TONES},
        {"": None, "xx": None},
        ignored=True,
    ),
    *ignored_text("Say", "voiceSpeed", "api_key_ref", "region", "pronunciationDictId", "languageBoost"),
    *ignored_text("Gather", "maxSpeechTime", "speechModel", "keyterms", "model", "apiKeyRef", "region"),
    idle_flag("Gather", "bargeIn", "Twilio: false lets the prompts end first. True.", True),
    idle_flag("Gather", "debug", "Twilio. False.", False),
    idle_flag("Gather", "enhanced", "Twilio.", None),
    idle_flag("Gather", "smartFormat", "Telnyx.", None),
    *ignored_text("Record", "transcriptionModel", "recordingConfigurationId"),
    idle_flag("Record", "transcribe", "Twilio. False.", False),
    idle_url("Record", "transcribeCallback", "Twilio."),
    idle_flag("Play", "mediaStorage", "The body is the name of stored media. Default false.", False),
    Row(
        "Play",
        "digits",
        "0-9 * # and w for half a second; then no audio.",
        None,
        {"12w34#*": "12w34#*"},
        {"": None, "abc": None},
    ),
    Row(
        "Pause",
        "length",
        "1 - 180 seconds, default 1.",
        1,
        {"1": 1, "180": 180},
        {"0": 1, "-1": 1, "181": 180, "": 1, "1.5": 1},
    ),
    action("Gather", "action", "Requested with the digits; the result replaces the flow."),
    method("Gather", "method", "Telnyx uses the application's method; Twilio has the attribute.", None),
    Row(
        "Gather",
        "input",
        "dtmf, speech, dtmf speech; default dtmf. Speech is not recognised here.",
        DTMF,
        {"dtmf": DTMF, "DTMF": DTMF},
        {"speech": DTMF, "dtmf speech": DTMF, "": DTMF, "video": DTMF},
    ),
    Row(
        "Gather",
        "timeout",
        "1 - 120 seconds between digits, default 5.",
        5,
        {"1": 1, "120": 120},
        {"0": 1, "121": 120, "": 5, "auto": 5},
    ),
    Row(
        "Gather",
        "finishOnKey",
        "0-9 * #; default #. Migration guide: empty disables.",
        "#",
        {"*": "*", "12": "12", "": ""},
        {"x": "#", "##x": "#"},
    ),
    Row(
        "Gather",
        "numDigits",
        "The number of digits.",
        None,
        {"1": 1, "128": 128},
        {"0": None, "129": 128, "": None},
    ),
    Row("Gather", "minDigits", "1 - 128, default 1.", 1, {"1": 1, "128": 128}, {"0": 1, "129": 128, "": 1}),
    Row(
        "Gather",
        "maxDigits",
        "1 - 128, default 128.",
        128,
        {"1": 1, "128": 128},
        {"0": 128, "129": 128, "": 128},
    ),
    Row(
        "Gather",
        "validDigits",
        "The digits taken.",
        None,
        {"123": "123", "*#": "*#"},
        {"": None, "1-3": None},
    ),
    url("Gather", "invalidDigitsAction", "Requested with digits that are not valid."),
    boolean("Gather", "actionOnEmptyResult", "Twilio, SignalWire: request action without input too.", False),
    free_text("Gather", "speechTimeout", "Seconds after speech ends.", None, ignored=True),
    free_text("Gather", "language", "Default en-US.", "en-US", ignored=True),
    free_text("Gather", "hints", "Hints for the recogniser.", None, ignored=True),
    idle_flag("Gather", "profanityFilter", "Whether to filter profanity.", None),
    idle_flag("Gather", "useEnhanced", "Enhanced transcription.", None),
    free_text("Gather", "transcriptionEngine", "Google, Telnyx, Azure, Deepgram.", None, ignored=True),
    idle_url("Gather", "partialResultCallback", "Where partial results go."),
    Row(
        "Gather",
        "partialResultCallbackMethod",
        "GET, POST; default POST.",
        "POST",
        {"GET": "GET", "POST": "POST"},
        {"PUT": "POST"},
        ignored=True,
    ),
    method("Redirect", "method", "GET, POST; default POST."),
    words("Reject", "reason", "rejected (default), busy.", "rejected", "rejected", "busy"),
    action("Record", "action", "Requested when the recording ends."),
    method("Record", "method", "GET, POST; default POST."),
    Row(
        "Record",
        "finishOnKey",
        "Any of these ends the recording; default all of 1234567890*#.",
        EVERY_KEY,
        {"#": "#", "": ""},
        {"none": EVERY_KEY},
    ),
    Row(
        "Record",
        "timeout",
        "Seconds of silence that end it, 0 for infinite; default 0.",
        0,
        {"0": 0, "5": 5},
        {"-1": 0, "": 0, "99999": 14400},
    ),
    Row(
        "Record",
        "maxLength",
        "0 - 14400 seconds, 0 for infinite, default 3600.",
        3600,
        {"0": 0, "30": 30, "14400": 14400},
        # -1 must not become "infinite".
        {"-1": 3600, "14401": 14400, "": 3600},
    ),
    boolean("Record", "playBeep", "A sound before the recording. Default true.", True),
    words(
        "Record",
        "trim",
        "trim-silence removes silence at both ends; none by default.",
        "do-not-trim",
        "trim-silence",
    ),
    Row(
        "Record",
        "channels",
        "single, dual; default dual. mono in other places means single.",
        "dual",
        {"single": "single", "dual": "dual", "mono": "single"},
        {"": "dual", "stereo": "dual"},
    ),
    words("Record", "format", "mp3, wav; default mp3.", "mp3", "mp3", "wav"),
    url("Record", "recordingStatusCallback", "Requested when the recording is available."),
    method("Record", "recordingStatusCallbackMethod", "GET, POST; default POST."),
    Row(
        "Record",
        "recordingStatusCallbackEvent",
        "in-progress, completed; default completed.",
        COMPLETED,
        {"in-progress completed": frozenset({"in-progress", "completed"}), "failed": frozenset({"absent"})},
        {"": COMPLETED, "x": COMPLETED},
        beside='recordingStatusCallback="/recordings"',
    ),
    idle_flag("Record", "transcription", "true, false; default false.", False),
    idle_url("Record", "transcriptionCallback", "Where the transcription goes."),
    free_text("Record", "transcriptionEngine", "The engine.", None, ignored=True),
    free_text("Record", "transcriptionLanguage", "The language.", None, ignored=True),
]


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_an_absent_attribute_is_its_default(row: Row) -> None:
    check_default(row)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_an_accepted_value_is_taken(row: Row) -> None:
    check_good(row)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_bad_value_warns_of_its_line_and_of_the_value_used(row: Row) -> None:
    check_bad(row)
