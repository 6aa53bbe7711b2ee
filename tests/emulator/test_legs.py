"""One leg: what runs when, what breaks it, how it ends."""

from __future__ import annotations

import pytest

from orchestrator.emulator import EmulatedSwitch
from tests.emulator.conftest import Parked, no_leftovers
from tests.emulator.socket_client import SocketClient
from tests.lab.emulated_phone import ObservedPhone

LONG = "tone_stream://%(1000,0,500);loops=-1"
SHORT = "tone_stream://%(200,0,900)"

# hangup_cause_to_sip, mod_sofia.c
REFUSALS = [
    ("USER_BUSY", 486),
    ("CALL_REJECTED", 603),
    ("NO_ROUTE_DESTINATION", 404),
    ("UNALLOCATED_NUMBER", 404),
    ("NORMAL_TEMPORARY_FAILURE", 503),
    ("NO_ANSWER", 480),
    ("INCOMPATIBLE_DESTINATION", 488),
    ("NORMAL_CLEARING", 480),
    ("nonsense", 480),
    ("17", 486),
]


@pytest.mark.parametrize(("cause", "status"), REFUSALS)
def test_an_unanswered_caller_sees_the_cause(
    client: SocketClient, parked: Parked, cause: str, status: int
) -> None:
    phone, uuid = parked()
    client.execute(uuid, "hangup", cause)
    phone.wait_ended(2)
    assert phone.sip_status == status


def test_nobody_takes_the_call() -> None:
    switch = EmulatedSwitch(time_scale=0.01, phone_type=ObservedPhone).start()
    client = SocketClient(switch.port, events="CHANNEL_HANGUP")
    phone = switch.call("+13125550100")
    phone.wait_ended(5)
    assert phone.sip_status == 503
    assert client.wait("CHANNEL_HANGUP")["Hangup-Cause"] == "NORMAL_TEMPORARY_FAILURE"
    switch.stop()


def test_sched_del_takes_the_limit_away(client: SocketClient, parked: Parked) -> None:
    _, uuid = parked()
    assert client.api(f"sched_del {uuid}") == "+OK Deleted: 1\n"
    assert client.api(f"sched_del {uuid}") == "+OK Deleted: 0\n"


def test_park_timeout_still_counts_when_the_leg_comes_back(emulator: EmulatedSwitch) -> None:
    """Symptom: a leg served for longer than park_timeout was hung up when its application ended.
    Cause: switch_ivr_park keeps the limit that it read. Fix: none, it is FreeSWITCH's way.
    """
    switch = EmulatedSwitch(
        time_scale=0.1,
        dialplan=(("set", "park_timeout=1:USER_BUSY"), ("park", "")),
        phone_type=ObservedPhone,
    ).start()
    client = SocketClient(switch.port, events="ALL")
    phone = switch.call("1")
    uuid = client.wait("CHANNEL_PARK")["Unique-ID"]
    client.execute(uuid, "playback", "tone_stream://%(3000,0,500)")
    client.wait("PLAYBACK_STOP")
    assert client.wait("CHANNEL_HANGUP")["Hangup-Cause"] == "USER_BUSY"
    phone.wait_ended(2)
    switch.stop()


def test_pipelined_applications_run_inside_the_playing_one(client: SocketClient, parked: Parked) -> None:
    """Not one after the other: switch_ivr_play_file looks at the queue once a frame and runs it."""
    _, uuid = parked()
    client.execute(uuid, "answer", event_uuid="first")
    client.execute(uuid, "playback", "tone_stream://%(600,0,500)", event_uuid="outer")
    client.execute(uuid, "playback", SHORT, event_uuid="inner")
    client.wait("CHANNEL_EXECUTE_COMPLETE", Application_UUID="outer")
    done = [
        event["Application-UUID"] for event in client.all("CHANNEL_EXECUTE_COMPLETE") if "Unique-ID" in event
    ]
    assert done[-3:] == ["first", "inner", "outer"]


def test_a_break_ends_a_playback_and_one_inside_it(client: SocketClient, parked: Parked) -> None:
    _, uuid = parked()
    client.execute(uuid, "playback", LONG, event_uuid="outer")
    client.wait("PLAYBACK_START")
    client.execute(uuid, "playback", LONG, event_uuid="inner")
    client.wait("PLAYBACK_START", count=2)
    client.api(f"uuid_break {uuid}")
    client.wait("CHANNEL_EXECUTE_COMPLETE", Application_UUID="inner")
    outer = client.wait("CHANNEL_EXECUTE_COMPLETE", Application_UUID="outer")
    assert outer["Application-Response"] == "FILE PLAYED"


def test_a_command_sent_with_a_break_runs_after_it(client: SocketClient, parked: Parked) -> None:
    """Symptom: a command sent right behind uuid_break was never run. Cause: a broken application leaves the
    rest of the queue to the next frame, and nothing woke the leg. Fix: with a queue it waits for a frame.
    """
    _, uuid = parked()
    client.execute(uuid, "playback", LONG)
    client.wait("PLAYBACK_START")
    command = f"sendmsg {uuid}\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: late=1"
    client.socket.sendall(f"api uuid_break {uuid}\n\n{command}\n\n".encode())
    client.wait("CHANNEL_EXECUTE_COMPLETE", Application_Data="late=1")


