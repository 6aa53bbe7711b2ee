"""A caller on one FreeSWITCH node in a room on another. tests/scenarios are run so too: --relayed."""

from __future__ import annotations

import re
import time

import gevent
import pytest
import requests

from tests.attacks.sip import RawPhone
from tests.lab.switches import FreeSwitch
from tests.scenarios.conftest import ACCOUNT, API_KEY, NUMBER, House

pytestmark = pytest.mark.only("freeswitch")

FIRST, SECOND = "+13125550001", "+13125550002"
KEY = {"Authorization": f"Bearer {API_KEY}"}


def conferences(house: House) -> list[dict[str, str]]:
    assert house.orchestrator is not None
    base = f"http://127.0.0.1:{house.orchestrator.web.port}/v2/texml/Accounts/{ACCOUNT}"
    found = requests.get(f"{base}/Conferences", headers=KEY, timeout=10).json()["conferences"]
    return sorted(found, key=lambda one: one["date_created"])


def test_callers_hear_each_other_in_a_room_of_another_node(house: House, home: FreeSwitch) -> None:
    house.voice(house.joins())
    first = house.switch.call(NUMBER, from_=FIRST, sounds=500)
    second = house.switch.call(NUMBER, from_=SECOND, sounds=900)
    first.wait_hears(900)
    second.wait_hears(500)
    (room,) = conferences(house)
    assert room["region"] == "home"
    assert "1 total" not in home.api("conference list")
    assert house.switch.api("conference list").startswith("+OK No active conferences")
    calls = {event["CallSid"] for event in house.events(3) if "CallSid" in event}
    # One CallSid each, on both nodes: the application knows them from its requests for the document.
    assert calls == {request.fields["CallSid"] for request in house.application.to("/voice")}
    second.hang_up()
    first.hang_up()


def test_a_call_goes_from_room_to_room_of_another_node(house: House) -> None:
    """FreeSWITCH refuses a second leg with the Unique-ID of one that is not gone yet."""
    house.voice(
        f"<Response>{house.joins('One')[10:-11]}{house.joins('Two')[10:-11]}</Response>",
        house.joins("One", endConferenceOnExit="true"),
    )
    first = house.switch.call(NUMBER, from_=FIRST)
    house.delivered(2)
    second = house.switch.call(NUMBER, from_=SECOND)
    house.delivered(3)
    second.hang_up()
    house.application.wait_for(
        lambda request: (
            request.fields.get("FriendlyName") == "Two"
            and request.fields.get("StatusCallbackEvent") == "participant-join"
        )
    )
    first.hang_up()


def test_a_restart_of_the_orchestrator_keeps_the_bridge(house: House) -> None:
    house.voice(house.joins(after=f"<Play>{house.application.tone(1500, 1.0)}</Play>"))
    first = house.switch.call(NUMBER, from_=FIRST, sounds=500)
    second = house.switch.call(NUMBER, from_=SECOND)
    second.wait_hears(500)
    house.delivered(3)
    house.stop()
    second.wait_hears(500)
    house.start()
    second.wait_hears(500, since=time.monotonic())
    (room,) = conferences(house)
    assert room["status"] == "in-progress"
    assert house.orchestrator is not None
    base = f"http://127.0.0.1:{house.orchestrator.web.port}/v2/texml/Accounts/{ACCOUNT}"
    joined = next(event["CallSid"] for event in house.events() if event.get("From") == SECOND)
    answer = requests.delete(
        f"{base}/Conferences/{room['sid']}/Participants/{joined}", headers=KEY, timeout=10
    )
    assert answer.status_code == 204
    second.wait_ended(10)
    first.hang_up()
    assert [name for _, name, _ in house.delivered(6)][3:] == [
        "participant-leave",
        "participant-leave",
        "conference-end",
    ]


def test_a_restart_while_a_caller_is_on_its_way_opens_no_second_room(house: House) -> None:
    """Symptom: two living rooms of one name. Cause: a call whose Dial had begun, and had no room yet, was
    resumed on its own node without a look at where the room is."""
    house.voice(house.joins())
    first = house.switch.call(NUMBER, from_=FIRST)
    house.delivered(2)
    assert house.orchestrator is not None
    # As if an earlier leg of the call were not gone yet.
    house.orchestrator.nodes[0].call_context.relays.is_free = lambda *leg: False
    second = house.switch.call(NUMBER, from_=SECOND)
    house.application.wait_for("/voice", 2)
    gevent.sleep(0.5)
    house.stop()
    house.start()
    house.delivered(3)
    (room,) = conferences(house)
    assert room["region"] == "home"
    second.hang_up()
    first.hang_up()


def test_a_restart_while_a_caller_is_being_bridged_begins_the_bridge_again(
    house: House, home: FreeSwitch
) -> None:
    """Symptom: the caller was hung up. Cause: the bridge ended with its token, which the last run had made,
    and that was taken for the end of the conference."""
    house.voice(house.joins())
    house.log.allows("refused with 403")
    assert house.orchestrator is not None
    house.orchestrator.nodes[1].calls._accept_relayed = lambda leg: None
    caller = house.switch.call(NUMBER, from_=FIRST)
    home.wait_for_channels(1)
    house.stop()
    house.start()
    house.delivered(2)
    caller.wait_answered(5)
    caller.hang_up()


