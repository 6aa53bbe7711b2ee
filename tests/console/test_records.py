"""Stored conferences, calls and callbacks, and the nodes, as the page shows them."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from msgspec.structs import replace

from orchestrator.calls.records import CallRecord
from orchestrator.conference.live.records import LeaveRecord, RoomRecord
from orchestrator.conference.machine.state import (
    Caller,
    ConferenceOptions,
    Participant,
    ParticipantOptions,
    Phase,
    Room,
)
from orchestrator.node_availability import NodeState
from orchestrator.store.callback_list import ListedCallback
from orchestrator.web.console.callback_views import callback_view
from orchestrator.web.console.commands import Commands
from orchestrator.web.console.nodes import nodes_view
from orchestrator.web.console.queries import call_view, left_view, room_view
from orchestrator.web.console.query_routes import QueryRoutes
from tests.console.conftest import start_room
from tests.console.test_site import Visitor, visitor
from tests.scenarios.conftest import NUMBER, House
from tests.web.site import wait_until

__all__ = ["visitor"]

CALL = CallRecord(
    "call", "account", "leg", "+1", "+2", True, 1_000_999, 9_000_000, 2_000_999, 3_000_999, "completed",
    "Anna", "parent",
)  # fmt: skip
CALLER = Caller("call", "leg", from_="+1", to="+2", calling_party_type="pstn")
LEFT = Participant(
    CALLER, ParticipantOptions(label="anna"), Phase.IN, asked_at=5_000_999, joined_at=6_000_999
)
CALLBACK = ListedCallback(
    7, "queue", "http://h:81/path", "GET", "CallSid=call&ConferenceSid=room&Empty=", "account",
    "participant-join", 3, 1_000_999, 2, 8_000_999, 500, "answered 500", "failed", True,
)  # fmt: skip


def test_a_stored_conference() -> None:
    room = RoomRecord(
        "room", "account", "Room", 1_000_999, 2_000_999, 3_000_999, "completed", "time-exceeded", "", "east"
    )
    assert room_view(room) == {
        "sid": "room",
        "name": "Room",
        "node": "east",
        "status": "completed",
        "created": 1000,
        "ended": 3000,
        "reason": "time-exceeded",
    }


def test_a_stored_call() -> None:
    assert call_view(CALL) == {
        "sid": "call",
        "from": "+1",
        "to": "+2",
        "name": "Anna",
        "outbound": True,
        "status": "completed",
        "created": 1000,
        "answered": 2000,
        "ended": 3000,
        "parent": "parent",
    }


@pytest.mark.parametrize(("joined_at", "shown"), [(6_000_999, 6000), (0, 5000)])
def test_a_participant_that_has_left(joined_at: int, shown: int) -> None:
    left = LeaveRecord("room", replace(LEFT, joined_at=joined_at), 7_000_999, "participant_hung_up")
    assert left_view(left) == {
        "call": "call",
        "number": "+1",
        "label": "anna",
        "joined": shown,
        "left": 7000,
        "reason": "participant hung up",
    }


@pytest.mark.parametrize(
    ("state", "times"),
    [
        ("waiting", {"done": 0, "next": 8000}),
        ("delivered", {"done": 8000, "next": 0}),
        ("failed", {"done": 8000, "next": 0}),
    ],
)
def test_a_callback(state: Any, times: dict[str, int]) -> None:
    assert callback_view(replace(CALLBACK, state=state)) == times | {
        "id": 7,
        "event": "participant-join",
        "sequence": 3,
        "url": "http://h:81/path",
        "receiver": "http://h:81",
        "method": "GET",
        "made": 1000,
        "state": state,
        "attempts": 2,
        "status": 500,
        "error": "answered 500",
        "asked_again": True,
        "conference": "room",
        "call": "call",
        "body": [("CallSid", "call"), ("ConferenceSid", "room"), ("Empty", "")],
    }


def test_a_callback_that_is_about_no_call() -> None:
    view = callback_view(replace(CALLBACK, body="A=1"))
    assert (view["conference"], view["call"], view["body"]) == ("", "", [("A", "1")])


def test_each_node_with_the_account_s_share_of_it() -> None:
    def room(sid: str, node: str, account: str = "account", people: int = 1, **more: Any) -> Room:
        participants = {f"{sid}-{number}": LEFT for number in range(people)}
        options = ConferenceOptions()
        times = {"opened_at": 1} | more
        return Room(sid, account, sid, options, node=node, participants=participants, **times)

    states = [
        NodeState("east", "h:1", "up", 9, 9, 9),
        NodeState("west", "h:2", "down", 0, 0, 0, "not connected"),
    ]
    rooms = [
        room("a", "east", people=2),
        room("b", "east", people=3),
        room("c", "west"),
        room("of another account", "east", "other"),
        room("not opened", "east", opened_at=0),
        room("ended", "east", ended_at=5),
    ]
    assert nodes_view(states, rooms, "account") == {
        "nodes": [
            {"name": "east", "state": "up", "problem": "", "conferences": 2, "participants": 5},
            {
                "name": "west",
                "state": "down",
                "problem": "not connected",
                "conferences": 1,
                "participants": 1,
            },
        ]
    }


# Addresses, beside those of the page itself
ROUTES = {
    "/console/session": {"GET", "POST", "DELETE"},
    "/console/events": {"GET"},
    "/console/phone": {"POST"},
    "/console/phone/<id_>": {"GET"},
    "/console/conferences": {"GET"},
    "/console/conferences/<sid>": {"GET", "POST"},
    "/console/conferences/<sid>/timeline": {"GET"},
    "/console/conferences/<sid>/participants": {"POST"},
    "/console/conferences/<sid>/participants/<who>": {"POST", "DELETE"},
    "/console/calls": {"GET"},
    "/console/calls/<sid>": {"GET", "POST"},
    "/console/calls/<sid>/timeline": {"GET"},
    "/console/calls/<sid>/timeline/<int:entry>/request": {"POST"},
    "/console/rejected": {"GET"},
    "/console/callbacks": {"GET"},
    "/console/callbacks/<int:id_>": {"GET"},
    "/console/callbacks/<int:id_>/replay": {"POST"},
    "/console/callbacks/replay": {"POST"},
    "/console/numbers": {"GET"},
    "/console/nodes": {"GET"},
    "/console/recordings/<sid>/peaks": {"GET"},
    "/console/static/<path:filename>": {"GET"},
}
PAGES = (
    "/", "/conferences", "/conferences/<sid>", "/calls", "/calls/<sid>", "/rejected", "/callbacks",
    "/numbers", "/nodes",
)  # fmt: skip


def test_each_order_and_each_question_has_its_address() -> None:
    """Also those that no other page than the console's asks for."""
    none: Any = None
    routes = (*QueryRoutes(none, none, none, none, none, none).routes, *Commands(none, none, none).routes)
    elsewhere = {"session", "events", "phone", "phone/<id_>", "static/<path:filename>"}
    expected = {
        (path.removeprefix("/console"), method)
        for path, methods in ROUTES.items()
        for method in methods
        if path.removeprefix("/console/") not in elsewhere
    }
    assert len(routes) == len(expected)
    assert {(path, method) for path, method, _ in routes} == expected