def test_break_all_forgets_the_queue(client: SocketClient, parked: Parked) -> None:
    _phone, uuid = parked()
    client.execute(uuid, "playback", LONG)
    client.wait("PLAYBACK_START")
    commands = f"sendmsg {uuid}\ncall-command: execute\nexecute-app-name: set\nexecute-app-arg: late=1\n\n"
    client.socket.sendall(f"{commands}api uuid_break {uuid} all\n\n".encode())
    client.wait("CHANNEL_EXECUTE_COMPLETE", Application="playback")
    assert client.api(f"uuid_getvar {uuid} late") == "_undef_"


def test_a_break_while_nothing_runs_is_forgotten(client: SocketClient, parked: Parked) -> None:
    _phone, uuid = parked()
    assert client.api(f"uuid_break {uuid}") == "+OK\n"
    client.execute(uuid, "playback", "tone_stream://%(400,0,500)")
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", Application="playback")
    assert done["variable_playback_ms"] == "400"


def test_playing_to_a_ringing_caller_is_early_media(client: SocketClient, parked: Parked) -> None:
    phone, uuid = parked()
    client.execute(uuid, "playback", SHORT)
    phone.wait_hears(900, 2)
    assert (phone.state, phone.sip_status) == ("ringing", None)
    client.execute(uuid, "answer")
    phone.wait_answered(2)


@pytest.mark.parametrize(
    ("app", "argument", "response"),
    [
        ("playback", "/nowhere.wav", "FILE NOT FOUND"),
        ("playback", "http://127.0.0.1/x.mp3", "FILE NOT FOUND"),
        ("playback", SHORT, "FILE PLAYED"),
        ("speak", "flite|slt|hello", "_none_"),
        ("sleep", "50", "_none_"),
        ("set", "a=b", "_none_"),
    ],
)
def test_responses(client: SocketClient, parked: Parked, app: str, argument: str, response: str) -> None:
    _, uuid = parked()
    client.execute(uuid, app, argument)
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", Application=app, Application_UUID=app)
    assert (done["Application-Data"], done["Application-Response"]) == (argument, response)


def test_an_unknown_application_ends_the_call(client: SocketClient, parked: Parked) -> None:
    _phone, uuid = parked()
    client.execute(uuid, "nonsense")
    assert client.wait("CHANNEL_HANGUP")["Hangup-Cause"] == "DESTINATION_OUT_OF_ORDER"
    assert not client.all("CHANNEL_EXECUTE", Application="nonsense")


@pytest.mark.parametrize("app", ["playback", "sleep", "conference", "record", "speak"])
def test_hanging_up_ends_the_running_verb(
    emulator: EmulatedSwitch, client: SocketClient, parked: Parked, app: str, tmp_path: object
) -> None:
    arguments = {
        "playback": LONG,
        "sleep": "60000",
        "conference": "room@texml",
        "record": f"{tmp_path}/a.wav 60",
        "speak": "flite|slt|" + "word " * 100,
    }
    phone, uuid = parked()
    client.execute(uuid, "answer")
    client.execute(uuid, app, arguments[app])
    client.wait("CHANNEL_EXECUTE", Application=app)
    phone.wait_answered(2)
    phone.hang_up()
    client.wait("CHANNEL_DESTROY")
    names = [event["Event-Name"] for event in client.events if event.get("Unique-ID") == uuid]
    delivered = [
        name for name in names if name in ("CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY")
    ]
    assert delivered == ["CHANNEL_HANGUP", "CHANNEL_HANGUP_COMPLETE", "CHANNEL_DESTROY"]
    assert client.wait("CHANNEL_EXECUTE_COMPLETE", Application=app)["Hangup-Cause"] == "NORMAL_CLEARING"
    assert client.execute(uuid, "answer") == f"-ERR invalid session id [{uuid}]"
    no_leftovers(emulator)


def test_the_caller_and_callee_of_a_leg(client: SocketClient, parked: Parked) -> None:
    _, _uuid = parked(
        "+13125550100", from_="+13125550009", name="Zoë", headers={"X-Account": "7", "Subject": "no"}
    )
    event = client.wait("CHANNEL_PARK")
    assert event["Caller-Caller-ID-Name"] == "Zoë"
    assert event["Caller-Caller-ID-Number"] == "+13125550009"
    assert event["Caller-Destination-Number"] == event["variable_sip_to_user"] == "+13125550100"
    assert event["variable_sip_from_uri"] == "+13125550009@127.0.0.1"
    assert event["variable_sip_full_from"].startswith('"Zoë" <sip:+13125550009@127.0.0.1>;tag=')
    assert event["variable_sip_h_X-Account"] == "7"
    assert "variable_sip_h_Subject" not in event


def test_nothing_is_expanded_when_the_dialplan_forbids_it(
    emulator: EmulatedSwitch, client: SocketClient, parked: Parked
) -> None:
    _, uuid = parked()
    client.execute(uuid, "set", "a=${system(touch /tmp/x)}")
    client.wait("CHANNEL_EXECUTE_COMPLETE", Application_UUID="set")
    assert client.api(f"uuid_getvar {uuid} a") == "${system(touch /tmp/x)}"
    assert emulator.expanded == []
    client.execute(uuid, "unset", "app_disable_expand_variables")
    client.execute(uuid, "set", "b=${a}")
    client.until(lambda: bool(emulator.expanded), 2, "an expansion")
    assert emulator.expanded == ["${a}"]
