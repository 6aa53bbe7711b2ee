"""Conferences: how members hear each other, leave, and are recorded."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import gevent
import pytest

from orchestrator.emulator import ConferenceProfile, EmulatedSwitch
from orchestrator.emulator.sound import sound_file
from tests.emulator.conftest import Parked, no_leftovers
from tests.emulator.socket_client import SocketClient
from tests.lab.emulated_phone import ObservedPhone


class Room:
    """Phones join; members are known by their phone."""

    def __init__(self, client: SocketClient, parked: Parked) -> None:
        self.client = client
        self.parked = parked

    def join(self, hz: float | None = None, **variables: str) -> tuple[ObservedPhone, str, str]:
        phone, uuid = self.parked(sounds=hz)
        if variables:
            pairs = ";".join(f"{name}={value}" for name, value in variables.items())
            self.client.execute(uuid, "multiset", f"^^;{pairs}")
        self.client.execute(uuid, "conference", "room@texml", event_uuid=f"join-{uuid}")
        member = self.client.wait("add-member", Unique_ID=uuid)["Member-ID"]
        return phone, uuid, member

    def api(self, command: str) -> str:
        return self.client.api(f"conference room {command}")

    def listed(self) -> dict[str, Any]:
        (room,) = json.loads(self.api("json_list"))
        return dict(room)


@pytest.fixture
def room(client: SocketClient, parked: Parked) -> Room:
    return Room(client, parked)


def test_members_hear_each_other_and_not_themselves(room: Room) -> None:
    one, _, _ = room.join(500)
    two, _, _ = room.join(900)
    one.wait_hears(900, 2)
    two.wait_hears(500, 2)
    assert not one.hears_now(500)


def test_mute_deaf_hold_and_relate(room: Room) -> None:
    one, _, first = room.join(500)
    two, _, second = room.join(900)
    steps = [
        (f"mute {first}", False, True),
        (f"unmute {first}", True, True),
        (f"deaf {first}", True, False),
        (f"undeaf {first}", True, True),
        (f"hold {first}", False, True),
        (f"unhold {first}", True, True),
        (f"relate {first} {second} nospeak", False, True),
        (f"relate {first} {second} clear", True, True),
        (f"relate {second} {first} nohear", False, True),
        (f"relate {second} {first} clear", True, True),
    ]
    for command, two_hears, one_hears in steps:
        assert room.api(command).startswith("+OK")
        assert (two.hears_now(500), one.hears_now(900)) == (two_hears, one_hears), command


def test_flags_at_the_door(room: Room) -> None:
    one, _, _ = room.join(500, conference_member_flags="mute|deaf")
    two, _, _ = room.join(900, conference_member_flags="moderator")
    assert not two.hears_now(500)
    assert not one.hears_now(900)
    flags = {member["id"]: member["flags"] for member in room.listed()["members"]}
    assert [flag["can_speak"] for flag in flags.values()] == [True, False]
    assert [flag["is_moderator"] for flag in flags.values()] == [True, False]


def test_talking_begins_at_once_and_ends_after_a_while(room: Room, emulator: EmulatedSwitch) -> None:
    phone, _, _ = room.join()
    room.join()
    phone.sounds(500)
    room.client.wait("start-talking")
    emulator.clock.sleep(0.2)
    phone.sounds(None)
    emulator.clock.sleep(0.5)
    assert not room.client.all("stop-talking")
    stopped = room.client.wait("stop-talking")
    assert int(stopped["talking-duration-ms"]) >= 800


def test_a_muted_member_is_not_reported_as_talking(room: Room, emulator: EmulatedSwitch) -> None:
    phone, _, member = room.join(conference_member_flags="mute")
    phone.sounds(500)
    emulator.clock.sleep(0.2)
    assert not room.client.all("start-talking")
    room.api(f"unmute {member}")
    room.client.wait("start-talking")


def test_the_floor_goes_to_the_speaker(room: Room) -> None:
    _, _, first = room.join()
    room.client.wait("floor-change")
    phone, _, second = room.join()
    phone.sounds(500)
    changed = room.client.wait("floor-change", count=2)
    assert (changed["Old-ID"], changed["New-ID"]) == (first, second)


def test_a_kicked_member_is_back_in_park(room: Room) -> None:
    phone, uuid, member = room.join()
    room.join()
    assert room.api(f"kick {member}") == f"+OK kicked {member}\n"
    room.client.wait("CHANNEL_EXECUTE_COMPLETE", Application_UUID=f"join-{uuid}")
    room.client.execute(uuid, "playback", "tone_stream://%(200,0,600)")
    phone.wait_hears(600, 2)
    assert phone.state == "answered"


def test_endconf_ends_it_for_all_and_they_come_back(room: Room, emulator: EmulatedSwitch) -> None:
    one, uuid, _ = room.join()
    two, _, _ = room.join(conference_member_flags="endconf")
    two.hang_up()
    room.client.wait("conference-destroy")
    room.client.wait("CHANNEL_EXECUTE_COMPLETE", Application_UUID=f"join-{uuid}")
    assert one.state == "answered"
    one.hang_up()
    no_leftovers(emulator)


def test_by_default_the_end_of_the_room_ends_the_calls(room: Room) -> None:
    one, _, _ = room.join(hangup_after_conference="true")
    two, _, _ = room.join(conference_member_flags="endconf")
    two.hang_up()
    one.wait_ended(2)


def test_a_full_room(room: Room) -> None:
    room.join(conference_max_members="2")
    room.join()
    phone, uuid = room.parked()
    room.client.execute(uuid, "conference", "room@texml", event_uuid="third")
    room.client.wait("CHANNEL_EXECUTE_COMPLETE", Application_UUID="third")
    assert phone.state == "answered"
    assert len(room.client.all("add-member")) == 2


def test_sounds_played_to_all_and_to_one(room: Room) -> None:
    one, _, first = room.join()
    two, _, _ = room.join()
    room.api("play tone_stream://%(300,0,600)")
    one.wait_hears(600, 2)
    two.wait_hears(600, 2)
    done = room.client.wait("play-file-done")
    assert done["File"] == "tone_stream://%(300,0,600)"
    room.api(f"play tone_stream://%(300,0,800) {first}")
    one.wait_hears(800, 2)
    assert not two.hears_now(800)
    assert room.client.wait("play-file-member-done")["Member-ID"] == first


def test_stop_ends_a_playback(room: Room) -> None:
    phone, _, _ = room.join()
    room.api("play tone_stream://%(60000,0,600)")
    phone.wait_hears(600, 2)
    assert room.api("stop all") == "+OK Stopped 1 files.\n"
    room.client.wait("play-file-done")
    phone.wait_quiet(2)


def test_an_asynchronous_sound_is_beside_the_others(room: Room) -> None:
    phone, _, _ = room.join()
    room.join()
    room.api("play tone_stream://%(60000,0,600)")
    room.api("play tone_stream://%(300,0,800) async")
    phone.wait_hears(800, 2)
    assert phone.hears_now(600)
    done = room.client.wait("play-file-done")
    assert (done["File"], done["Async"]) == ("tone_stream://%(300,0,800)", "true")


def test_a_profile_may_silence_events(emulator: EmulatedSwitch, room: Room) -> None:
    emulator.profiles["texml"] = ConferenceProfile(suppress=frozenset({"floor-change", "mute-member"}))
    _, _, member = room.join()
    room.api(f"mute {member}")
    room.api(f"unmute {member}")
    room.api(f"deaf {member}")
    room.client.wait("deaf-member")
    assert [event["Action"] for event in room.client.events if "Action" in event] == [
        "conference-create",
        "add-member",
        "deaf-member",
    ]


def test_a_lone_member_hears_music_until_another_comes(emulator: EmulatedSwitch, room: Room) -> None:
    emulator.profiles["texml"] = ConferenceProfile(moh_sound="tone_stream://%(1000,0,440);loops=-1")
    one, _, _ = room.join()
    one.wait_hears(440, 2)
    two, _, _member = room.join()
    one.wait_quiet(2)
    two.hang_up()
    one.wait_hears(440, 2)


def test_a_recording_has_what_all_heard(room: Room, emulator: EmulatedSwitch, tmp_path: Path) -> None:
    path = tmp_path / "deep" / "room.wav"
    one, _, _ = room.join(500)
    two, _, member = room.join(900, conference_member_flags="mute")
    assert room.api(f"recording start {path}") == f"+OK Record file {path}\n"
    room.client.wait("start-recording")
    emulator.clock.sleep(1)
    one.sounds(None)
    room.api(f"unmute {member}")
    emulator.clock.sleep(1)
    two.sounds(None)
    room.api("play tone_stream://%(1000,0,1500)")
    room.client.wait("play-file-done")
    assert room.api(f"recording stop {path}").startswith(f"Stopped recording file {path}\n")
    stopped = room.client.wait("stop-recording")
    sound = sound_file(str(path))
    assert int(stopped["Milliseconds-Elapsed"]) == pytest.approx(sound.period * 1000, abs=1)
    assert int(stopped["Record-File-Size"]) == path.stat().st_size
    assert sound.period == pytest.approx(3.1, abs=0.4)
    heard = [round(sound.at(at)[0] / 100) if sound.at(at) else 0 for at in (0.5, 1.6, 2.7)]
    assert heard == [5, 9, 15]


def test_a_paused_recording_is_shorter(room: Room, emulator: EmulatedSwitch, tmp_path: Path) -> None:
    path = f"{tmp_path}/room.wav"
    room.join(500)
    room.api(f"recording start {path}")
    room.client.wait("start-recording")
    emulator.clock.sleep(0.5)
    room.api(f"recording pause {path}")
    room.client.wait("pause-recording")
    emulator.clock.sleep(1)
    room.api(f"recording resume {path}")
    emulator.clock.sleep(0.5)
    room.api("recording stop all")
    stopped = room.client.wait("stop-recording")
    assert int(stopped["Milliseconds-Elapsed"]) == pytest.approx(1000, abs=300)


def test_a_recording_that_cannot_be_opened_says_so(room: Room) -> None:
    room.join()
    room.api("recording start /proc/nothing/room.wav")
    assert room.client.wait("start-recording")["Error"] == "File could not be opened for recording"
    stopped = room.client.wait("stop-recording")
    assert (stopped["Samples-Out"], stopped["Milliseconds-Elapsed"]) == ("0", "0")
    assert "Record-File-Size" not in stopped
    assert room.api("recording check") == "-ERR Conference is not being recorded.\n"


def test_the_end_of_the_room_ends_its_recording_first(
    room: Room, emulator: EmulatedSwitch, tmp_path: Path
) -> None:
    phone, _, _ = room.join(500)
    room.api(f"recording start {tmp_path}/room.wav")
    room.client.wait("start-recording")
    phone.hang_up()
    room.client.wait("conference-destroy")
    actions = [event["Action"] for event in room.client.events if "Action" in event]
    assert actions[-2:] == ["stop-recording", "conference-destroy"]
    no_leftovers(emulator)


def test_variables_come_back_in_every_event(room: Room) -> None:
    _phone, _, _ = room.join()
    room.api("setvar room abc")
    assert room.api("getvar room") == "abc"
    room.join()
    assert room.client.all("add-member")[-1]["room"] == "abc"
    assert room.listed()["variables"] == {"room": "abc"}


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("bogus", "-ERR Conference command 'bogus' not found.\n"),
        ("kick 9999", "-ERR Non-Existant ID 9999\n"),
        ("getvar nothing", "-ERR no reply\n"),
        ("play /nowhere.wav", "-ERR (play) File: /nowhere.wav not found.\n"),
        ("recording check", "-ERR Conference is not being recorded.\n"),
        ("recording stop all", "+OK Stopped recording 0 files\n"),
        ("recording stop /x.wav", "-ERR non-existant recording '/x.wav'\n+OK Stopped recording 0 files\n"),
        ("recording pause /x.wav", "+OK Pause recording file /x.wav\n-ERR non-existant recording '/x.wav'\n"),
        ("relate", "+OK No relationships\n"),
        ("relate 1 99 nospeak", "-ERR relationship 1->99 not found.\n"),
        ("count", "1"),
        ("say hello", "-ERR (say) Error!\nsay <text>"),
        ("stop all", "+OK Stopped 0 files.\n"),
        ("get max_members", "0"),
        ("lock", "+OK room locked\n"),
    ],
)
def test_answers(room: Room, command: str, answer: str) -> None:
    room.join()
    assert room.api(command) == answer


def test_a_locked_room_takes_nobody(room: Room) -> None:
    room.join()
    room.api("lock")
    _phone, uuid = room.parked()
    room.client.execute(uuid, "conference", "room@texml", event_uuid="late")
    room.client.wait("CHANNEL_EXECUTE_COMPLETE", Application_UUID="late")
    assert len(room.client.all("add-member")) == 1


def test_an_hour_takes_seconds(tmp_path: Path) -> None:
    switch = EmulatedSwitch(time_scale=0.0005, dialplan=(("park", ""),), phone_type=ObservedPhone).start()
    client = SocketClient(switch.port, events="CHANNEL_PARK CUSTOM conference::maintenance")
    began = time.monotonic()
    phone = switch.call("1")
    client.execute(client.wait("CHANNEL_PARK")["Unique-ID"], "conference", "room@texml")
    joined = client.wait("add-member")
    client.api("conference room play tone_stream://%(3600000,0,600)")
    client.wait("play-file-done", timeout=10)
    phone.hang_up()
    ended = client.wait("conference-destroy")
    lasted = int(ended["Event-Date-Timestamp"]) - int(joined["Event-Date-Timestamp"])
    assert lasted / 1e6 == pytest.approx(3600, rel=0.1)
    assert time.monotonic() - began < 60
    switch.stop()


def test_two_hundred_phones_in_a_hundred_rooms_cost_little() -> None:
    switch = EmulatedSwitch(phone_type=ObservedPhone).start()
    client = SocketClient(switch.port, events="CHANNEL_PARK CUSTOM conference::maintenance")
    phones = [switch.call(f"{number // 2}", from_=f"+1312555{number:04}") for number in range(200)]
    client.wait("CHANNEL_PARK", timeout=20, count=200)
    for event in client.all("CHANNEL_PARK"):
        room = event["Caller-Destination-Number"]
        uuid = event["Unique-ID"]
        client.write(
            f"sendmsg {uuid}\ncall-command: execute\nexecute-app-name: conference\nexecute-app-arg: r{room}@x"
        )
    client.wait("add-member", timeout=20, count=200)
    gevent.sleep(0.2)
    busy = time.process_time()
    gevent.sleep(1.0)
    assert time.process_time() - busy < 0.2, "idle phones and rooms keep the processor busy"
    assert len(json.loads(client.api("conference json_list"))) == 100
    for phone in phones:
        phone.hang_up()
    client.wait("conference-destroy", timeout=20, count=100)
    no_leftovers(switch)
    switch.stop()
