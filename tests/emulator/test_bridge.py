"""Legs towards other phones: bridge and originate."""

from __future__ import annotations

import pytest

from orchestrator.emulator import Behaviour, EmulatedSwitch
from orchestrator.emulator.dialstring import parse
from tests.emulator.conftest import Parked, no_leftovers
from tests.emulator.socket_client import SocketClient
from tests.lab.emulated_phone import called

B_LEG = "11111111-2222-3333-4444-555555555555"
TO_1001 = f"[origination_uuid={B_LEG}]sofia/texml/1001@127.0.0.1"


def test_two_phones_talk(emulator: EmulatedSwitch, client: SocketClient, parked: Parked) -> None:
    target = emulator.register("1001", Behaviour(answers_after=0.2, sounds=700))
    phone, uuid = parked(sounds=500)
    client.execute(uuid, "bridge", TO_1001)
    other = called(target, 2)
    phone.wait_hears(700, 2)
    other.wait_hears(500, 2)
    assert phone.state == other.state == "answered"
    bridged = client.wait("CHANNEL_BRIDGE")
    assert (bridged["Bridge-A-Unique-ID"], bridged["Bridge-B-Unique-ID"]) == (uuid, B_LEG)
    other.hang_up()
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", Application="bridge")
    assert done["variable_originate_disposition"] == done["variable_DIALSTATUS"] == "SUCCESS"
    assert done["variable_bridge_hangup_cause"] == "NORMAL_CLEARING"
    assert phone.state == "answered"
    order = [event["Event-Name"] for event in client.events if event.get("Unique-ID") == B_LEG]
    assert [name for name in order if name not in ("CHANNEL_OUTGOING", "CHANNEL_EXECUTE")] == [
        "CHANNEL_CREATE",
        "CHANNEL_ORIGINATE",
        "CHANNEL_PROGRESS",
        "CHANNEL_ANSWER",
        "CHANNEL_HANGUP",
        "CHANNEL_HANGUP_COMPLETE",
        "CHANNEL_DESTROY",
    ]


def test_the_caller_who_hangs_up_takes_the_other_along(
    emulator: EmulatedSwitch, client: SocketClient, parked: Parked
) -> None:
    target = emulator.register("1001", Behaviour(answers_after=0))
    phone, uuid = parked()
    client.execute(uuid, "bridge", TO_1001)
    client.wait("CHANNEL_BRIDGE")
    phone.hang_up()
    called(target).wait_ended(2)
    no_leftovers(emulator)


@pytest.mark.parametrize(
    ("behaviour", "variables", "cause", "dialstatus"),
    [
        (Behaviour(answers_after=0, rejects=486), "", "USER_BUSY", "BUSY"),
        (Behaviour(answers_after=0.2, rejects=603), "", "CALL_REJECTED", "DONTCALL"),
        (Behaviour(answers_after=0, rejects=404), "", "UNALLOCATED_NUMBER", "UNALLOCATED_NUMBER"),
        (Behaviour(answers_after=0, rejects=480), "", "NO_USER_RESPONSE", "NO_USER_RESPONSE"),
        (Behaviour(answers_after=None), "{originate_timeout=1}", "NO_ANSWER", "NOANSWER"),
        (Behaviour(answers_after=None), "[leg_timeout=1]", "ALLOTTED_TIMEOUT", "ALLOTTED_TIMEOUT"),
    ],
)
def test_a_callee_that_does_not_answer(
    emulator: EmulatedSwitch,
    client: SocketClient,
    parked: Parked,
    behaviour: Behaviour,
    variables: str,
    cause: str,
    dialstatus: str,
) -> None:
    emulator.register("1002", behaviour)
    phone, uuid = parked()
    client.execute(uuid, "bridge", f"{variables}sofia/texml/1002@127.0.0.1")
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", Application="bridge")
    assert done["variable_originate_disposition"] == cause
    assert done["variable_DIALSTATUS"] == dialstatus
    assert phone.state != "ended"


