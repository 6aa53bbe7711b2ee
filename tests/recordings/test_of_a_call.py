"""A recording of a call, ordered through the API: FreeSWITCH's answer to each order, and its effect."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import gevent
import pytest
import requests

from orchestrator.recordings.model import CALL_RECORDING
from tests.calls.scripted import ScriptedSwitch
from tests.recovery.test_recordings_of_the_last_run import audio
from tests.scenarios.conftest import House
from tests.sdk.conftest import Client

WAITS = "<Response><Play loop='0'>{}</Play></Response>"
ALL = "in-progress completed absent"


def call(bench: House) -> tuple[str, str]:
    """One that hears something; its leg and its CallSid."""
    bench.switch.through_at_once = False
    bench.voice(WAITS.format(bench.application.tone(500, 5.0)))
    bench.application.takes_callbacks("/recording")
    uuid = bench.switch.parks()
    bench.switch.wait_for(f"sendmsg {uuid}", "playback")
    return uuid, bench.application.to("/voice")[-1].fields["CallSid"]


def order(bench: House, client: Client, call_sid: str, **more: str) -> Any:
    form = {
        "PlayBeep": "false",
        "RecordingStatusCallback": bench.application.url("/recording"),
        "RecordingStatusCallbackEvent": ALL,
    } | more
    return client.ask("POST", f"/Calls/{call_sid}/Recordings.json", data=form)


def begin(bench: House, client: Client) -> tuple[str, str, str]:
    """Its leg, its call's path and its sid."""
    uuid, call_sid = call(bench)
    answer = order(bench, client, call_sid)
    assert answer.status_code == 200, answer.text
    sid = answer.json()["sid"]
    audio(path(bench, sid))
    return uuid, f"/Calls/{call_sid}/Recordings/{sid}.json", sid


def path(bench: House, sid: str) -> Path:
    return Path(bench.switch.recordings_dir) / f"{sid}.wav"


def orders(switch: ScriptedSwitch, uuid: str) -> list[str]:
    """The same recording from outside of the leg."""
    return [command.split(" ")[2] for command in switch.saw("uuid_record", uuid)]


def delivered(bench: House, count: int) -> list[str]:
    return [one["RecordingStatus"] for one in bench.callbacks("/recording", count)]


CHANGES: dict[str, tuple[tuple[tuple[str, str], ...], list[str], str]] = {
    "paused": ((("paused", ""),), ["mask"], "paused"),
    "paused twice": ((("paused", "silence"), ("paused", "silence")), ["mask"], "paused"),
    "left out": ((("paused", "skip"),), ["pause"], "paused"),
    "silent, then left out": ((("paused", ""), ("paused", "skip")), ["mask", "pause", "unmask"], "paused"),
    "left out, then silent": (
        (("paused", "skip"), ("paused", "silence")),
        ["pause", "mask", "resume"],
        "paused",
    ),
    "resumed from silence": ((("paused", ""), ("in-progress", "")), ["mask", "unmask"], "in-progress"),
    "resumed": ((("paused", "skip"), ("in-progress", "")), ["pause", "resume"], "in-progress"),
    "resumed while it goes on": ((("in-progress", ""),), [], "in-progress"),
}


@pytest.mark.parametrize(("changes", "ordered", "status"), CHANGES.values(), ids=CHANGES)
def test_each_change_is_the_order_that_it_takes(
    bench: House, client: Client, changes: tuple[tuple[str, str], ...], ordered: list[str], status: str
) -> None:
    uuid, url, sid = begin(bench, client)
    for wanted, behavior in changes:
        form = {"Status": wanted} | ({"PauseBehavior": behavior} if behavior else {})
        answer = client.ask("POST", url, data=form)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == wanted
    assert orders(bench.switch, uuid) == ordered
    assert client.ask("GET", url).json()["status"] == status
    assert all(str(path(bench, sid)) in command for command in bench.switch.saw("uuid_record", uuid))
    bench.switch.hangs_up(uuid)
    assert delivered(bench, 2) == ["in-progress", "completed"]


def test_its_audio_is_heard_once_it_has_ended_however_long_it_was_paused(
    bench: House, client: Client
) -> None:
    """A file that does not grow is taken for a finished one; one that is paused does not grow."""
    uuid, this, sid = begin(bench, client)

    def heard() -> int:
        os.utime(path(bench, sid), (0, 0))
        return requests.get(f"{client.base}/recordings/{sid}.wav", timeout=20).status_code

    assert heard() == 409
    for status in ("paused", "in-progress"):
        assert client.ask("POST", this, data={"Status": status}).status_code == 200
        assert heard() == 409
    client.ask("POST", this, data={"Status": "stopped"})
    bench.switch.event("RECORD_STOP", uuid, Record_File_Path=str(path(bench, sid)))
    delivered(bench, 2)
    assert heard() == 200


def test_a_stop_is_ordered_once_and_nothing_changes_after_it(bench: House, client: Client) -> None:
    uuid, url, sid = begin(bench, client)
    for _ in range(2):
        answer = client.ask("POST", url, data={"Status": "stopped"})
        assert answer.json().get("status") in ("stopped", "processing", "completed", None)
    assert delivered(bench, 2) == ["in-progress", "completed"]
    assert [app for app, _ in bench.switch.applications(uuid)].count("stop_record_session") == 1
    for status in ("paused", "in-progress"):
        answer = client.ask("POST", url, data={"Status": status})
        assert (answer.status_code, "has ended" in answer.text) == (422, True), answer.text
    assert not orders(bench.switch, uuid)
    assert bench.orchestrator is not None
    assert not bench.orchestrator.node.call_context.recordings
    assert bench.orchestrator.outbox.load(CALL_RECORDING) == []
    bench.switch.event("RECORD_STOP", uuid, Record_File_Path=str(path(bench, sid)))
    bench.switch.hangs_up(uuid)
    gevent.sleep(0.2)
    assert delivered(bench, 2) == ["in-progress", "completed"]