@pytest.mark.rather("emulator")
def test_the_addresses_of_the_page_and_of_its_requests(house: House) -> None:
    assert house.orchestrator is not None
    app = Flask(__name__, static_folder=None)
    app.register_blueprint(house.orchestrator.console.blueprint)
    found: dict[str, set[str]] = {}
    for rule in app.url_map.iter_rules():
        found.setdefault(rule.rule, set()).update((rule.methods or set()) - {"HEAD", "OPTIONS"})
    assert found == ROUTES | {page: {"GET"} for page in PAGES}


@pytest.mark.rather("emulator")
def test_a_recorded_conference_while_it_lives_and_afterwards(house: House, visitor: Visitor) -> None:
    sid = start_room(house, 2, record="record-from-start")

    def asked(path: str) -> Any:
        return visitor.ask("GET", f"console/{path}").json()

    living = asked(f"conferences/{sid}")
    (recording,) = living["recordings"]
    (_, other), calls = living["callbacks"][:2], asked("calls")["items"]
    assert other["conference"] == sid
    assert [living["status"], living["left"], living["ended"]] == ["in-progress", [], 0]
    assert recording == {
        "sid": recording["sid"],
        "status": "in-progress",
        "started": pytest.approx(living["created"], abs=20_000),
        "seconds": 0,
        "channels": 1,
        "address": "",
        "call": recording["call"],
        "of_conference": True,
    }
    assert recording["call"] in {call["sid"] for call in calls}
    assert [call["conference"] for call in calls] == [{"sid": sid, "name": "Room 1234"}] * 2
    assert asked("conferences?state=live")["items"][0]["sid"] == sid
    house.switch.hang_up_all()
    wait_until(lambda: len(asked(f"conferences/{sid}")["left"]) == 2, "both have left")
    wait_until(lambda: asked("conferences?state=over")["items"], "it is over")
    over = asked(f"conferences/{sid}")
    ids = [callback["id"] for callback in over["callbacks"]]
    assert ids == sorted(ids, reverse=True)
    assert {call["number"] for call in over["left"]} == {"+13125550100", "+13125550101"}
    assert over["reason"] == "last-participant-left"
    call = asked(f"calls/{calls[0]['sid']}")
    assert call["conference"] == {"sid": sid, "name": "Room 1234"}, "the last that it was in"
    assert (call["to"], call["dialled"]) == (NUMBER, [])
    assert {callback["call"] for callback in call["callbacks"]} == {call["sid"]}
    assert {"initiated", "completed"} & {callback["event"] for callback in call["callbacks"]}
    assert "participant-join" in {callback["event"] for callback in call["callbacks"]}
    found = {state: len(asked(f"calls?state={state}")["items"]) for state in ("live", "over", "failed")}
    assert found == {"live": 0, "over": 2, "failed": 0}
    states = {
        state: len(asked(f"callbacks?state={state}")["items"])
        for state in ("", "waiting", "delivered", "failed")
    }
    assert states == {"": states["delivered"], "waiting": 0, "delivered": states["delivered"], "failed": 0}
    assert states["delivered"] > 5
