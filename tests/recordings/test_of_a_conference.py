"""A recording of a conference: what FreeSWITCH says of its file, or does not say in time, and its effect."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import gevent
import pytest

from orchestrator.recordings import conference_recorder
from orchestrator.recordings.entries import RecordingEntries
from orchestrator.recordings.model import CONFERENCE_RECORDING
from orchestrator.timeline.sentences import sentence
from tests.calls.scripted import ScriptedSwitch
from tests.recovery.test_recordings_of_the_last_run import audio
from tests.scenarios.conftest import House
from tests.sdk.conftest import Client
from tests.sound.common import recorded, until
from tests.timeline.reading import wait_for

SOON = 0.3


class Scene(NamedTuple):
    house: House
    switch: ScriptedSwitch
    uuid: str
    sid: str
    """Of the conference."""
    path: str

    @property
    def recording(self) -> str:
        return Path(self.path).stem

    def says(self, action: str, **headers: object) -> None:
        self.switch.maintenance(f"{action}-recording", self.sid, Path=self.path, **headers)

    def delivered(self, count: int) -> list[str]:
        return [one["RecordingStatus"] for one in self.house.callbacks("/recording", count)]

    def ordered(self) -> list[str]:
        return [command.split()[3] for command in self.switch.saw("recording", self.path)]

    def leaves(self) -> None:
        self.switch.leaves(self.sid, self.uuid, 1)
        self.switch.maintenance("conference-destroy", self.sid)
        self.switch.hangs_up(self.uuid)
        del self.switch.conferences[self.sid]


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time limits are short."""
    for name in ("START_SECONDS", "CLOSE_SECONDS"):
        monkeypatch.setattr(conference_recorder, name, SOON)


def scene(bench: House, *, begun: bool = True) -> Scene:
    """One caller is in a conference that is to be recorded."""
    switch = bench.switch
    bench.voice(bench.joins(**recorded(bench)))
    uuid = switch.parks(answer_state="answered")
    switch.wait_for("execute-app-name: conference")
    (argument,) = [arg for app, arg in switch.applications(uuid) if app == "conference"]
    sid = argument.partition("@")[0]
    switch.joins(sid, uuid, 1)
    (start,) = switch.wait_for("recording start")
    scene = Scene(bench, switch, uuid, sid, start.split()[-1])
    if begun:
        audio(Path(scene.path))
        switch.records(sid, scene.path)
        scene.says("start")
        assert scene.delivered(1) == ["in-progress"]
    return scene


def test_its_end_comes_once_however_often_it_is_said(bench: House, client: Client) -> None:
    one = scene(bench)
    assert bench.orchestrator is not None
    for _ in range(2):
        one.says("stop", Conference_Size="0")
    for action in ("start", "pause", "resume"):
        one.says(action)
    assert one.delivered(2) == ["in-progress", "completed"]
    gevent.sleep(SOON)
    assert one.delivered(2) == ["in-progress", "completed"]
    assert bench.orchestrator.outbox.load(CONFERENCE_RECORDING) == []
    shown = client.ask("GET", f"/Recordings/{one.recording}.json").json()
    assert (shown["status"], shown["duration"]) == ("completed", "2")
    one.leaves()


def test_one_that_freeswitch_could_not_open_is_absent(bench: House) -> None:
    bench.log.allows("not recorded")
    one = scene(bench, begun=False)
    one.says("start", Error="no space left on device")
    assert one.delivered(1) == ["absent"]
    assert bench.log.has("not recorded", "no space left on device")
    one.leaves()


def test_one_that_freeswitch_never_begins_is_absent_in_time(bench: House, soon: None) -> None:
    bench.log.allows("not recorded")
    one = scene(bench, begun=False)
    assert one.delivered(1) == ["absent"]
    assert bench.log.has("FreeSWITCH did not begin it")
    one.leaves()


def test_one_that_has_begun_has_no_time_limit(bench: House, soon: None) -> None:
    one = scene(bench)
    gevent.sleep(2 * SOON)
    assert one.delivered(1) == ["in-progress"]
    one.says("stop", Conference_Size="0")
    assert one.delivered(2) == ["in-progress", "completed"]
    one.leaves()


def test_one_whose_end_freeswitch_never_says_ends_after_its_conference(bench: House, soon: None) -> None:
    one = scene(bench)
    one.leaves()
    assert one.delivered(2) == ["in-progress", "completed"]


def test_the_end_of_a_conference_s_recording_before_the_conference_is_said(
    bench: House, client: Client
) -> None:
    bench.log.allows("recording ended before its conference")
    one = scene(bench)
    one.says("stop", Conference_Size="1")
    assert one.delivered(2) == ["in-progress", "completed"]
    found = client.ask("GET", f"/Recordings/{one.recording}.json").json()
    assert found["status"] == "completed"
    one.leaves()


