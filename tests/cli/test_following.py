"""Timelines on the command line: shown with a call, and followed live by a process of its own."""

from __future__ import annotations

import os
import pty
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import gevent
import pytest
from gevent import subprocess as cooperative

from orchestrator.app import Orchestrator
from orchestrator.config import loads
from orchestrator.timeline.entry import Entry
from tests.cli.conftest import ANNA, BERT, ROOM, Party, Types
from tests.scenarios.conftest import ACCOUNT, NUMBER, House
from tests.web.site import wait_until

HERE = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.rather("emulator")


def chunk(descriptor: int) -> bytes:
    """Blocks; empty at the end, which is an error of a terminal."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""


class Follower:
    """`orchestrator …` in a process of its own, with what it has printed so far."""

    def __init__(self, words: tuple[str, ...], terminal: bool) -> None:
        ours, its = pty.openpty() if terminal else os.pipe()
        self._descriptor = ours
        self.process = cooperative.Popen(
            [sys.executable, "-m", "orchestrator", *words],
            cwd=HERE,
            stdin=cooperative.DEVNULL,
            stdout=its,
            stderr=its,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "160", "LINES": "40"},
        )
        os.close(its)
        self.printed = ""
        self._reader = gevent.spawn(self._read)

    def _read(self) -> None:
        while True:
            found = gevent.get_hub().threadpool.apply(chunk, (self._descriptor,))
            if not found:
                return
            self.printed += found.decode("utf-8", "replace")

    def wait_prints(self, text: str, timeout: float = 60) -> None:
        wait_until(lambda: text in self.printed, f"{text!r} in {self.printed!r}", timeout)

    def ends(self) -> int:
        code = int(self.process.wait(60))
        self._reader.join(5)
        return code

    def is_interrupted(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.ends()


Follows = Callable[..., Follower]


@pytest.fixture
def follows(types: Types) -> Iterator[Follows]:
    started: list[Follower] = []

    def follow(*words: str, terminal: bool = False) -> Follower:
        started.append(Follower(words, terminal))
        return started[-1]

    yield follow
    for follower in started:
        if follower.process.poll() is None:
            follower.process.kill()
            follower.process.wait(10)


def test_a_call_is_shown_with_all_that_happened_to_it(house: House, types: Types) -> None:
    house.documents({ANNA: house.joins(participantLabel="anna", beepz="true")})
    phone = house.switch.call(NUMBER, from_=ANNA)
    house.delivered(2, 10)
    types("participants", "mute", ROOM, "anna")
    phone.hang_up()
    wait_until(lambda: "hung up" in types("calls", "show", ANNA).out, "its hangup")
    shown = types("calls", "show", ANNA).out
    order = [
        f"Call from {ANNA} to {NUMBER}",
        "Document requested",
        "Document received",
        "WARNING",
        f"Joined conference {ROOM} as anna",
        "through the API",
        "Callback participant-join",
        "hung up",
    ]
    places = [shown.find(text) for text in order]
    assert -1 not in places, dict(zip(order, places, strict=True))
    assert places[:5] == sorted(places[:5])
    (as_json,) = types("calls", "show", ANNA, "--json").json
    assert as_json["from"] == ANNA
    assert as_json["timeline"][0]["kind"] == "call.arrived"
    conference = types("conferences", "show", ROOM).out
    for text in (
        "anna",
        ANNA,
        "participant hung up",
        f"Conference {ROOM} started.",
        f"Conference {ROOM} ended",
    ):
        assert text in conference
    (as_json,) = types("conferences", "show", ROOM, "--json").json
    assert [one["label"] for one in as_json["participants"]] == ["anna"]


def test_all_calls_are_followed_until_the_person_has_seen_enough(house: House, follows: Follows) -> None:
    tail = follows("calls", "tail")
    tail.wait_prints("from now on")
    Party(house)
    tail.wait_prints(f"{ANNA}  Joined conference {ROOM} as anna")
    tail.wait_prints(f"{BERT}  Joined conference {ROOM} as bert")
    assert tail.is_interrupted() == 0
    assert "Traceback" not in tail.printed


def test_one_call_is_followed_from_its_beginning_to_its_end(house: House, follows: Follows) -> None:
    party = Party(house)
    tail = follows("calls", "tail", "anna")
    tail.wait_prints(f"Call from {ANNA}")
    party.anna.hang_up()
    assert tail.ends() == 0
    assert "hung up" in tail.printed
    assert BERT not in tail.printed


def test_a_tail_goes_on_when_the_orchestrator_is_restarted(house: House, follows: Follows) -> None:
    party = Party(house)
    tail = follows("calls", "tail", "anna")
    tail.wait_prints(f"Call from {ANNA}")
    assert house.orchestrator is not None
    settings = house.settings.replace("127.0.0.1:0", f"127.0.0.1:{house.orchestrator.web.port}")
    house.stop()
    gevent.sleep(2)
    house.orchestrator = Orchestrator(loads(settings))
    house.orchestrator.start()
    assert house.orchestrator.wait_ready(10)
    party.anna.hang_up()
    assert tail.ends() == 0
    assert "hung up" in tail.printed
    assert "nobody answers at" in tail.printed


def test_a_conference_is_watched_on_a_terminal(house: House, follows: Follows) -> None:
    party = Party(house)
    watch = follows("conferences", "watch", ROOM, terminal=True)
    watch.wait_prints("2 participants")
    for text in ("anna", "bert", "DURATION", f"Conference {ROOM} started."):
        watch.wait_prints(text)
    party.bert.hang_up()
    watch.wait_prints("1 participant\x1b")
    party.anna.hang_up()
    assert watch.ends() == 0
    assert f"Conference {ROOM} ended" in watch.printed


def test_all_conferences_are_watched_and_elsewhere_than_on_a_terminal_line_by_line(
    house: House, follows: Follows
) -> None:
    watch, lines = follows("conferences", "watch", terminal=True), follows("conferences", "watch")
    watch.wait_prints("0 conferences")
    lines.wait_prints("from now on")
    Party(house)
    watch.wait_prints("1 conference")
    watch.wait_prints(ROOM)
    lines.wait_prints(f"{ROOM}  Conference {ROOM} started.")
    assert "\x1b" not in lines.printed
    assert (watch.is_interrupted(), lines.is_interrupted()) == (0, 0)


def test_calls_that_never_became_one_are_listed_with_what_to_do(house: House, types: Types) -> None:
    assert house.orchestrator is not None
    facts = {"caller": ANNA, "number": "+18005550199", "address": "192.0.2.7", "reason": "no application"}
    entry = Entry(0, 1_795_000_000_000_000, "call.rejected", ACCOUNT, level="warning", facts=dict(facts))
    house.orchestrator.outbox.timeline.add([entry])
    line = types("calls", "rejected").out
    assert line.startswith("2026-11-18 ")
    assert "WARNING" in line
    for shown in (ANNA, "+18005550199", "192.0.2.7"):
        assert shown in line
    assert types("calls", "rejected", "--json").json[0]["facts"]["reason"] == "no application"
