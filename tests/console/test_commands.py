"""The page's orders to conferences, participants, calls, recordings and callbacks, each with its effect."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.conference.machine.state import Room
from tests.console.conftest import start_room
from tests.console.test_site import Visitor, visitor
from tests.lab.softphones import Answers
from tests.scenarios.conftest import ACCOUNT, NUMBER, House
from tests.web.site import wait_until

__all__ = ["visitor"]

pytestmark = pytest.mark.rather("emulator")
GUEST = "+13125550021"


class Party:
    """A conference of two, and what the page asks of it."""

    def __init__(self, house: House, visitor: Visitor, **attributes: str) -> None:
        self.house = house
        self.visitor = visitor
        self.sid = start_room(house, 2, **attributes)
        self.calls = [one.caller.call_sid for one in self.room.participants.values()]

    @property
    def room(self) -> Room:
        assert self.house.orchestrator is not None
        room = self.house.orchestrator.node.rooms.get(self.sid)
        assert room is not None
        return room

    def orders(self, path: str = "", method: str = "POST", **body: Any) -> tuple[int, Any]:
        answer = self.visitor.ask(method, f"console/conferences/{self.sid}{path}", json=body)
        return answer.status_code, answer.json() if answer.content else None

    def asks_call(self, **body: Any) -> int:
        return self.visitor.ask("POST", f"console/calls/{self.calls[0]}", json=body).status_code

    def recordings(self, of: str) -> list[tuple[str, int]]:
        """(status, channels) of each."""
        found = self.visitor.ask("GET", f"console/{of}").json()["recordings"]
        return [(one["status"], one["channels"]) for one in found]

    def muted(self) -> list[bool]:
        return [one.options.muted for one in self.room.participants.values()]


@pytest.fixture
def party(house: House, visitor: Visitor) -> Party:
    return Party(house, visitor)


def test_all_are_muted_and_unmuted_and_the_conference_ends(party: Party) -> None:
    for muted, changed in ((True, 2), (True, 0), (False, 2)):
        assert party.orders(muted=muted) == (200, {"changed": changed})
        wait_until(lambda wanted=muted: party.muted() == [wanted] * 2, "they are")  # type: ignore[misc]
    assert party.orders(end=True) == (204, None)
    wait_until(lambda: not list(party.house.orchestrator.node.rooms), "it ends")  # type: ignore[union-attr]


def test_one_participant_is_muted_held_and_dropped(party: Party) -> None:
    first, second = party.calls
    path = f"/participants/{first}"
    for order in ({"muted": True}, {"held": True}, {"muted": False}):
        assert party.orders(path, **order) == (204, None)
    one = party.room.participants[first]
    assert (one.options.muted, one.held, party.room.participants[second].held) == (False, True, False)
    assert party.orders(path, held=False) == (204, None)
    assert not party.room.participants[first].held
    assert party.orders(path, "DELETE") == (204, None)
    wait_until(lambda: list(party.room.participants) == [second], "it is gone")


def test_an_announcement_is_an_address_and_has_a_sid(party: Party) -> None:
    party.house.log.allows("not announced", "announcement")
    for path in ("", f"/participants/{party.calls[0]}"):
        status, answer = party.orders(path, announce=" http://127.0.0.1:1/a.wav ")
        assert (status, list(answer)) == (200, ["announcement"])
        assert answer["announcement"]
        for wrong in ("ftp://h/a.wav", "", "a.wav", "file:///a.wav"):
            problem = "An announcement is an http or https address."
            assert party.orders(path, announce=wrong) == (422, {"problem": problem})


def test_a_conference_is_recorded_paused_and_recorded_on(party: Party) -> None:
    path = f"conferences/{party.sid}"
    assert party.orders(recording="paused")[0] == 404
    for order in ("in-progress", "paused", "in-progress"):
        assert party.orders(recording=order) == (204, None)
        wait_until(lambda wanted=order: party.recordings(path) == [(wanted, 1)], order)  # type: ignore[misc]
    assert party.orders(recording="stopped") == (204, None)
    assert len(party.recordings(path)) == 1, "it went on with the same one"


def test_a_call_is_recorded_in_two_channels_paused_recorded_on_and_hung_up(party: Party) -> None:
    path = f"calls/{party.calls[0]}"
    assert party.asks_call(recording="paused") == 404
    for order in ("in-progress", "paused", "in-progress"):
        assert party.asks_call(recording=order) == 204
        wait_until(lambda wanted=order: party.recordings(path) == [(wanted, 2)], order)  # type: ignore[misc]
    assert party.asks_call(recording="stopped") == 204
    assert party.asks_call(recording="in-progress") == 204
    wait_until(lambda: len(party.recordings(path)) == 2, "a new one after the end of the first")
    assert party.asks_call() == 400
    assert party.asks_call(end=False) == 400
    assert party.asks_call(end=True) == 204
    wait_until(lambda: len(party.room.participants) == 1, "it is gone")


def test_somebody_is_dialled_into_it(party: Party) -> None:
    target = party.house.switch.register(GUEST, Answers(0.1))
    order = {"to": f" {GUEST} ", "from_": f" {NUMBER} ", "label": " guest ", "muted": True}
    text = "Both numbers are needed: the one that is called, and the one that it sees."
    for missing in ("to", "from_"):
        assert party.orders("/participants", **order | {missing: " "}) == (422, {"problem": text})
    assert len(party.room.participants) == 2
    status, answer = party.orders("/participants", **order)
    assert status == 201
    target.wait_called(10)
    wait_until(lambda: party.room.participants[answer["call"]].phase.value == "in", "it is in")
    one = party.room.participants[answer["call"]]
    assert (one.caller.to, one.caller.from_) == (GUEST, NUMBER)
    assert (one.options.label, one.options.muted) == ("guest", True)
    second = party.house.switch.register("+13125550022", Answers(0.1))
    status, answer = party.orders("/participants", to="+13125550022", from_=NUMBER)
    second.wait_called(10)
    wait_until(lambda: party.room.participants[answer["call"]].phase.value == "in", "it is in")
    other = party.room.participants[answer["call"]]
    assert (other.options.label, other.options.muted) == ("", False)


def test_callbacks_that_failed_are_delivered_again(house: House, visitor: Visitor) -> None:
    house.log.allows("callback failed")
    house.application.takes_callbacks("/events", 410)
    start_room(house, 1)

    def listed(state: str) -> list[Any]:
        found = visitor.ask("GET", f"console/callbacks?state={state}").json()["items"]
        return [one for one in found if one["url"].endswith("/events")]

    wait_until(lambda: len(listed("failed")) == 2, "start and join have failed")
    house.application.takes_callbacks("/events")
    before = len(house.application.to("/events"))
    last, first = listed("failed")
    assert visitor.ask("POST", f"console/callbacks/{first['id']}/replay").status_code == 204
    wait_until(lambda: len(house.application.to("/events")) == before + 1, "one comes")
    answer = visitor.ask("POST", "console/callbacks/replay", json={"receiver": last["receiver"]})
    assert (answer.status_code, answer.json()) == (200, {"replayed": 1})
    wait_until(lambda: len(house.application.to("/events")) == before + 2, "the other comes")
    one = visitor.ask("GET", f"console/callbacks/{first['id']}").json()
    assert (one["state"], one["event"]) == ("delivered", "conference-start")
    assert ACCOUNT in str(one["body"])
