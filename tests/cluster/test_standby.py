"""Two `orchestrator run` on one database of PostgreSQL: one serves, the other stands by and takes over."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import gevent
import pytest
import requests

from tests.lab.postgresql import PostgresServer
from tests.lab.road import Road
from tests.lab.switches import Switch
from tests.lab.web import Application
from tests.ownership.running import ACCOUNT, API_KEY, Running
from tests.sound.common import until

NUMBER, FIRST, SECOND = "+13125550100", "+13125550002", "+13125550003"
ONE, TWO = 600, 1100
LEASE_SECONDS = 3.0
REST = f"/2010-04-01/Accounts/{ACCOUNT}"


class Pair:
    """Two orchestrators with one database."""

    def __init__(
        self, switch: Switch, application: Application, directory: Path, first_url: str, second_url: str
    ) -> None:
        """The URLs lead to the same database."""
        self.switch, self.application = switch, application
        self.all = [
            Running(
                switch,
                directory / name,
                application.url("/voice"),
                postgresql=url,
                more="cluster: {standby: true}\n",
            )
            for name, url in (("first", first_url), ("second", second_url))
        ]
        self.first, self.second = self.all

    def start(self) -> None:
        self.application.takes_callbacks("/events")
        self.application.document(
            "/voice",
            f'<Response><Dial><Conference beep="false" statusCallback="{self.application.url("/events")}" '
            'statusCallbackEvent="start end join leave mute">Room</Conference></Dial></Response>',
        )
        self.first.start()
        self.first.wait_ready()
        self.second.start()
        until(lambda: "standing by" in self.second.said(), 20, "the second stands by")

    def two_talk(self) -> tuple[object, object]:
        one = self.switch.call(NUMBER, from_=FIRST, sounds=ONE)
        two = self.switch.call(NUMBER, from_=SECOND, sounds=TWO)
        one.wait_hears(TWO)
        self.wait_events(3)
        return one, two

    def taken_over(self, seconds: float) -> float:
        """How long the second takes to be ready, from now on."""
        began = time.monotonic()
        until(lambda: "taking over" in self.second.said(), seconds, "the second takes over")
        self.second.wait_ready()
        return time.monotonic() - began

    def sequences(self) -> list[int]:
        """Of all callbacks, each once: those that a killed process had not yet noted as delivered come
        again."""
        numbers = [int(request.fields["SequenceNumber"]) for request in self.application.to("/events")]
        return list(dict.fromkeys(numbers))

    def wait_events(self, number: int) -> None:
        until(lambda: len(self.sequences()) >= number, 20, f"{number} callbacks")

    def ask(self, one: Running, method: str, path: str, **fields: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {API_KEY}"}
        url = f"http://127.0.0.1:{one.web}{path}"
        return requests.request(method, url, headers=headers, data=fields or None, timeout=20)


@pytest.fixture
def road(postgresql: PostgresServer) -> Iterator[Road]:
    """From the first to the database."""
    road = Road(postgresql.port)
    yield road
    road.close()


@pytest.fixture
def pair(
    switch: Switch, application: Application, tmp_path: Path, postgresql: PostgresServer, road: Road
) -> Iterator[Pair]:
    url = postgresql.empty()
    by_road = url.replace(f":{postgresql.port}/", f":{road.port}/")
    pair = Pair(switch, application, tmp_path, by_road, url)
    yield pair
    for one in pair.all:
        one.end()


def hang_up(*phones: object) -> None:
    for phone in phones:
        phone.hang_up()  # type: ignore[attr-defined]


def test_the_one_that_stands_by_takes_over_where_the_other_is_killed(pair: Pair) -> None:
    pair.start()
    one, two = pair.two_talk()
    pair.first.end(signal.SIGKILL)
    took = pair.taken_over(2)
    assert took < 5
    assert one.hears_now(TWO)  # type: ignore[attr-defined]
    three = pair.switch.call(NUMBER, from_="+13125550004")
    three.wait_hears(ONE)
    # The one that was killed is started again: it stands by now.
    pair.first.start()
    until(lambda: pair.first.said().count("standing by") == 1, 20, "it stands by")
    hang_up(one, two, three)
    pair.wait_events(8)
    assert pair.sequences() == list(range(8))


def test_one_that_stood_still_too_long_ends_before_it_does_anything(pair: Pair) -> None:
    """The other takes over; FreeSWITCH ends the old one's event socket, and it ends when it wakes up."""
    pair.start()
    one, two = pair.two_talk()
    pair.first.send(signal.SIGSTOP)
    took = pair.taken_over(LEASE_SECONDS + 2)
    assert took > LEASE_SECONDS - 1
    assert "closing the event sockets of the owner before" in pair.second.said()
    hang_up(one)
    pair.wait_events(4)
    pair.first.send(signal.SIGCONT)
    assert pair.first.wait_ended(3) == 3
    assert "this process ends at once" in pair.first.said()
    hang_up(two)
    pair.wait_events(6)
    gevent.sleep(0.5)
    assert pair.sequences() == list(range(6))