@pytest.mark.parametrize("status", ["paused", "in-progress"])
def test_a_command_that_freeswitch_does_not_carry_out_is_reported_and_changes_nothing(
    bench: House, client: Client, status: str
) -> None:
    uuid, url, _ = begin(bench, client)
    if status == "in-progress":
        assert client.ask("POST", url, data={"Status": "paused"}).status_code == 200
    bench.switch.answers[f"uuid_record {uuid}"] = "-ERR Cannot locate session!\n"
    before = client.ask("GET", url).json()["status"]
    answer = client.ask("POST", url, data={"Status": status})
    assert answer.status_code == 422
    assert "Cannot locate session" in answer.text
    assert client.ask("GET", url).json()["status"] == before != status


def test_a_recording_that_freeswitch_did_not_begin_never_was(bench: House, client: Client) -> None:
    bench.log.allows("not recorded")
    uuid, call_sid = call(bench)
    bench.switch.refused["record_session"] = "-ERR invalid session"
    answer = order(bench, client, call_sid)
    assert answer.status_code == 422
    assert "FreeSWITCH did not begin it" in answer.text
    never_was(bench, client, call_sid)
    bench.switch.hangs_up(uuid)
    gevent.sleep(0.2)
    never_was(bench, client, call_sid)


def test_a_recording_whose_caller_hangs_up_before_it_begins_never_was(bench: House, client: Client) -> None:
    uuid, call_sid = call(bench)
    bench.switch.silent.add("record_session")
    ordered = gevent.spawn(order, bench, client, call_sid)
    bench.switch.wait_for("record_session")
    bench.switch.hangs_up(uuid, "NORMAL_UNSPECIFIED")
    answer = ordered.get(timeout=10)
    assert answer.status_code == 422
    assert "NORMAL_UNSPECIFIED" in answer.text
    never_was(bench, client, call_sid)


def never_was(bench: House, client: Client, call_sid: str) -> None:
    """Nothing is listed, delivered, or kept of it."""
    assert client.ask("GET", f"/Calls/{call_sid}/Recordings.json").json()["recordings"] == []
    assert not bench.application.to("/recording")
    assert bench.orchestrator is not None
    assert not bench.orchestrator.node.call_context.recordings
    assert bench.orchestrator.outbox.load(CALL_RECORDING) == []


def test_a_recording_of_an_answer_to_come_is_listed_before_it_begins(bench: House, client: Client) -> None:
    """FreeSWITCH has taken the order, and comes to it when the leg is through with something else."""
    uuid, call_sid = call(bench)
    bench.switch.silent.add("record_session")
    answer = order(bench, client, call_sid)
    assert answer.status_code == 200, answer.text
    sid = answer.json()["sid"]
    assert client.ask("GET", f"/Recordings/{sid}.json").json()["status"] == "in-progress"
    assert not bench.application.to("/recording")
    audio(path(bench, sid))
    bench.switch.event("RECORD_START", uuid, Record_File_Path="/elsewhere/other.wav")
    gevent.sleep(0.2)
    assert not bench.application.to("/recording")
    bench.switch.event("RECORD_START", uuid, Record_File_Path=str(path(bench, sid)))
    assert delivered(bench, 1) == ["in-progress"]
    bench.switch.event("RECORD_STOP", uuid, Record_File_Path="/elsewhere/other.wav")
    gevent.sleep(0.2)
    assert delivered(bench, 1) == ["in-progress"]
    bench.switch.event("RECORD_STOP", uuid, Record_File_Path=str(path(bench, sid)))
    assert delivered(bench, 2) == ["in-progress", "completed"]
    bench.switch.hangs_up(uuid)


def test_a_beep_is_played_unless_it_is_not_wanted(bench: House, client: Client) -> None:
    uuid, call_sid = call(bench)
    order(bench, client, call_sid, PlayBeep="true")
    bench.switch.wait_for("playback", "tone_stream://%(200,0,1000)")
    bench.switch.hangs_up(uuid)


TRACKS = {
    "both": ("false", "false", "false"),
    "inbound": ("false", "true", "false"),
    "outbound": ("false", "false", "true"),
}


@pytest.mark.parametrize("track", TRACKS)
@pytest.mark.parametrize("channels", ["single", "dual"])
def test_the_track_and_channels_are_set_on_the_leg_before_the_recording_begins(
    bench: House, client: Client, track: str, channels: str
) -> None:
    uuid, call_sid = call(bench)
    order(bench, client, call_sid, RecordingTrack=track, RecordingChannels=channels)
    stereo, bridged, read, write = (channels == "dual", *TRACKS[track])
    apps = bench.switch.applications(uuid)
    (variables,) = [argument for app, argument in apps if app == "multiset" and "RECORD_STEREO" in argument]
    for name, value in (
        ("RECORD_STEREO", str(stereo).lower()),
        ("RECORD_BRIDGE_REQ", bridged),
        ("RECORD_READ_ONLY", read),
        ("RECORD_WRITE_ONLY", write),
    ):
        assert f"{name}={value}" in variables
    names = [app for app, _ in apps]
    assert names.index("multiset") < names.index("record_session")
    bench.switch.hangs_up(uuid)
