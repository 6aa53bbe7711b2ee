"""A participant that nothing is received from is noticed, and that it is heard again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from orchestrator.conference.live import media_monitor
from orchestrator.conference.live.media_monitor import MediaMonitor
from orchestrator.conference.machine.state import (
    Caller,
    ConferenceOptions,
    Participant,
    ParticipantOptions,
    Phase,
    Room,
)
from orchestrator.counters import CallCounters
from orchestrator.esl.errors import Disconnected
from orchestrator.esl.reply import Reply
from orchestrator.store.outbox import Outbox
from orchestrator.timeline.recorder import Timeline

SECOND = 1_000_000
BEGAN = 1_700_000_000 * SECOND


def participant(number: int, phase: Phase = Phase.IN) -> Participant:
    return Participant(Caller(f"v3:{number}", f"leg-{number}"), ParticipantOptions(label=f"n{number}"), phase)


class Scene:
    """A room, and a FreeSWITCH that answers what it is asked for."""

    def __init__(self, outbox: Outbox, timeline: Timeline, number: int) -> None:
        people = {one.call_sid: one for one in map(participant, range(number))}
        self.rooms = [Room("room", "account", "Room", ConferenceOptions(), participants=people)]
        self.answers = {"rtp_audio_in_packet_count": "0", "remote_audio_media_flow": "sendrecv"}
        self.lost = False
        self.asked: list[tuple[float, str]] = []
        self.at = 0.0
        self.counters, self.timeline = CallCounters(), timeline
        self._store = outbox.timeline
        rooms: Any = self.rooms
        socket: Any = self
        self.monitor = MediaMonitor(rooms, socket, self.timeline, self.counters)

    def post(self, command: str, on_reply: Any = None) -> None:
        if on_reply is None:
            assert command.startswith("api uuid_set_media_stats ")
            return
        _, leg, variable = command.removeprefix("api ").split(" ")
        if variable == "rtp_audio_in_packet_count":
            self.asked.append((self.at, leg))
        answer = self.answers[variable]
        is_lost = self.lost or answer == "lost"
        on_reply(Disconnected("gone") if is_lost else Reply(answer, f"{answer}\n"))

    def now(self) -> int:
        return BEGAN + round(self.at * SECOND)

    def passes(self, seconds: float, packets: int = 0) -> None:
        """`packets`: that come in each half second."""
        for _ in range(round(seconds / 0.5)):
            self.at += 0.5
            if packets:
                self.answers["rtp_audio_in_packet_count"] = str(
                    int(self.answers["rtp_audio_in_packet_count"]) + packets
                )
            self.monitor._step()

    def entries(self) -> list[tuple[str, dict[str, Any]]]:
        self.timeline.flush()
        return [(one.kind, one.facts) for one in self._store.of_conference("account", "room")]


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    outbox = Outbox(tmp_path / "outbox.sqlite")
    yield outbox
    outbox.close()


@pytest.fixture
def timeline(outbox: Outbox) -> Iterator[Timeline]:
    timeline = Timeline(outbox.timeline)
    yield timeline
    timeline.stop()


@pytest.fixture
def scene(outbox: Outbox, timeline: Timeline, monkeypatch: pytest.MonkeyPatch) -> Scene:
    scene = Scene(outbox, timeline, 1)
    monkeypatch.setattr(media_monitor, "now", scene.now)
    scene.monitor._step()
    return scene


def test_nothing_is_said_of_one_that_is_received(scene: Scene) -> None:
    scene.passes(30, packets=25)
    assert scene.entries() == []
    assert scene.counters.silent_legs == 0


def test_one_that_nothing_ever_came_from_is_said_once_after_five_seconds(scene: Scene) -> None:
    scene.passes(4.5)
    assert scene.entries() == []
    scene.passes(20)
    assert scene.entries() == [("media.silent", {"seconds": 5, "ever": False, "label": "n0"})]
    assert scene.counters.silent_legs == 1


def test_one_that_stops_is_said_and_that_it_is_received_again(scene: Scene) -> None:
    scene.passes(10, packets=25)
    scene.passes(7.5)
    scene.passes(2.5, packets=25)
    scene.passes(7.5)
    assert scene.entries() == [
        ("media.silent", {"seconds": 5, "ever": True, "label": "n0"}),
        ("media.heard", {"seconds": 10, "ever": True, "label": "n0"}),
        ("media.silent", {"seconds": 5, "ever": True, "label": "n0"}),
    ]
    assert scene.counters.silent_legs == 2


@pytest.mark.parametrize("flow", ["inactive", "recvonly"])
def test_a_phone_that_holds_the_call_is_not_silent(scene: Scene, flow: str) -> None:
    scene.answers["remote_audio_media_flow"] = flow
    scene.passes(20)
    scene.passes(5, packets=25)
    assert scene.entries() == []
    assert scene.counters.silent_legs == 0


@pytest.mark.parametrize("flow", ["sendrecv", "sendonly", "_undef_", ""])
def test_any_other_is(scene: Scene, flow: str) -> None:
    scene.answers["remote_audio_media_flow"] = flow
    scene.passes(10)
    assert [kind for kind, _ in scene.entries()] == ["media.silent"]


@pytest.mark.parametrize("count", ["_undef_", "", "-1", "-ERR No such channel!"])
def test_a_leg_without_rtp_is_not_judged(scene: Scene, count: str) -> None:
    scene.answers["rtp_audio_in_packet_count"] = count
    scene.passes(20)
    assert scene.entries() == []


def test_nothing_is_concluded_while_freeswitch_does_not_answer(scene: Scene) -> None:
    scene.lost = True
    scene.passes(20)
    assert scene.entries() == []


def test_nothing_is_concluded_where_freeswitch_does_not_say_what_the_phone_sends(scene: Scene) -> None:
    scene.answers["remote_audio_media_flow"] = "lost"
    scene.passes(20)
    assert scene.entries() == []
    assert scene.counters.silent_legs == 0


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.IN])
def test_only_participants_that_are_in_are_looked_at(scene: Scene, phase: Phase) -> None:
    scene.rooms[0] = replace(scene.rooms[0], participants={"v3:0": participant(0, phase)})
    scene.asked.clear()
    scene.passes(20)
    assert scene.entries() == []
    assert scene.asked == []
    scene.rooms[0] = replace(scene.rooms[0], participants={"v3:0": participant(0)})
    scene.passes(5)
    assert scene.entries() == [], "it counts from its return"


@pytest.mark.parametrize(("number", "seconds_between"), [(1, 2.5), (100, 2.5), (200, 5.0)])
def test_each_is_looked_at_as_often_as_forty_looks_a_second_allow(
    outbox: Outbox,
    timeline: Timeline,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    seconds_between: float,
) -> None:
    scene = Scene(outbox, timeline, number)
    monkeypatch.setattr(media_monitor, "now", scene.now)
    scene.passes(30, packets=1)
    at = [at for at, _ in scene.asked]
    assert max(at.count(each) for each in set(at)) == min(number, 20)
    for leg in ("leg-0", f"leg-{number - 1}"):
        looks = [at for at, of in scene.asked if of == leg]
        gaps = [after - before for before, after in pairwise(looks)]
        assert gaps
        assert set(gaps) == {seconds_between}