def test_one_that_is_cut_off_from_the_database_alone_acts_no_more(pair: Pair, road: Road) -> None:
    """It cannot know that another has taken over: FreeSWITCH ends its event socket, and takes no other."""
    pair.start()
    one, two = pair.two_talk()
    gevent.sleep(0.5)
    road.become("blocked")
    pair.taken_over(LEASE_SECONDS + 2)
    hang_up(one)
    pair.wait_events(4)
    until(lambda: "event socket down" in pair.first.said(), 5, "its event socket is ended")
    gevent.sleep(2)
    assert pair.first.said().count("event socket up") == 1
    hang_up(two)
    pair.wait_events(6)
    road.become("open")
    assert pair.first.wait_ended(15) == 1
    assert "another process has taken a node of ours over" in pair.first.said()
    gevent.sleep(0.5)
    assert pair.sequences() == list(range(6))
    assert len(pair.application.to("/events")) == 6


def test_a_stop_hands_over_without_a_wait(pair: Pair) -> None:
    pair.start()
    one, two = pair.two_talk()
    pair.first.send(signal.SIGTERM)
    three = pair.switch.call(NUMBER, from_="+13125550004")
    assert pair.first.wait_ended(15) == 0
    until(lambda: "taking over" in pair.second.said(), 1, "the second takes over at once")
    pair.second.wait_ready()
    assert "closing the event sockets" not in pair.second.said()
    three.wait_hears(ONE)
    hang_up(one, two, three)
    pair.wait_events(8)
    assert pair.sequences() == list(range(8))


def test_requests_reach_the_owner_through_the_one_that_stands_by(pair: Pair) -> None:
    pair.start()
    phones = pair.two_talk()
    (room,) = pair.ask(pair.second, "GET", f"{REST}/Conferences.json").json()["conferences"]
    participants = f"{REST}/Conferences/{room['sid']}/Participants"
    for one in pair.all:
        found = pair.ask(one, "GET", f"{participants}.json").json()["participants"]
        assert len(found) == 2
    muted = pair.ask(pair.second, "POST", f"{participants}/{found[0]['call_sid']}.json", Muted="true")
    assert (muted.status_code, muted.json()["muted"]) == (200, True)
    pair.wait_events(4)
    # As written, and answered as the owner answers.
    for path in ("Conferences/Room%2F7%20x.json?x=%E9", "Conferences.json?FriendlyName=R%6fom&PageSize=1"):
        by_one, by_other = (pair.ask(one, "GET", f"{REST}/{path}") for one in pair.all)
        assert (by_one.status_code, by_one.json()) == (by_other.status_code, by_other.json())
    assert requests.get(f"http://127.0.0.1:{pair.second.web}/healthz", timeout=5).json() == {
        "status": "alive"
    }
    assert pair.second.problems() == {}
    signed_in = pair.ask(pair.second, "GET", "/")
    assert "<html" in signed_in.text.lower()
    hang_up(*phones)


def test_without_an_owner_requests_may_be_made_again_later(pair: Pair) -> None:
    pair.start()
    pair.first.send(signal.SIGSTOP)
    try:
        answer = requests.get(
            f"http://127.0.0.1:{pair.second.web}/readyz", headers={"X-Texml-Forwarded": "1"}, timeout=5
        )
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "x-should-retry" not in answer.headers
    finally:
        pair.first.send(signal.SIGCONT)


def test_one_that_stands_by_ends_at_sigterm(pair: Pair) -> None:
    pair.start()
    pair.second.send(signal.SIGTERM)
    assert pair.second.wait_ended(5) == 0
    assert pair.first.problems() == {}


def test_the_owner_keeps_its_nodes_while_the_database_is_away(pair: Pair, postgresql: PostgresServer) -> None:
    """Nobody may count a silence that is the server's own."""
    pair.start()
    phones = pair.two_talk()
    postgresql.freeze()
    gevent.sleep(LEASE_SECONDS + 1.5)
    postgresql.thaw()
    gevent.sleep(1.5)
    assert "taking over" not in pair.second.said()
    hang_up(*phones)
    pair.wait_events(6)
    assert pair.sequences() == list(range(6))
    assert pair.first.problems() == {}