CHANGES: dict[str, tuple[tuple[tuple[str, str], ...], list[str], str]] = {
    "paused": ((("paused", ""),), ["start", "pause"], "paused"),
    "paused twice": ((("paused", "silence"), ("paused", "skip")), ["start", "pause"], "paused"),
    "resumed": ((("paused", ""), ("in-progress", "")), ["start", "pause", "resume"], "in-progress"),
    "resumed while it goes on": ((("in-progress", ""),), ["start"], "in-progress"),
    "stopped": ((("stopped", ""),), ["start", "stop"], "stopped"),
}


@pytest.mark.parametrize(("changes", "ordered", "status"), CHANGES.values(), ids=CHANGES)
def test_each_change_is_the_order_that_it_takes(
    bench: House, client: Client, changes: tuple[tuple[str, str], ...], ordered: list[str], status: str
) -> None:
    one = scene(bench)
    url = f"/Conferences/{one.sid}/Recordings/{one.recording}.json"
    for wanted, behavior in changes:
        form = {"Status": wanted} | ({"PauseBehavior": behavior} if behavior else {})
        answer = client.ask("POST", url, data=form)
        assert answer.status_code == 200, answer.text
        assert answer.json()["status"] == wanted
    until(lambda: one.ordered() == ordered, 5, f"{ordered}")
    assert client.ask("GET", url).json()["status"] == status
    one.says("stop", Conference_Size="0")
    assert one.delivered(2) == ["in-progress", "completed"]
    for wanted in ("paused", "in-progress"):
        assert client.ask("POST", url, data={"Status": wanted}).status_code == 422
    one.leaves()


@pytest.mark.parametrize("status", ["paused", "in-progress"])
def test_a_command_that_freeswitch_does_not_carry_out_is_reported_and_changes_nothing(
    bench: House, client: Client, status: str
) -> None:
    one = scene(bench)
    url = f"/Conferences/{one.sid}/Recordings/{one.recording}.json"
    if status == "in-progress":
        assert client.ask("POST", url, data={"Status": "paused"}).status_code == 200
    before = client.ask("GET", url).json()["status"]
    # conference_api_sub_pauserec says both in one.
    said = "+OK Pause recording file x\n-ERR non-existent recording 'x'\n"
    one.switch.answers[f"conference {one.sid} recording"] = said
    answer = client.ask("POST", url, data={"Status": status})
    assert answer.status_code == 422
    assert "non-existent" in answer.text
    assert client.ask("GET", url).json()["status"] == before != status
    one.says("stop", Conference_Size="0")
    one.leaves()


@pytest.mark.parametrize("why", ["", "FreeSWITCH ended it before its conference"])
def test_a_full_disk_is_named_where_something_is_wrong_and_nowhere_else(
    bench: House, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(RecordingEntries, "_free", lambda self: 0)
    bench.log.allows("recording ended before its conference")
    one = scene(bench)
    one.says("stop", Conference_Size="1" if why else "0")
    assert one.delivered(2) == ["in-progress", "completed"]
    text = sentence(wait_for(bench, "recording.completed"))
    assert ("is full" in text, "Free space there" in text) == (bool(why), bool(why))
    assert why in text
    one.leaves()


# The watchdog


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conference_recorder, "WATCH_SECONDS", SOON)
    monkeypatch.setattr(conference_recorder, "WRITE_SECONDS", SOON)


def test_a_file_that_does_not_grow_ends_its_recording(bench: House, watched: None) -> None:
    bench.log.allows("recording stopped by itself")
    one = scene(bench)
    assert one.delivered(2) == ["in-progress", "completed"]
    assert bench.log.has("recording stopped by itself")
    assert one.ordered() == ["start", "stop"]
    one.leaves()


@pytest.mark.parametrize("why", ["it grows", "it is paused", "it has not begun", "FreeSWITCH stands still"])
def test_a_file_that_need_not_grow_is_let_alone(
    bench: House, client: Client, watched: None, why: str
) -> None:
    one = scene(bench, begun=why != "it has not begun")
    if why == "it is paused":
        one.says("pause")
        url = f"/Recordings/{one.recording}.json"
        until(lambda: client.ask("GET", url).json()["status"] == "paused", 5, "paused")
    if why == "FreeSWITCH stands still":
        one.switch.answers["global_getvar core_uuid"] = "-ERR not now\n"
    for seconds in range(1, 16):
        gevent.sleep(0.1)
        if why == "it grows":
            audio(Path(one.path), 2.0 + seconds)
    assert "stop" not in one.ordered()
    assert "completed" not in one.delivered(0)
    one.switch.answers.clear()
    if why == "it has not begun":
        audio(Path(one.path))
        one.says("start")
    one.says("stop", Conference_Size="0")
    assert one.delivered(2) == ["in-progress", "completed"]
    one.leaves()
