"""Dial, Number and Sip, attribute by attribute. Telnyx: dial, unless a row says otherwise."""

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


def detection_time(element: str, attribute: str, default: int | None) -> Row:
    says = "Milliseconds of answering machine detection, 500 - 60000; the overall timeout 3500 by default."
    good = {"500": 500, "60000": 60000}
    return Row(element, attribute, says, default, good, {"": default, "fast": default}, ignored=True)


DIAL = [
    action("Dial", "action", "Requested when the dialled call ends; the response replaces the flow."),
    method("Dial", "method", "Method of action. GET, POST; default POST."),
    Row(
        "Dial",
        "callerId",
        "Caller ID, a valid E.164 number. None by default.",
        None,
        {"+13125550000": "+13125550000", " 100 ": "100"},
        {"": None, "1\n2": None},
    ),
    Row(
        "Dial",
        "fromDisplayName",
        "Up to 128 characters, only letters, numbers, spaces and -_~!.+",
        None,
        {"Info": "Info", "A-b_c~d!e.f+ 1": "A-b_c~d!e.f+ 1", "x" * 128: "x" * 128, "Jürgen": "Jürgen"},
        dict.fromkeys(["", "x" * 129, "<a>", 'a"b', "a;b", "a,b"], None),
    ),
    boolean(
        "Dial", "hangupOnStar", "The caller ends the dialled call with *. Not for Conference. False.", False
    ),
    Row(
        "Dial",
        "timeout",
        "Seconds to wait for an answer. 5 - 120, default 30. Twilio: to 600.",
        30,
        {"5": 5, "30": 30, "120": 120, "600": 600},
        {"4": 5, "0": 5, "601": 600, "": 30, "long": 30},
    ),
    Row(
        "Dial",
        "timeLimit",
        "The maximum duration of the call in seconds. 60 - 14400, default 14400. Twilio: to 86400. Any limit "
        "of 1 s or more is honoured (REST: 30); 0 cannot mean a call that ends at once.",
        14400,
        {"1": 1, "59": 59, "60": 60, "14400": 14400, "86400": 86400},
        {"86401": 86400, "0": 14400, "-5": 14400, "": 14400, "1h": 14400},
    ),
    boolean("Dial", "answerOnBridge", "Answer the caller only when the callee answers. False.", False),
    Row(
        "Dial",
        "ringTone",
        "Country code of the ringback tone, default us.",
        "us",
        {code: code for code in RING_TONES} | {"DE": "de", " gb ": "uk", "ca": "us"},
        {"": "us", "xx": "us", "usa": "us"},
    ),
    boolean("Dial", "sequential", "Telnyx, Twilio: one after the other. False.", False),
    *ignored_text("Dial", "recordingTrack", "recordingConfigurationId", "callReason", "passports", "events"),
    Row("Dial", "referUrl", "Twilio.", None, {"/refer": "/refer"}, {"": None}, ignored=True),
    Row("Dial", "referMethod", "Twilio.", "POST", {"GET": "GET"}, {"PUT": "POST"}, ignored=True),
    url("Dial", "audioUrl", "Custom ringback; wins over ringTone."),
    Row(
        "Dial",
        "passDiversionHeader",
        "Default false.",
        False,
        {"true": True, "false": False},
        {"": False},
        ignored=True,
    ),
    words(
        "Dial",
        "record",
        "Number and Sip only. do-not-record, record-from-answer, record-from-ringing and both with -dual; "
        "default do-not-record.",
        "do-not-record",
        "do-not-record",
        "record-from-answer",
        "record-from-ringing",
        "record-from-answer-dual",
        "record-from-ringing-dual",
        also={"true": "record-from-answer", "False": "do-not-record"},
        near={"record-from-start": "record-from-answer"},
    ),
    Row(
        "Dial",
        "recordingChannels",
        "single, dual; default single. mono in other places means single.",
        "single",
        {"single": "single", "dual": "dual", "mono": "single"},
        {"": "single", "2": "single"},
    ),
    Row(
        "Dial",
        "recordMaxLength",
        "Maximum length of the recording in seconds, 0 for infinite. 0 - 14400, default 0.",
        0,
        {"0": 0, "60": 60, "14400": 14400},
        {"20000": 14400, "-1": 0, "": 0},
    ),
    url("Dial", "recordingStatusCallback", "Optional URL requested when the recording is available."),
    method("Dial", "recordingStatusCallbackMethod", "GET, POST; default POST."),
    Row(
        "Dial",
        "recordingStatusCallbackEvent",
        "in-progress, completed, absent; default completed.",
        COMPLETED,
        {"in-progress absent": frozenset({"in-progress", "absent"})},
        {"": COMPLETED, "x": COMPLETED},
        beside='recordingStatusCallback="/recordings"',
    ),
    boolean("Dial", "sendRecordingUrl", "Default true.", True),
    words(
        "Dial",
        "trim",
        "Twilio: trim-silence, do-not-trim; default do-not-trim.",
        "do-not-trim",
        "trim-silence",
    ),
    detection_time("Dial", "machineDetectionSpeechThreshold", None),
    detection_time("Dial", "machineDetectionSpeechEndThreshold", None),
    detection_time("Dial", "machineDetectionSilenceTimeout", None),
]