@pytest.mark.parametrize(
    ("dial_string", "cause"),
    [
        ("sofia/texml/9999@127.0.0.1", "UNALLOCATED_NUMBER"),
        ("sofia/nobody/1001", "INVALID_PROFILE"),
        ("user/9999", "SUBSCRIBER_ABSENT"),
        ("nonsense/1001", "CHAN_NOT_IMPLEMENTED"),
    ],
)
def test_where_nobody_is(client: SocketClient, parked: Parked, dial_string: str, cause: str) -> None:
    _, uuid = parked()
    client.execute(uuid, "bridge", dial_string)
    done = client.wait("CHANNEL_EXECUTE_COMPLETE", Application="bridge")
    assert done["variable_originate_disposition"] == cause


def test_without_continue_on_fail_a_failure_ends_the_call(
    emulator: EmulatedSwitch, client: SocketClient, parked: Parked
) -> None:
    emulator.register("1002", Behaviour(answers_after=0, rejects=486))
    phone, uuid = parked()
    client.execute(uuid, "unset", "continue_on_fail")
    client.execute(uuid, "bridge", "sofia/texml/1002@127.0.0.1")
    phone.wait_ended(2)
    assert phone.sip_status == 486


def test_of_two_the_first_to_answer_wins(
    emulator: EmulatedSwitch, client: SocketClient, parked: Parked
) -> None:
    slow = emulator.register("1001", Behaviour(answers_after=5))
    quick = emulator.register("1002", Behaviour(answers_after=0.2))
    _phone, uuid = parked()
    client.execute(uuid, "bridge", "sofia/texml/1001@127.0.0.1,sofia/texml/1002@127.0.0.1")
    client.wait("CHANNEL_BRIDGE")
    called(slow).wait_ended(2)
    assert called(slow).sip_status == 487
    assert called(quick).state == "answered"
    assert client.wait("CHANNEL_HANGUP")["Hangup-Cause"] == "LOSE_RACE"


def test_the_second_is_tried_when_the_first_refuses(
    emulator: EmulatedSwitch, client: SocketClient, parked: Parked
) -> None:
    emulator.register("1001", Behaviour(answers_after=0, rejects=486))
    second = emulator.register("1002", Behaviour(answers_after=0))
    _phone, uuid = parked()
    client.execute(uuid, "bridge", "sofia/texml/1001@127.0.0.1|sofia/texml/1002@127.0.0.1")
    bridged = client.wait("CHANNEL_BRIDGE")
    assert len(bridged["variable_originate_causes"]) == 1 or isinstance(
        bridged["variable_originate_causes"], str
    )
    assert called(second).state == "answered"


def test_a_caller_who_hangs_up_cancels(
    emulator: EmulatedSwitch, client: SocketClient, parked: Parked
) -> None:
    target = emulator.register("1001", Behaviour(answers_after=None))
    phone, uuid = parked()
    client.execute(uuid, "bridge", TO_1001)
    phone.wait_ringing(2)
    phone.hang_up()
    assert phone.sip_status == 487
    called(target).wait_ended(2)
    assert client.wait("CHANNEL_HANGUP", Unique_ID=B_LEG)["Hangup-Cause"] == "ORIGINATOR_CANCEL"
    no_leftovers(emulator)


def test_the_caller_hears_its_ringback(
    emulator: EmulatedSwitch, client: SocketClient, parked: Parked
) -> None:
    emulator.register("1001", Behaviour(answers_after=1))
    phone, uuid = parked()
    client.execute(uuid, "set", "ringback=tone_stream://%(2000,4000,440,480);loops=-1")
    client.execute(uuid, "bridge", TO_1001)
    phone.wait_hears(480, 2)
    assert phone.state == "ringing"
    client.wait("CHANNEL_BRIDGE")
    phone.wait_quiet(2)