def test_a_caller_whose_room_is_elsewhere_by_now_follows_it(house: House) -> None:
    """The home node has no such room any more when the caller comes, and its name is another node's."""
    house.voice(house.joins())
    assert house.orchestrator is not None
    directory, asked = house.orchestrator.directory, []

    def home(account: str, name: str, asking: str) -> str:
        asked.append(asking)
        return "home" if len(asked) == 1 else "default"

    directory.home = home
    caller = house.switch.call(NUMBER, from_=FIRST)
    house.delivered(2)
    assert asked[:3] == ["default", "home", "default"]
    (room,) = conferences(house)
    assert room["region"] == "default"
    caller.hang_up()


def test_a_node_that_dies_ends_its_room_once_and_its_callers_go_on(house: House, home: FreeSwitch) -> None:
    after = house.application.tone(1500, 3.0)
    house.voice(house.joins(after=f"<Play>{after}</Play>"))
    house.log.allows("FreeSWITCH is gone", "no event socket", "another FreeSWITCH answers")
    phones = [house.switch.call(NUMBER, from_=number) for number in (FIRST, SECOND)]
    house.delivered(3)
    home.kill()
    began = time.monotonic()
    for phone in phones:
        phone.wait_hears(1500, 15)
    assert time.monotonic() - began < 12
    assert sorted(name for _, name, _ in house.delivered(6)[3:]) == [
        "conference-end",
        "participant-leave",
        "participant-leave",
    ]
    # Its name is free for a new room on the node that is there.
    assert house.orchestrator is not None
    del house.orchestrator.directory._choose
    third = house.switch.call(NUMBER, from_="+13125550003")
    house.delivered(8)
    rooms = conferences(house)
    assert [(room["status"], room["region"]) for room in rooms] == [
        ("completed", "home"),
        ("in-progress", "default"),
    ]
    home.start()
    node = next(node for node in house.orchestrator.nodes if node.name == "home")
    assert node.wait_up(20)
    third.hang_up()
    for phone in phones:
        phone.hang_up()


def test_a_node_that_dies_takes_its_callers_out_of_rooms_of_others(house: House, home: FreeSwitch) -> None:
    """The origin's FreeSWITCH says no BYE."""
    house.voice(house.joins())
    house.log.allows("FreeSWITCH is gone", "no event socket", "another FreeSWITCH answers")
    house.switch.call(NUMBER, from_=FIRST)
    house.delivered(2)
    house.switch.kill()
    assert [name for _, name, _ in house.delivered(4, 20)][2:] == ["participant-leave", "conference-end"]
    deadline = time.monotonic() + 10
    while home.leftovers() and time.monotonic() < deadline:
        gevent.sleep(0.1)
    assert not home.leftovers()
    house.switch.start()


def test_a_call_counts_among_the_outgoing_ones_after_its_room_too(house: House) -> None:
    """Its leg on the room's node has the same Unique-ID: the end of that one is not the end of the call."""
    house.reload("    name: main\n", "    name: main\n    max_outgoing_calls: 1\n")
    house.switch.register("+13125550022")
    assert house.orchestrator is not None
    base = f"http://127.0.0.1:{house.orchestrator.web.port}/v2/texml/Accounts/{ACCOUNT}"
    document = house.joins(after="<Pause length='20'/>").replace("<Dial>", '<Dial timeLimit="1">')
    order = {"To": "+13125550022", "From": NUMBER, "Texml": document, "ApplicationSid": "main"}
    first = requests.post(f"{base}/Calls", data=order, headers=KEY, timeout=10)
    assert first.ok, first.text
    assert [name for _, name, _ in house.delivered(4)][2:] == ["participant-leave", "conference-end"]
    gevent.sleep(3)
    second = requests.post(f"{base}/Calls", data=order, headers=KEY, timeout=10)
    assert not second.ok
    assert "max_outgoing_calls" in second.text


@pytest.mark.parametrize("user", [NUMBER, "yLSVanoiW8LmTUWuT719zhx4btax4JbAGAjoNpYC9Jw"])
def test_a_call_to_the_profile_for_nodes_needs_a_token(house: House, home: FreeSwitch, user: str) -> None:
    house.log.allows("refused with 403")
    with RawPhone(home.relay_port) as phone:
        assert phone.invite(user).status == 403
    assert not house.application.to("/voice")
    assert house.log.has("a call of another node was refused with 403", "no such token")


def test_the_caller_is_not_shown_the_token(house: House) -> None:
    """FreeSWITCH shows a caller the number that answered; here it would be the token."""
    house.voice(house.joins())
    with RawPhone(house.switch.sip_port) as phone:
        dialog = phone.invite(NUMBER)
        assert dialog.status == 200
        house.delivered(2)
        assert not re.search(rb"[\w-]{43}", dialog.answer), dialog.answer.decode()
        phone.request("BYE", dialog)
