"""Conference's attributes, as the conference and its participant have them."""

from __future__ import annotations

from typing import Any

from msgspec.structs import asdict

from orchestrator.fsconfig.conference_profiles import room_profile
from tests.calls.conftest import bench, scripted
from tests.calls.scripted import ScriptedSwitch
from tests.scenarios.conftest import ACCOUNT, House
from tests.web.site import wait_until

__all__ = ["bench", "scripted"]
CALLBACK = {"statusCallback": "/events", "statusCallbackEvent": "join leave"}
RECORDED = {"record": "record-from-start", "recordingStatusCallback": "/recording"}

# The attributes; the differences from the usual participant, conference and recording; the speech reported.
WRITTEN: list[tuple[dict[str, str], dict[str, Any], dict[str, Any], dict[str, Any] | None, str]] = [
    ({}, {}, {}, None, "none"),
    ({"muted": "true"}, {"muted": True}, {}, None, "none"),
    ({"startConferenceOnEnter": "false"}, {"start_on_enter": False}, {}, None, "none"),
    ({"endConferenceOnExit": "true"}, {"end_on_exit": True}, {}, None, "none"),
    *(({"beep": beep}, {"beep": beep}, {}, None, "none") for beep in ("false", "onEnter", "onExit")),
    ({"participantLabel": "anna"}, {"label": "anna"}, {}, None, "none"),
    ({"maxParticipants": "7"}, {}, {"max_participants": 7}, None, "none"),
    (
        CALLBACK,
        {},
        {"status_callback": "/events", "status_callback_event": {"join", "leave"}},
        None,
        "none",
    ),
    (
        {**CALLBACK, "statusCallbackMethod": "GET", "statusCallbackEvent": "speaker"},
        {},
        {
            "status_callback": "/events",
            "status_callback_event": {"speaker"},
            "status_callback_method": "GET",
        },
        None,
        "talking",
    ),
    # Without an address nothing of it is listened to.
    ({"statusCallbackEvent": "speaker"}, {}, {}, None, "none"),
    ({"record": "record-from-start"}, {}, {}, {}, "none"),
    ({"record": "do-not-record", "recordingTimeout": "9"}, {}, {}, None, "none"),
    ({"record": "true", "recordingTimeout": "9"}, {}, {}, {"timeout": 9}, "talking"),
    ({"record": "true", "recordBeep": "false"}, {}, {}, {"beep": False}, "none"),
    ({"record": "true", "trim": "trim-silence"}, {}, {}, {"trim": True}, "none"),
    ({"record": "true", "sendRecordingUrl": "false"}, {}, {}, {"send_url": False}, "none"),
    ({"record": "true", "recordingStatusCallbackEvent": "completed"}, {}, {}, {}, "none"),
    (
        {
            **RECORDED,
            "recordingStatusCallbackMethod": "GET",
            "recordingStatusCallbackEvent": "absent completed",
        },
        {},
        {},
        {
            "status_callback": "/recording",
            "status_callback_method": "GET",
            "status_callback_event": {"absent", "completed"},
        },
        "none",
    ),
]


def changed(found: Any, usual: Any, bench: House) -> dict[str, Any]:
    """Where they differ; URLs without the application's address."""
    differing = {
        name: value
        for name, value in asdict(found).items()
        if name != "recording" and value != getattr(usual, name)
    }
    return {
        name: value.removeprefix(bench.application.url("").rstrip("/")) if isinstance(value, str) else value
        for name, value in differing.items()
    }


def test_each_attribute_is_one_of_the_participant_of_the_conference_or_of_its_recording(
    bench: House, scripted: ScriptedSwitch
) -> None:
    bench.application.takes_callbacks("/recording")
    callers = [f"+1312555{number:04}" for number in range(1000, 1000 + len(WRITTEN))]
    documents = {}
    for caller, (attributes, *_) in zip(callers, WRITTEN, strict=True):
        written = "".join(f" {name}='{value}'" for name, value in attributes.items())
        documents[caller] = f"<Response><Dial><Conference{written}>{caller}</Conference></Dial></Response>"
    bench.documents(documents)
    for caller in callers:
        leg = scripted.leg(answered=False)
        scripted.legs[leg]["Caller-Caller-ID-Number"] = caller
        scripted.parks_again(leg)
    assert bench.orchestrator is not None
    rooms = bench.orchestrator.nodes[0].rooms
    wait_until(lambda: all(rooms.named(ACCOUNT, caller) for caller in callers), "all are there")
    found = [room for caller in callers if (room := rooms.named(ACCOUNT, caller)) is not None]
    usual, recorded = found[0], next(room for room in found if room.options.recording).options.recording
    of_usual = next(iter(usual.participants.values())).options
    for room, (attributes, participant, conference, recording, heard) in zip(found, WRITTEN, strict=True):
        (one,) = room.participants.values()
        assert changed(one.options, of_usual, bench) == participant, attributes
        assert changed(room.options, usual.options, bench) == conference, attributes
        own = room.options.recording
        assert (None if own is None else changed(own, recorded, bench)) == recording, attributes
        assert room.profile == room_profile("default", heard), attributes
    assert asdict(of_usual) | {"wait_url": None} == {
        "muted": False,
        "start_on_enter": True,
        "end_on_exit": False,
        "beep": "true",
        "label": "",
        "coach": "",
        "wait_url": None,
        "wait_method": "POST",
    }
    bench.log.allows("no recording")
