"""The OpenAPI document says of each parameter the same as Telnyx: its default, its bounds, whether
it has to be given; and of each operation, whether a client's key keeps it from being done twice."""

from __future__ import annotations

import re

import pytest

from orchestrator.web.api.blueprint import ACCOUNT, OPERATIONS
from orchestrator.web.api.openapi import document
from orchestrator.web.api.operation import Operation

DIALS = ("dialParticipant", "createCall")
# By operation where one name has two defaults.
DEFAULTS: dict[str, object] = {
    "AnnounceMethod": "POST",
    "Beep": "true",
    "Coaching": False,
    "ConferenceRecord": "do-not-record",
    "ConferenceRecordingStatusCallbackEvent": "completed",
    "ConferenceRecordingStatusCallbackMethod": "POST",
    "ConferenceRecordingTimeout": 0,
    "ConferenceStatusCallbackMethod": "POST",
    "ConferenceTrim": "trim-silence",
    "EarlyMedia": False,
    "EndConferenceOnExit": False,
    "FallbackMethod": "POST",
    "HoldMethod": "GET",
    "IncludeLeft": False,
    "IncludeSoftDeleted": False,
    "MaxParticipants": 250,
    "Method": {"updateCall": "POST", "createCall": None},
    "Muted": {"dialParticipant": False, "updateParticipant": None, "listParticipants": None},
    "Page": 0,
    "PageSize": 20,
    "PauseBehavior": "silence",
    "PlayBeep": True,
    "Record": False,
    "RecordingChannels": {"startCallRecording": "dual", **dict.fromkeys(DIALS, "mono")},
    "RecordingStatusCallbackEvent": "completed",
    "RecordingStatusCallbackMethod": "POST",
    "RecordingTrack": "both",
    "SendRecordingUrl": True,
    "StartConferenceOnEnter": True,
    "StatusCallbackEvent": "completed",
    "StatusCallbackMethod": "POST",
    "SupervisingRole": "barge",
    "TimeLimit": {"updateCall": None, **dict.fromkeys(DIALS, 14400)},
    "Timeout": 30,
    "Trim": {"startCallRecording": "do-not-trim", **dict.fromkeys(DIALS, "trim-silence")},
    "UrlMethod": "POST",
    "WaitMethod": "POST",
}
FREE = {"updateParticipant": {"Coaching", "EndConferenceOnExit"}, "listParticipants": {"Coaching"}}
"""Without a default where another operation has one: not given, it stays as it is."""
BOUNDS = {
    "Timeout": (5, 120),
    "TimeLimit": (1, 14400),
    "MaxParticipants": (2, 800),
    "ConferenceRecordingTimeout": (0, 14400),
    "Page": (0, 100_000),
    "PageSize": (1, 1000),
}
REQUIRED = {
    "dialParticipant": {"To", "From"},
    "createCall": {"To", "From"},
    "updateCallRecording": {"Status"},
    "updateConferenceRecording": {"Status"},
}
NOT_TWICE = {"startCallRecording", *DIALS}


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_each_parameter_has_its_default_and_its_bounds(operation: Operation) -> None:
    for parameter in (*operation.query, *operation.body):
        expected = DEFAULTS.get(parameter.name)
        if isinstance(expected, dict):
            expected = expected[operation.name]
        if parameter.name in FREE.get(operation.name, ()):
            expected = None
        assert (parameter.default, type(parameter.default)) == (expected, type(expected)), parameter.name
        if parameter.name in BOUNDS:
            schema = parameter.kind.schema
            assert (schema["minimum"], schema["maximum"]) == BOUNDS[parameter.name], parameter.name
        assert parameter.required is (parameter.name in REQUIRED.get(operation.name, ())), parameter.name


def test_every_schema_that_the_document_refers_to_is_in_it() -> None:
    described = document(OPERATIONS, ACCOUNT)
    schemas = set(described["components"]["schemas"])  # type: ignore[index]
    named = set(re.findall(r"'#/components/schemas/(\w+)'", str(described)))
    assert named == schemas
    answers = {operation.answer.name for operation in OPERATIONS if operation.answer is not None}
    assert answers < schemas


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_the_document_says_so(operation: Operation) -> None:
    paths = document(OPERATIONS, ACCOUNT)["paths"]
    path = f"/v2/texml{ACCOUNT}{operation.path}{operation.suffixes[0]}"
    described = paths[path][operation.method.lower()]  # type: ignore[index]
    assert described["operationId"] == operation.name
    found = {one["name"]: one["schema"] for one in described["parameters"] if one["in"] == "query"}
    required = {one["name"] for one in described["parameters"] if one["in"] == "query" and one["required"]}
    assert all(one["required"] for one in described["parameters"] if one["in"] == "path")
    if operation.body:
        body = described["requestBody"]
        (schema, other) = (each["schema"] for each in body["content"].values())
        assert schema == other
        assert schema["additionalProperties"] is False
        found |= schema["properties"]
        required |= set(schema.get("required", ()))
        assert body["required"] is bool(schema.get("required"))
    for parameter in (*operation.query, *operation.body):
        schema = found.pop(parameter.name)
        assert schema.get("default") == parameter.default
        assert parameter.description in schema.get("description", "")
    # The rest are filters by time, in each of their spellings.
    assert {name.rstrip("<>=").removesuffix("_gt").removesuffix("_lt") for name in found} == set(
        operation.times
    )
    assert required == REQUIRED.get(operation.name, set())
    assert str(operation.status) in described["responses"]
    good = described["responses"][str(operation.status)]
    assert ("content" in good) is (operation.answer is not None)
    assert operation.idempotent is (operation.name in NOT_TWICE)
    assert operation.status == (204 if operation.method == "DELETE" else 200)