def test_a_callee_asked_to_confirm_is_bridged_when_its_application_ends(
    emulator: EmulatedSwitch, client: SocketClient, parked: Parked
) -> None:
    target = emulator.register("1001", Behaviour(answers_after=0))
    _phone, uuid = parked()
    confirm = "group_confirm_key=exec,group_confirm_file='sleep 3600000'"
    client.execute(uuid, "bridge", f"[origination_uuid={B_LEG},{confirm}]sofia/texml/1001@127.0.0.1")
    client.wait("CHANNEL_EXECUTE", Application="sleep", Unique_ID=B_LEG)
    client.execute(B_LEG, "playback", "tone_stream://%(300,0,600)")
    called(target).wait_hears(600, 2)
    client.wait("CHANNEL_EXECUTE_COMPLETE", Application="playback", Unique_ID=B_LEG)
    assert not client.all("CHANNEL_BRIDGE")
    client.api(f"uuid_break {B_LEG}")
    client.wait("CHANNEL_BRIDGE")


def test_digits_go_through(emulator: EmulatedSwitch, client: SocketClient, parked: Parked) -> None:
    target = emulator.register("1001", Behaviour(answers_after=0))
    phone, uuid = parked()
    client.execute(uuid, "bridge", TO_1001)
    client.wait("CHANNEL_BRIDGE")
    phone.press("5")
    called(target).wait_digits("5", 2)
    assert client.wait("DTMF")["Unique-ID"] == uuid


def test_originate_parks_the_leg_that_answered(emulator: EmulatedSwitch, client: SocketClient) -> None:
    target = emulator.register("1001", Behaviour(answers_after=0.1))
    where = f"{{origination_uuid={B_LEG},ignore_early_media=true}}sofia/texml/1001@127.0.0.1 &park()"
    client.send(f"bgapi originate {where}\nJob-UUID: mine")
    assert client.wait("BACKGROUND_JOB")["_body"] == f"+OK {B_LEG}\n"
    client.wait("CHANNEL_PARK", Unique_ID=B_LEG)
    client.execute(B_LEG, "playback", "tone_stream://%(200,0,600)")
    called(target).wait_hears(600, 2)
    client.execute(B_LEG, "conference", "room@texml")
    assert client.wait("add-member")["Unique-ID"] == B_LEG
    client.api(f"uuid_kill {B_LEG}")
    called(target).wait_ended(2)
    no_leftovers(emulator)


def test_originate_says_why_not(emulator: EmulatedSwitch, client: SocketClient) -> None:
    emulator.register("1002", Behaviour(answers_after=0, rejects=486))
    assert client.api("originate sofia/texml/1002@127.0.0.1 &park()") == "-ERR USER_BUSY\n"
    no_leftovers(emulator)


@pytest.mark.parametrize(
    ("text", "groups", "variables"),
    [
        ("sofia/a/1@h", [["sofia/a/1@h"]], {}),
        ("{a=1}sofia/a/1,sofia/a/2", [["sofia/a/1", "sofia/a/2"]], {"a": "1"}),
        ("[b=2]sofia/a/1|sofia/a/2", [["sofia/a/1"], ["sofia/a/2"]], {"b": "2"}),
        ("{a='x,y',b=2}[c=3]sofia/a/1", [["sofia/a/1"]], {"a": "x,y", "b": "2", "c": "3"}),
        ("{^^;a=x,y;b=2}sofia/a/1", [["sofia/a/1"]], {"a": "x,y", "b": "2"}),
        (r"[a=x\,y]sofia/a/1", [["sofia/a/1"]], {"a": "x,y"}),
        ("{a=1}[a=2]sofia/a/1", [["sofia/a/1"]], {"a": "2"}),
        ("", [], {}),
    ],
)
def test_dial_strings(text: str, groups: list[list[str]], variables: dict[str, str]) -> None:
    dialled = parse(text)
    assert [[target.endpoint for target in group] for group in dialled.groups] == groups
    if dialled.groups:
        assert dialled.groups[0][0].variables == variables