def callee(element: str) -> list[Row]:
    """The attributes that Telnyx's page lists for Number and Sip alike."""
    return [
        url(element, "statusCallback", "Where the events of the dialled call go."),
        method(element, "statusCallbackMethod", "GET, POST; default POST."),
        Row(
            element,
            "statusCallbackEvent",
            "initiated, ringing, answered, amd, dtmf, completed; default completed.",
            COMPLETED,
            {
                "initiated ringing answered completed": frozenset(
                    {"initiated", "ringing", "answered", "completed"}
                ),
            },
            {
                "": COMPLETED,
                "hangup": COMPLETED,
                "hangup ringing": frozenset({"ringing"}),
                "amd dtmf": COMPLETED,
                "dtmf answered": frozenset({"answered"}),
                "deepfake,ringing": frozenset({"ringing"}),
            },
            beside='statusCallback="/calls"',
        ),
        url(element, "url", "A document that the callee hears before bridging."),
        method(element, "method", "Method of url. GET, POST; default POST."),
        Row(
            element,
            "machineDetection",
            "Enable, DetectMessageEnd, Disable; default Disable.",
            "Disable",
            {"Enable": "Enable", "DetectMessageEnd": "DetectMessageEnd", "Disable": "Disable"},
            {"": "Disable", "on": "Disable"},
            ignored=True,
        ),
        Row(
            element,
            "detectionMode",
            "Regular, Premium; default Regular.",
            "Regular",
            {"Regular": "Regular", "Premium": "Premium"},
            {"": "Regular", "Best": "Regular"},
            ignored=True,
        ),
        detection_time(element, "machineDetectionTimeout", 3500),
        *ignored_text(
            element,
            "machineDetectionPromptEndTimeout",
            "machineDetectionBeepProfile",
            "machineDetectionSpeechThreshold",
            "machineDetectionSpeechEndThreshold",
            "machineDetectionSilenceTimeout",
            "sipRegion",
        ),
        Row(element, "amdStatusCallback", "Both.", None, {"/amd": "/amd"}, {"": None}, ignored=True),
        Row(
            element,
            "amdStatusCallbackMethod",
            "Twilio.",
            "POST",
            {"GET": "GET"},
            {"PUT": "POST"},
            ignored=True,
        ),
    ]


ROWS = [
    *DIAL,
    *callee("Number"),
    *callee("Sip"),
    Row(
        "Number",
        "sendDigits",
        "Keys pressed once the callee has answered: 0-9 # * and w.",
        None,
        {"1234#": "1234#", "ww*1": "ww*1"},
        {"": None, "12a": None, "1 2": None},
    ),
    *ignored_text("Number", "deepfakeDetection", "byoc"),
    Row("Number", "deepfakeDetectionCallbackUrl", "Telnyx.", None, {"/d": "/d"}, {"": None}, ignored=True),
    Row("Uri", "username", "Twilio.", None, {"bob": "bob"}, {"": None}),
    Row("Uri", "password", "Twilio.", None, {"s3cret!": "s3cret!"}, {"": None}),
    *ignored_text("Uri", "priority", "weight"),
    Row("Header", "value", "Twilio.", "", {"a b": "a b", " x ": "x", "": ""}, {"a\nb": "", "y" * 1025: ""}),
    Row("Sip", "username", "Digest authentication.", None, {"bob": "bob"}, {"": None}),
    Row("Sip", "password", "Digest authentication.", None, {"s3cret!": "s3cret!"}, {"": None}),
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
