"""The Conference noun, attribute by attribute: the specification's table, then what other vendors add."""

import pytest

from tests.texml.tables import Row, boolean, check_bad, check_default, check_good, method, url, words

COMPLETED = frozenset({"completed"})
UUID = "fcc47bc6-e428-11ed-ad79-02420aef00b4"

ROWS = [
    boolean("Conference", "muted", "Specify whether a participant is muted or not. Default false.", False),
    boolean(
        "Conference",
        "startConferenceOnEnter",
        "Start the conference when a participant joins. If this is false and the participant joins a "
        "conference that has not started, they are muted and hear background music until a participant joins "
        "where startConferenceOnEnter is true. Default true.",
        True,
    ),
    boolean(
        "Conference",
        "endConferenceOnExit",
        "If a participant has this attribute set to true, then when that participant leaves, the conference "
        "ends and all other participants drop out. Default false.",
        False,
    ),
    Row(
        "Conference",
        "maxParticipants",
        "The maximum number of participants allowed in the conference. 2 - 250, default 250. "
        "REST and Call Control: 2 - 800.",
        250,
        {"2": 2, "250": 250, "251": 251, "800": 800, " 10 ": 10, "+5": 5},
        {"1": 2, "0": 2, "-3": 2, "801": 800, "9" * 5000: 800}
        | dict.fromkeys(["", "ten", "2.5", "1_0", "٣"], 250),
    ),
    words(
        "Conference",
        "beep",
        "Specify whether a notification beep is played to the conference when a participant joins or leaves "
        "the conference. true, false, onEnter, onExit; default true.",
        "true",
        "true",
        "false",
        "onEnter",
        "onExit",
        also={"True": "true", " FALSE ": "false", "1": "true", "no": "false"},
    ),
    Row(
        "Conference",
        "participantLabel",
        "Telnyx: usable in place of the CallSid in REST participant URLs. Twilio: up to 128 characters, no "
        "slash (even %2F), must not look like a CallSid.",
        None,
        {"host": "host", " Jürgen 2 ": "Jürgen 2", "x" * 128: "x" * 128, "v3": "v3"},
        dict.fromkeys(["", "a/b", "a%2Fb", "a%2fb", "CA" + "0" * 32, "v3:abc", UUID, "a\nb"], None),
    ),
    words(
        "Conference",
        "record",
        "The record attribute lets you record entire conference. When set to record-from-start, recording "
        "begins immediately after the conference starts. do-not-record, record-from-start; default "
        "do-not-record.",
        "do-not-record",
        "do-not-record",
        "record-from-start",
        also={"true": "record-from-start", "TRUE": "record-from-start", "false": "do-not-record"},
        near=dict.fromkeys(["record-from-answer", "record-from-ringing-dual"], "record-from-start"),
    ),
    boolean(
        "Conference",
        "recordBeep",
        "If enabled, a beep sound will be played at the start of a recording. Default true.",
        True,
    ),
    url(
        "Conference",
        "recordingStatusCallback",
        "Optional URL that tells Telnyx where to make its GET or POST request when the recording is "
        "available.",
    ),
    Row(
        "Conference",
        "recordingStatusCallbackEvent",
        "The recording events for which Telnyx should send a webhook. Multiple events are separated by a "
        "space. in-progress, completed, absent; default completed. REST and SignalWire: failed is absent.",
        COMPLETED,
        {
            "in-progress": frozenset({"in-progress"}),
            "in-progress completed absent": frozenset({"in-progress", "completed", "absent"}),
            " completed\n completed ": COMPLETED,
            "failed": frozenset({"absent"}),
            "Absent": frozenset({"absent"}),
        },
        {"": COMPLETED, "done": COMPLETED, "done absent": frozenset({"absent"})},
        beside='recordingStatusCallback="/recordings"',
    ),
    method("Conference", "recordingStatusCallbackMethod", "HTTP request type. GET, POST; default POST."),
    Row(
        "Conference",
        "recordingTimeout",
        "The number of seconds that Telnyx will wait for the recording to be stopped if silence is detected. "
        "0 means no timeout. 0 - 14400, default 0.",
        0,
        {"0": 0, "1": 1, "14400": 14400},
        {"14401": 14400, "-1": 0, "": 0, "soon": 0},
    ),
    words(
        "Conference",
        "trim",
        "Whether to trim any leading and trailing silence from the recording. trim-silence, do-not-trim; "
        "default do-not-trim (REST, Twilio and SignalWire: trim-silence).",
        "do-not-trim",
        "do-not-trim",
        "trim-silence",
        also={"true": "trim-silence", "false": "do-not-trim"},
    ),
    boolean(
        "Conference",
        "sendRecordingUrl",
        "Telnyx: false leaves RecordingUrl out of the callbacks. True.",
        True,
    ),
    url(
        "Conference",
        "statusCallback",
        "A URL for Telnyx to send webhook requests to on each event specified in the statusCallbackEvent.",
        beside='statusCallbackEvent="end"',
    ),
    method("Conference", "statusCallbackMethod", "HTTP method for the status callback URL. Default POST."),
    Row(
        "Conference",
        "statusCallbackEvent",
        "The conference events for which Telnyx should send a webhook on. Multiple events are separated by a "
        "space. start, end, join, leave, speaker; no default. Twilio, SignalWire: mute, hold. Twilio: "
        "modify, announcement.",
        frozenset(),
        {
            "start end join leave speaker": frozenset({"start", "end", "join", "leave", "speaker"}),
            "mute hold": frozenset({"mute", "hold"}),
            "modify announcement": frozenset({"modify", "announcement"}),
            "START": frozenset({"start"}),
            "start,end,join": frozenset({"start", "end", "join"}),
        },
        {
            "participant-join": frozenset(),
            "start finish": frozenset({"start"}),
        },
        beside='statusCallback="/events"',
    ),
    Row(
        "Conference",
        "waitUrl",
        "A URL to an MP3 or WAV file that should be used for the conference's hold music before the "
        "conference starts. The URL can also return an XML document. Twilio: an empty string is silence.",
        None,
        {"https://example.com/wait": "https://example.com/wait", "/wait.mp3": "/wait.mp3", "": "", "  ": ""},
        {"a\nb": None},
    ),
    method("Conference", "waitMethod", "HTTP method to use when requesting the wait URL. Default POST."),
    Row(
        "Conference",
        "coach",
        "Twilio, SignalWire: CallSid of the participant who alone hears this one.",
        None,
        {"v3:abc": "v3:abc", UUID: UUID},
        {"": None, "a\nb": None},
    ),
    Row(
        "Conference",
        "eventCallbackUrl",
        "SignalWire: POST when the conference ends. Twilio: deprecated.",
        None,
        {"/ended": "/ended"},
        {"": None},
        ignored=True,
    ),
    Row(
        "Conference",
        "jitterBufferSize",
        "Twilio: off, small (20 ms), medium (40), large (60); default large.",
        "large",
        {"off": "off", "small": "small", "medium": "medium", "large": "large"},
        {"": "large", "huge": "large"},
        ignored=True,
    ),
    Row(
        "Conference",
        "region",
        "Twilio: us1, ie1, de1, sg1, br1, au1, jp1; where audio is mixed.",
        None,
        {"us1": "us1", "de1": "de1"},
        {"": None},
        ignored=True,
    ),
    Row(
        "Conference",
        "recordingConfigurationId",
        "Twilio: stored recording settings.",
        None,
        {"abc": "abc"},
        {"": None},
        ignored=True,
    ),
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
